"""Answers of jobs: one JSON when all is done, or Server-Sent Events as they come."""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from ._errors import described
from ._jobs import Job, too_late

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from ._jobs import Lane

_KEEP_ALIVE = 15.0
"""Seconds without an event after which a comment shows that the server is there."""
_GRACE = 5.0
"""Seconds that a model has to stop by itself when its time is over."""


class Waiting:
    """Events of a job on their way from the thread that works to the one that answers."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def tell(self, name: str, data: Any) -> None:
        """From any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._events.put_nowait, (name, data))

    async def next(self) -> tuple[str, Any]:
        """The next event."""
        return await self._events.get()


def respond(request: Request, lane: Lane, work: Callable[[], Any], *, seconds: float, make: Any = None) -> Response:
    """Put work into the queue and answer with what comes of it.

    Parameters
    ----------
    request
        Who asks, and whether for a stream: ``Accept: text/event-stream``.
    lane
        The queue.
    work
        Gives the body of the answer.
    seconds
        Longest time of the work.
    make
        Makes another response than JSON of the result.

    Raises
    ------
    Full
        There is no room in the queue.
    """
    waiting = Waiting()
    client = request.client.host if request.client else ""
    job = Job(work, waiting.tell, client=client, seconds=seconds)
    lane.submit(job)
    stream = "text/event-stream" in request.headers.get("accept", "") and make is None
    return (Stream if stream else Whole)(job, waiting, make)


class _Of(Response, ABC):
    """A response that ends its job when the client leaves."""

    def __init__(self, job: Job, waiting: Waiting, make: Any = None) -> None:
        super().__init__()
        self.job, self.waiting, self.make = job, waiting, make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(_left(receive))
        answering = asyncio.create_task(self.answer(scope, receive, send))
        try:
            await asyncio.wait({leaving, answering}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
        finally:
            self.job.cancel()
            for task in (leaving, answering):
                task.cancel()
            await asyncio.gather(leaving, answering, return_exceptions=True)

    @abstractmethod
    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what comes of the job."""

    async def next(self) -> tuple[str, Any]:
        """The next event; a job that does not stop when its time is over has failed."""
        started = self.job.started
        left = float("inf") if started is None else self.job.seconds + _GRACE - (time.perf_counter() - started)
        try:
            async with asyncio.timeout(min(_KEEP_ALIVE, left)):
                return await self.waiting.next()
        except TimeoutError:
            if left > _KEEP_ALIVE:
                return "", None
            self.job.cancel()
            return "failed", too_late(self.job.seconds)

    def finished(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result with what is said of how it came about."""
        started = self.job.started or self.job.made
        return {**result, "notes": self.job.notes, "seconds": round(time.perf_counter() - started, 3)}

    def timing(self, ended: float) -> dict[str, str]:
        """How long the job waited and worked, in ms."""
        started = self.job.started or ended
        waited, worked = 1000 * (started - self.job.made), 1000 * (ended - started)
        return {"Server-Timing": f"queue;dur={waited:.1f}, work;dur={worked:.1f}"}


class Whole(_Of):
    """One JSON."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the end, and send it."""
        while True:
            name, data = await self.next()
            if name in ("done", "failed"):
                break
        headers = self.timing(time.perf_counter())
        response: Response
        if name == "failed":
            found = described(data)
            response = JSONResponse({"error": found}, status_code=found["status"], headers=headers)
        elif self.make is not None:
            response = self.make(data)
        else:
            response = JSONResponse(self.finished(data), headers=headers)
        await response(scope, receive, send)


class Stream(_Of):
    """Server-Sent Events."""

    async def answer(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send events as they come."""
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        ended = False
        while not ended:
            name, data = await self.next()
            if name == "done":
                data = self.finished(data)
            elif name == "failed":
                name, data = "error", described(data)
            ended = name in ("done", "error")
            text = f"event: {name}\ndata: {json.dumps(data)}\n\n" if name else ": waiting\n\n"
            await send({"type": "http.response.body", "body": text.encode(), "more_body": not ended})


async def _left(receive: Receive) -> None:
    """Ends when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
