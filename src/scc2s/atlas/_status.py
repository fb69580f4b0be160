from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s.atlas._folder import read_json, run_folder
from scc2s.atlas._progress import estimate, rate
from scc2s.atlas._resume import plan_of
from scc2s.atlas._steps import Step

if TYPE_CHECKING:
    from pathlib import Path


def status(out: str | Path) -> pd.DataFrame:
    """How far a :func:`scc2s.atlas.run` into a store is; it may be running, or be cut off.

    Parameters
    ----------
    out
        The store with the results.

    Returns
    -------
    A row for each step of the last run: ``state`` (``"waiting"``, ``"begun"``, ``"done"``), ``n_blocks``, ``n_done``,
    ``n_failed``, ``cells`` (done), ``rate`` (cells a second, of all workers of the last minutes), ``seconds_left``,
    ``workers`` (name and cells a second of each, as text) and ``error`` (of the first block that failed).

    Raises
    ------
    FileNotFoundError
        If nothing was begun there.
    """
    plan = plan_of(out)
    names = [Step(name, params).key for name, params in plan["steps"]]
    rows = [_of_step(run_folder(out) / name) for name in names]
    return pd.DataFrame(rows, index=pd.Index(names, name="step"))


def _of_step(folder: Path) -> dict[str, Any]:
    manifest = read_json(folder / "manifest.json")
    if manifest is None:
        return {"state": "waiting", "n_blocks": 0, "n_done": 0, "n_failed": 0, "cells": 0, "rate": float("nan"),
                "seconds_left": float("nan"), "workers": "", "error": ""}  # fmt: skip
    done = [one for file in (folder / "done").glob("*.json") if (one := read_json(file)) is not None]
    failed = [one for file in (folder / "failed").glob("*.json") if (one := read_json(file)) is not None]
    n_obs = int(manifest["cells"]["n_obs"])
    n_done = sum(one["rows"][1] - one["rows"][0] for one in done)
    finished = (folder / "finished.json").exists()
    workers = sorted({one["worker"] for one in done})
    return {
        "state": "done" if finished else "begun",
        "n_blocks": -(-n_obs // int(manifest["block_size"])),
        "n_done": len(done),
        "n_failed": len(failed),
        "cells": n_done,
        "rate": rate(done),
        "seconds_left": 0.0 if finished else estimate(n_obs - n_done, done),
        "workers": ", ".join(f"{name}: {rate([o for o in done if o['worker'] == name]):,.0f}" for name in workers),
        "error": min(failed, key=lambda one: one["block"])["error"] if failed else "",
    }
