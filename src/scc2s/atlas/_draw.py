"""New cells of an atlas: a block of them, as the function that writes cells in memory gives it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.stored_rows import table_rows
from scc2s.atlas._block import cells_at, uns_of
from scc2s.atlas._collected import Collected, collect, value_of
from scc2s.atlas._store import opened
from scc2s.models._named import Named

if TYPE_CHECKING:
    from collections.abc import Collection

    from scc2s.atlas._task import Job

NUMBERS = "numbers.npy"
"""File of the number of each cell among those of its condition."""


def new_cells(job: Job, rows: tuple[int, int], own: Collection[str]) -> Collected:
    """Cells of some rows of the table of conditions, which obs of the store begins as."""
    from scc2s import tl
    from scc2s.tl._writing.new_cells import numbered

    obs = opened(job.out, job.token)["obs"]
    columns = [str(name) for name in obs.attrs["column-order"] if name not in own]
    table = table_rows(obs, *rows, columns).reset_index(drop=True)
    numbers = np.load(Path(job.folder).parent / NUMBERS, mmap_mode="r")[slice(*rows)].tolist()
    nobody = cells_at(job.out, job.token, job.source, job.step, [(0, 0)], without=own)
    params: dict[str, Any] = {**job.step.params, "controls": False}
    options = params.pop("model_options", None)
    if options:
        from scc2s._settings import settings

        params["model"] = Named(params.get("model") or settings.model, options)
    params |= {"obs": table} if columns else {"n": len(table)}
    with numbered(numbers):
        made = tl.generate(nobody, **params)
    values = {f"obs:{name}": value_of(made.obs[name]) for name in made.obs if name not in columns}
    values |= {"X:": made.X.tocsr(), "obsm:c2s_ranks": value_of(made.obsm["c2s_ranks"])}
    return Collected(values, collect(made, uns_of(job.out, job.token).get("c2s", {})).records)
