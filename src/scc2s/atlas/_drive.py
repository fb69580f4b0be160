"""Blocks are sent to workers, a few ahead of what they can do; those that fail are tried again, or halved."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING, Any

from scc2s._logging import logger
from scc2s.atlas._cluster import workers_of
from scc2s.atlas._folder import write_json
from scc2s.atlas._need import need
from scc2s.atlas._task import run_block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scc2s.atlas._progress import Progress
    from scc2s.atlas._task import Job

_AHEAD = 2
"""Blocks for each thread of the workers: one is done while the next is on its way."""
_LOOK = 1.0
"""Seconds after which workers are counted again."""
_MOST_PIECES = 64
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def drive(
    client: Any,
    job: Job,
    numbers: Iterable[int],
    *,
    retries: int,
    resources: dict[str, int] | None,
    progress: Progress,
) -> dict[int, str]:
    """Do blocks.

    Parameters
    ----------
    client
        Whom to send them to.
    job
        The step.
    numbers
        Of the blocks.
    retries
        Times that a block which failed is tried again.
    resources
        What a worker must have for a block.
    progress
        Told of each block.

    Returns
    -------
    Why each block failed that did so each time.

    Raises
    ------
    OSError
        If the disk is full: all others would fail as well.
    ConnectionError
        If the scheduler is gone.
    """
    waiting = list(numbers)[::-1]
    left = dict.fromkeys(waiting, retries)
    pieces = dict.fromkeys(waiting, 1)
    failed: dict[int, str] = {}
    running: dict[str, int] = {}
    queue = need("distributed").as_completed(loop=client.loop)

    def send(number: int) -> None:
        name = f"{job.step.name}-{job.token}-{number}-{pieces[number]}-{left[number]}"
        future = client.submit(
            run_block, job, number, pieces[number], key=name, pure=False, priority=-number, resources=resources
        )
        running[future.key] = number
        queue.add(future)

    room, asked = 0.0, float("-inf")

    def fill() -> None:
        nonlocal room, asked
        if time.monotonic() - asked > _LOOK:  # workers come and go
            room = _AHEAD * max(1, sum(int(worker["nthreads"]) for worker in workers_of(client).values()))
            asked = time.monotonic()
        while waiting and len(running) < room:
            send(waiting.pop())

    try:
        fill()
        while running:
            future = next(queue)
            number = running.pop(future.key)
            if future.status == "finished":
                progress.done(future.result())
            elif future.status != "error":
                msg = f"the scheduler is gone; what is done is kept: call scc2s.atlas.resume({job.out!r})"
                raise ConnectionError(msg)
            else:
                error = future.exception()
                if _is_full(error):
                    msg = (
                        f"the disk of {job.folder} is full; free some space and call scc2s.atlas.resume({job.out!r}), "
                        "which goes on from what is done"
                    )
                    raise OSError(errno.ENOSPC, msg)
                if _out_of_memory(error) and pieces[number] < _MOST_PIECES:
                    pieces[number] *= 2
                    logger.info("%s: block %d ran out of memory, and goes on in %d pieces", job.step.name, number,
                                pieces[number])  # fmt: skip
                    send(number)
                elif left[number] > 0:
                    left[number] -= 1
                    send(number)
                else:
                    failed[number] = f"{type(error).__name__}: {' '.join(str(error).split())}"
                    start, stop = job.rows(number)
                    note = {"block": number, "rows": [start, stop], "error": failed[number], "when": time.time()}
                    write_json(job.path / "failed" / f"{number}.json", note)
                    progress.failed()
            future.release()
            fill()
    finally:
        for future in list(queue.futures):
            future.cancel()
    return failed


def _is_full(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in _FULL


def _out_of_memory(error: BaseException | None) -> bool:
    """No memory in the process or on its device; a worker that was stopped over and over has likely had none."""
    return isinstance(error, MemoryError) or type(error).__name__ in ("KilledWorker", "OutOfMemoryError")
