"""Runs of the tools that let a model write, with answers kept in a file. As a program: one that is killed midway.

``python tests/kept_runs.py TOOL FILE N`` ends by SIGKILL at the N-th question.
"""

from __future__ import annotations

import os
import signal
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from cell_writers import GENES, RESPONSE, cells

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

TOOLS = ("perturb", "fate", "screen", "experiments", "generate")


def model(killed_at: int | None = None) -> CallableModel:
    """Answers by the letters of a prompt alone; ``.asked`` are the prompts."""
    asked: list[str] = []

    def one(prompt: str) -> str:
        asked.append(prompt)
        if len(asked) == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        order = np.random.default_rng(zlib.crc32(prompt.encode())).permutation(len(GENES))
        return " " + " ".join(GENES[i] for i in order[:20])

    found = CallableModel(generate=lambda prompts: [one(prompt) for prompt in prompts], id="by letters")
    found.asked = asked
    return found


def run(tool: str, path: str | Path, writer: CallableModel) -> list[pd.DataFrame]:
    """Tables of the result. Each tool asks at least 100 questions."""
    adata = cells(60)
    adata.obs["time"] = np.resize(["0 h", "2 h", "6 h"], 60)
    how = {"model": writer, "cache": path, "constrain": False}
    runs: dict[str, Callable[[], Any]] = {
        "perturb": lambda: scc2s.tl.perturb(adata, "IFN-beta", n_samples=2, n_boot=20, **how),
        "fate": lambda: scc2s.tl.fate(
            adata,
            time_key="time",
            target_time="6 h",
            prompt="{time} {cell_sentence}, {target_time}:",
            n_samples=2,
            **how,
        ),
        "screen": lambda: scc2s.tl.screen(adata, ["a", "b", "c"], program=RESPONSE, n_null=2, n_boot=20, **how),
        "experiments": lambda: scc2s.tl.experiments(adata, ["a", "b"], groupby="type", n_cells=30, n_boot=20, **how),
        "generate": lambda: scc2s.tl.generate(
            adata, obs={"type": [f"type {i}" for i in range(150)]}, prompt="{n_genes} genes of {type}:", **how
        ),
    }
    new = runs[tool]()
    found = adata if new is None else new
    ours = found.uns["c2s"]
    tables = [found.obs.astype(str)]
    if tool in ("perturb", "fate"):
        tables += [entry["controls"] for entry in ours[tool].values()]
    if tool == "screen":
        tables += [ours["screen"], ours["screen_controls"]]
    if tool == "experiments":
        tables += [ours["experiments"]]
    return tables


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], model(int(sys.argv[3])))
