"""One lane of work: tools run one after another, few may wait, and whoever leaves is not worked for."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scc2s._logging import logger
from scc2s.models._listening import Stopped, listening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EVERY = 0.05
"""Seconds between two parts of an answer that is being written: more are not seen."""
_REMEMBERED = 10
"""Jobs whose time says how long the next ones will take."""


class Full(Exception):
    """There is no room for another job.

    Parameters
    ----------
    message
        What to say.
    retry_after
        Seconds after which there may be.
    own
        Whether it is the client's own jobs that fill its share.
    """

    def __init__(self, message: str, retry_after: int, *, own: bool) -> None:
        super().__init__(message)
        self.retry_after, self.own = retry_after, own


class Job:
    """Work that somebody waits for. Models see it as their listener (:class:`scc2s.models._listening.Listener`).

    Parameters
    ----------
    work
        What is done; its result goes to whoever waits.
    tell
        Takes the name of an event and what is in it, from any thread: ``"queued"``, ``"started"``, ``"step"``,
        ``"text"``, ``"note"``, and at last ``"done"`` or ``"failed"``.
    client
        Who asks.
    seconds
        Longest time that the work may take.
    """

    def __init__(
        self, work: Callable[[], Any], tell: Callable[[str, Any], None], *, client: str, seconds: float
    ) -> None:
        self.work, self.tell, self.client, self.seconds = work, tell, client, seconds
        self.made = time.perf_counter()
        self.started: float | None = None
        self.notes: list[str] = []
        self._left = threading.Event()
        self._n_begun, self._last = 0, 0.0

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._left.set()

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits any more."""
        return self._left.is_set()

    @property
    def late(self) -> bool:
        """Whether the work takes longer than it may."""
        return self.started is not None and time.perf_counter() - self.started > self.seconds

    def begins(self) -> None:
        """Another answer in words is begun."""
        self._n_begun, self._last = self._n_begun + 1, 0.0

    def written(self, text: str) -> None:
        """That answer so far."""
        now = time.perf_counter()
        if now - self._last >= _EVERY:
            self._last = now
            self.tell("text", {"answer": self._n_begun, "text": text})

    def done(self, task: str, n: int, total: int) -> None:
        """`n` of `total` prompts of a step are answered."""
        self.tell("step", {"task": task, "n": n, "total": total})

    def gone(self) -> bool:
        """Whether to stop."""
        return self.cancelled or self.late

    def note(self, text: str) -> None:
        """Something that people should read beside the result."""
        self.notes.append(text)
        self.tell("note", {"text": text})


class Lane:
    """A thread that does one job after another.

    Parameters
    ----------
    most_waiting
        Jobs that may wait.
    most_of_one
        Those that one client may have among them.
    """

    def __init__(self, most_waiting: int, most_of_one: int | None = None) -> None:
        self.most_waiting = most_waiting
        self.most_of_one = most_waiting if most_of_one is None else most_of_one
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._changed = threading.Condition()
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, job: Job) -> None:
        """Put a job at the end of the queue.

        Raises
        ------
        Full
            There is no room.
        """
        with self._changed:
            self._drop_left()
            if len(self._waiting) >= self.most_waiting:
                msg = f"{len(self._waiting)} questions wait already; ask again in {self._wait()} s"
                raise Full(msg, self._wait(), own=False)
            if (own := sum(one.client == job.client for one in self._waiting)) >= self.most_of_one:
                msg = f"{own} of your questions wait already; ask again in {self._wait()} s"
                raise Full(msg, self._wait(), own=True)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="scc2s tools", daemon=True)
                self._thread.start()
            ahead = len(self._waiting) + (self._running is not None)
            self._waiting.append(job)
            job.tell("queued", {"ahead": ahead})
            self._changed.notify_all()

    @property
    def n_waiting(self) -> int:
        """Jobs in the queue."""
        with self._changed:
            self._drop_left()
            return len(self._waiting)

    @property
    def is_busy(self) -> bool:
        """Whether a job runs."""
        return self._running is not None

    def close(self) -> None:
        """Stop what runs as soon as it can be, and begin nothing more."""
        with self._changed:
            self._closed = True
            for job in (*self._waiting, *([self._running] if self._running else [])):
                job.cancel()
            self._waiting.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _drop_left(self) -> None:
        if any(job.cancelled for job in self._waiting):
            self._waiting = deque(job for job in self._waiting if not job.cancelled)
            self._tell_places()

    def _tell_places(self) -> None:
        for ahead, job in enumerate(self._waiting, start=int(self._running is not None)):
            job.tell("queued", {"ahead": ahead})

    def _wait(self) -> int:
        """Seconds until there may be room: what jobs took of late, for all that are there."""
        usual = sum(self._took) / len(self._took) if self._took else 1.0
        return max(1, min(600, round(usual)))

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                job = self._running = self._waiting.popleft()
                self._tell_places()
            try:
                if not job.cancelled:
                    self._do(job)
            finally:
                with self._changed:
                    self._running = None

    def _do(self, job: Job) -> None:
        job.started = time.perf_counter()
        job.tell("started", {})
        try:
            with _noted(job), listening(job):
                result = job.work()
        except Stopped:
            late = job.late and not job.cancelled
            msg = (
                f"the answer took longer than {job.seconds:g} s; ask about fewer cells, or serve with a longer timeout"
            )
            job.tell("failed", TimeoutError(msg) if late else Stopped())
        except BaseException as error:  # noqa: BLE001  # whoever waits is told, and the lane goes on
            job.tell("failed", error)
        else:
            job.tell("done", result)
        self._took.append(time.perf_counter() - job.started)


def too_late(seconds: float) -> TimeoutError:
    """What is said where work takes longer than it may."""
    return TimeoutError(
        f"the answer took longer than {seconds:g} s; ask about fewer cells, or serve with a longer timeout"
    )


@contextmanager
def _noted(job: Job) -> Iterator[None]:
    """Warnings of the package that are logged in this thread stand beside the result."""
    thread = threading.get_ident()

    class Note(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                job.note(record.getMessage())

    handler = Note(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
