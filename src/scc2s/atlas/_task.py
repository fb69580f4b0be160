"""What a worker does: one block, from the store to its chunk."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scc2s._logging import logger
from scc2s.atlas._block import about_all, block
from scc2s.atlas._collected import COUNTS, MET, Collected, collect, joined
from scc2s.atlas._folder import read_json, write_json
from scc2s.atlas._staged import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scc2s.atlas._source import Source
    from scc2s.atlas._steps import Step

PILOT = 16
"""Cells that show what a step writes."""
_MODEL = threading.Lock()
"""A model is asked by one thread of a process at a time."""


@dataclass(frozen=True)
class Job:
    """A step on a store: what a task has to know, besides the number of its block."""

    source: Source
    out: str
    folder: str
    """Of this step's state."""
    step: Step
    block_size: int
    token: str
    """Of this run of the step: tasks of an earlier one, on workers that outlived it, write nothing more."""
    threads: int | None

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return -(-self.source.n_obs // self.block_size)

    def rows(self, number: int) -> tuple[int, int]:
        """First cell of a block, and after its last."""
        start = number * self.block_size
        return start, min(start + self.block_size, self.source.n_obs)

    @property
    def path(self) -> Path:
        """Folder of this step's state."""
        return Path(self.folder)


def pilot(job: Job, rows: tuple[int, int]) -> tuple[Collected, list[tuple[int, str]]]:
    """The step on a few cells: what it writes, and what it says of them in the log."""
    with _alone(job), _heard() as said:
        found = _of_rows(job, rows, whole=True)
    return found, said


def run_block(job: Job, number: int, pieces: int = 1) -> dict[str, Any]:
    """Do one block, in so many pieces, and write first its data and then that it is done.

    Returns
    -------
    What is kept of it in ``done/<number>.json``.
    """
    began = time.time()
    start, stop = job.rows(number)
    step = job.step.kind.unit or stop - start
    step = max(1, -(-step // pieces))
    with _alone(job), _heard():
        found = joined([_of_rows(job, (a, min(a + step, stop))) for a in range(start, stop, step)])
    manifest = read_json(job.path / "manifest.json")
    if manifest is None or manifest["token"] != job.token:
        msg = f"another run of {job.step.key} has taken the place of this one"
        raise RuntimeError(msg)
    sums, named = write(job.path / "arrays", manifest["layout"], start, found.values)
    done = {
        "block": number,
        "rows": [start, stop],
        "sums": sums,
        "categories": named,
        "params": {"/".join(path): _counted(record["params"]) for path, record in found.records.items()},
        "pieces": pieces,
        "worker": _worker(),
        "began": began,
        "seconds": time.time() - began,
    }
    write_json(job.path / "done" / f"{number}.json", done)
    return done


def _of_rows(job: Job, rows: tuple[int, int], *, whole: bool = False) -> Collected:
    cells = block(job.out, job.token, job.source, job.step, rows, whole=whole)
    more = {"n_jobs": job.threads} if job.step.name == "sentences" else {}
    job.step.function(cells, **job.step.params, **more)
    return collect(cells, about_all(job.out, job.token).get("c2s", {}))


def _counted(params: dict[str, Any]) -> dict[str, Any]:
    return {name: params[name] for name in (*COUNTS, *MET) if name in params}


def _alone(job: Job) -> Any:
    return nullcontext() if job.step.kind.matrix else _MODEL


@contextmanager
def _heard() -> Iterator[list[tuple[int, str]]]:
    """Keep what is said of a block from the log, where it would stand once a block."""
    said: list[tuple[int, str]] = []
    me = threading.get_ident()

    class Keep(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            if record.thread != me:
                return True
            said.append((record.levelno, record.getMessage()))
            return False

    keep = Keep()
    logger.addFilter(keep)
    try:
        yield said
    finally:
        logger.removeFilter(keep)


def _worker() -> str:
    try:
        from distributed import get_worker

        return str(get_worker().name)
    except (ImportError, ValueError):
        return f"process {os.getpid()}"
