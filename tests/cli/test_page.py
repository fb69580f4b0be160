"""The commands on the page of the documentation run as they stand, one after another."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from cell_files import blood_counts
from server_script import Script, serving

from scc2s import pp

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]

SERVER = "http://localhost:8000/v1"
PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def commands() -> list[list[str]]:
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the page begins with: real counts, with the columns that it names."""
    if not PAGE.is_file():
        pytest.skip("the documentation is not part of a source distribution")
    monkeypatch.chdir(tmp_path)
    adata = blood_counts()[:48].copy()
    names = {"CD19+ B": "B cell", "CD56+ NK": "NK cell"}
    adata.obs["cell_type"] = [names.get(kind, kind) for kind in adata.obs["cell_type"]]
    adata.obs["condition"] = np.where(np.arange(48) % 2, "stim", "ctrl")
    adata.obs["donor"] = np.where(np.arange(48) % 3, "d1", "d2")
    adata.obs["tissue"] = "blood"
    adata.write_h5ad("cells.h5ad")
    tissue = adata.copy()
    tissue.obsm["spatial"] = np.random.default_rng(0).uniform(0, 150, (48, 2))
    tissue.write_h5ad("tissue.h5ad")
    pp.pseudobulk(adata, by="cell_type").write_h5ad("bulk.h5ad")
    both = adata[:24].copy()
    both.obs["condition"] = np.where(np.arange(24) % 2, "stim", "ctrl")
    both.write_h5ad("both.h5ad")
    both.obs["condition"] = np.where(np.arange(24) % 2, "low", "none")
    both.write_h5ad("control.h5ad")
    Path("names.txt").write_text("IFN-beta\nTNF\n")
    return tmp_path


def test_page_names_every_command_that_takes_a_file() -> None:
    from scc2s.cli import app

    known = {
        command.callback.__name__.replace("_", "-")
        for command in app.registered_commands
        if command.callback is not None
    }
    assert {args[0] for args in commands()} == known - {"demo", "models", "serve", "version"}


def says(body: dict[str, Any]) -> dict[str, Any]:
    """The answer of a server that talks."""
    text = "CD3D is higher in T cells."
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_commands_run(run: Run, folder: Path) -> None:
    with serving(Script(says)) as url:
        for args in commands():
            small = [{"100": "4", SERVER: url}.get(arg, arg) for arg in args]  # cells to write
            more = ("--n-cells", 4, "--n-null", 1, "--n-boot", 20, "--n-genes", 20) if args[0] == "screen" else ()
            code, out, err = run(*small, *more)
            assert code == 0, f"scc2s {' '.join(args)}: {err}"
            assert out
    assert ad.read_h5ad("new.h5ad").n_obs == 8
    scores = pd.read_csv("scores.csv").set_index("group")
    assert scores.loc[["B cell", "NK cell"], "value"].notna().all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_generated_cells_are_scored_against_a_file_of_counts(run: Run, folder: Path) -> None:
    chosen = [args for args in commands() if args[0] in ("generate", "evaluate")]
    assert len(chosen) == 2
    for args in chosen:
        args = [{"100": "2", "sentences.h5ad": "cells.h5ad"}.get(arg, arg) for arg in args]
        code, _, err = run(*args)
        assert code == 0, err
    assert pd.read_csv("scores.csv").set_index("group").loc[["B cell", "NK cell"], "value"].notna().all()
