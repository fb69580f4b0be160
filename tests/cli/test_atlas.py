from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pytest
from cell_files import blood_counts

from scc2s import pp
from scc2s.cli._atlas import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_run_is_begun_seen_and_gone_on_with(run: Run, tmp_path: Path) -> None:
    cells = blood_counts()[:60].copy()
    cells.write_h5ad(tmp_path / "cells.h5ad")
    out = tmp_path / "out.zarr"
    code, said, err = run(
        "atlas", "run", tmp_path / "cells.h5ad", out, "--step", "sentences", "--step", "rank_fit",
        "--with", "sentences.n_genes=30", "--block-size", 20, "--workers", 1,
    )  # fmt: skip
    assert code == 0, err
    assert "sentences: done, 3 of 3 blocks" in said
    pp.sentences(cells, n_genes=30, store="ranks")
    assert (ad.read_zarr(out).obsm["c2s_ranks"] == cells.obsm["c2s_ranks"]).all()
    code, said, err = run("atlas", "status", out, "--json")
    assert [row["state"] for row in json.loads(said)] == ["done", "done"]
    (tmp_path / "out.zarr.atlas" / "sentences" / "done" / "1.json").unlink()
    code, said, err = run("atlas", "resume", out, "--workers", 1)
    assert code == 0, err
    assert "3 of 3" in said


def test_nothing_begun_is_one_line(run: Run, tmp_path: Path) -> None:
    code, _, err = run("atlas", "status", tmp_path / "out.zarr")
    assert code == 1
    assert err.startswith("scc2s: no run into")
    assert err.count("\n") == 1


@pytest.mark.parametrize("wrong", ["n_genes=5", "embed.model=x", "sentences.n_genes"])
def test_parameters_of_no_step_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"write --with step\.name=value"):
        steps_of(["sentences"], [wrong], None)


def test_values_are_json_or_text() -> None:
    found: Any = dict(
        steps_of(["annotate"], ['annotate.labels=["B cell", "T cell"]', "annotate.target=cell_type"], "m")
    )
    assert found == {"annotate": {"model": "m", "labels": ["B cell", "T cell"], "target": "cell_type"}}


def test_an_index_is_made_and_cells_are_found(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    cells = blood_counts()[:60].copy()
    cells.obsm["X_two"] = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    store = tmp_path / "cells.h5ad"
    cells.write_h5ad(store)
    code, _, err = run("atlas", "search", store, cells.obs_names[0], "--use-rep", "X_two")
    assert code == 1
    assert "scc2s.atlas.index(" in err
    code, said, err = run("atlas", "index", store, "--use-rep", "X_two", "--recall", 1)
    assert code == 0, err
    assert said.strip().endswith("cells.h5ad.index/X_two")
    asked = ("atlas", "search", store, cells.obs_names[0], "--use-rep", "X_two", "--n-top", 5, "--key", "cell_type")
    code, said, err = run(*asked, "--json")
    assert code == 0, err
    code, exact, err = run(*asked, "--json", "--exact")
    assert [row["cell"] for row in json.loads(said)] == [row["cell"] for row in json.loads(exact)]
    assert list(json.loads(said)[0]) == ["cell", "score", "cell_type"]
    code, said, err = run(*asked)
    assert "usual score of a cell: " in said
