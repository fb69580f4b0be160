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

from scc2s._cells.values import as_whole
from scc2s._logging import logger
from scc2s.atlas._block import block, cells_at, uns_of
from scc2s.atlas._collected import Collected, blank, collect, counted, joined
from scc2s.atlas._draw import new_cells
from scc2s.atlas._folder import read_json, write_json
from scc2s.atlas._staged import write
from scc2s.models._named import Named
from scc2s.tl._asking.nulls import OfWhole, as_part_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anndata import AnnData

    from scc2s._cells.values import Values
    from scc2s.atlas._source import Source
    from scc2s.atlas._steps import Step
    from scc2s.tl._asking.nulls import Nulls

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
    threads: int
    """Of a worker's kernels."""
    values: Values | None = None
    """What the values of all cells are."""
    halved: int = 0
    """For the sums of a rank fit."""
    nulls: Nulls | None = None
    """What the model said of the sample of all cells."""
    n_new: int | None = None
    """Cells that are made, by a step that makes some."""

    @property
    def n_obs(self) -> int:
        """Cells of all blocks."""
        return self.source.n_obs if self.n_new is None else self.n_new

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return -(-self.n_obs // self.block_size)

    def rows(self, number: int) -> tuple[int, int]:
        """First cell of a block, and after its last."""
        start = number * self.block_size
        return start, min(start + self.block_size, self.n_obs)

    @property
    def path(self) -> Path:
        """Folder of this step's state."""
        return Path(self.folder)


def pilot(job: Job, rows: tuple[int, int]) -> tuple[Collected, list[tuple[int, str]]]:
    """The step on a few cells: what it writes, and what it says of them in the log."""
    with _alone(job), _heard() as said:
        if job.n_new is not None:
            return new_cells(job, rows, _own(job)), said
        cells = block(job.out, job.token, job.source, job.step, rows, whole=True, without=_own(job))
        found = Collected() if job.step.kind.function == job.step.kind.own else _tool(job, cells)
    return found, said


def controls(job: Job, rows: Sequence[int]) -> tuple[Collected, list[Nulls], list[tuple[int, str]]]:
    """The step with its control questions on a sample of the cells, which is all that is asked about again."""
    whole = OfWhole(n=max(1, len(rows) - 1))
    with _alone(job), _heard() as said, as_part_of(whole):
        one_by_one = [(row, row + 1) for row in rows]
        cells = cells_at(job.out, job.token, job.source, job.step, one_by_one, without=_own(job))
        found = _tool(job, cells, controls=True)
    return found, whole.asked, said


def run_block(job: Job, number: int, pieces: int = 1) -> dict[str, Any]:
    """Do one block, in so many pieces, and write first its data and then that it is done.

    Returns
    -------
    What is kept of it in ``done/<number>.json``.
    """
    began = time.time()
    start, stop = job.rows(number)
    manifest = read_json(job.path / "manifest.json")
    if manifest is None or manifest["token"] != job.token:
        msg = f"another run of {job.step.key} has taken the place of this one"
        raise RuntimeError(msg)
    size = max(1, -(-(job.step.kind.unit or stop - start) // pieces))
    with _alone(job), _heard(), as_part_of(None if job.nulls is None else OfWhole(job.nulls)):
        parts = [_piece(job, (a, min(a + size, stop)), manifest["layout"]) for a in range(start, stop, size)]
    found = joined(parts)
    sums, named = write(job.path, manifest["layout"], number, start, found)
    done = {
        "block": number,
        "rows": [start, stop],
        "sums": sums,
        "categories": named,
        "params": [counted(part) for part in parts],
        "pieces": pieces,
        "worker": _worker(),
        "began": began,
        "seconds": time.time() - began,
    }
    write_json(job.path / "done" / f"{number}.json", done)
    return done


def _piece(job: Job, rows: tuple[int, int], layout: dict[str, Any]) -> Collected:
    if job.n_new is not None:
        return new_cells(job, rows, _own(job))
    cells = block(job.out, job.token, job.source, job.step, rows, without=_own(job))
    own = job.step.own()
    if own is not None:
        with as_whole(job.values):
            return Collected(arrays=[own(job, cells, rows, **job.step.params)])
    if job.step.name == "perturb" and not _any_asked(job, cells):
        return blank(layout, cells.n_obs)
    return _tool(job, cells)


def _tool(job: Job, cells: AnnData, **more: Any) -> Collected:
    """What the function of a step writes to cells in memory."""
    params = dict(job.step.params)
    options = params.pop("model_options", None)
    if options:
        from scc2s._settings import settings

        params["model"] = Named(params.get("model") or settings.model, options)
    if job.step.name == "sentences":
        params["n_jobs"] = job.threads
        if isinstance(params.get("reference"), dict):
            import pandas as pd

            params["reference"] = pd.Series(params["reference"])
    if job.step.kind.controls:
        params["controls"] = job.nulls is not None
    with as_whole(job.values):
        job.step.function()(cells, **{**params, **more})
    return collect(cells, uns_of(job.out, job.token).get("c2s", {}))


def _own(job: Job) -> list[str]:
    """Columns of obs that the step has written before, and will again."""
    layout = (read_json(job.path / "manifest.json") or {}).get("layout", {})
    return [place.partition(":")[2] for place in layout if place.startswith("obs:")]


def _any_asked(job: Job, cells: AnnData) -> bool:
    """Whether a cell has a sentence and a perturbation: else there is nothing to ask, which in memory is an error."""
    from scc2s._cells.access import get_sentences

    shown = [bool(text) for text in get_sentences(cells, job.step.params.get("sentence_key", "c2s_sentence"))]
    key = job.step.params.get("perturbation_key")
    if key is not None and key in cells.obs:
        shown = [a and b for a, b in zip(shown, cells.obs[key].notna(), strict=True)]
    return any(shown)


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
