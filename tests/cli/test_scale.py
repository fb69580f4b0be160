from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from cell_files import blood_counts

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

ASKED = ("--groupby", "cell_type", "--metric", "energy_distance", "--metric", "pearson")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real counts, and what stands in for generated cells of them: their own sentences through the line."""
    folder = tmp_path_factory.mktemp("scale")
    adata = blood_counts()[:120].copy()
    adata.layers["counts"] = adata.X.copy()
    adata.write_h5ad(folder / "counts.h5ad")
    scc2s.pp.sentences(adata, n_genes=100)
    scc2s.pp.rank_fit(adata)
    scc2s.pp.reconstruct(adata)
    pred = ad.AnnData(adata.layers["c2s_reconstructed"], obs=adata.obs[["cell_type"]], var=adata.var[[]])
    pred.uns["c2s"] = {"rank_fit": adata.uns["c2s"]["rank_fit"]}
    pred.write_h5ad(folder / "pred.h5ad")
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    adata.write_h5ad(folder / "logged.h5ad")
    return folder


def scores(run: Run, folder: Path, out: Path, real: str, *more: object) -> pd.DataFrame:
    code, _, err = run("evaluate", folder / "pred.h5ad", folder / real, out / "a.csv", *ASKED, *more)
    assert code == 0, err
    return pd.read_csv(out / "a.csv")


def test_counts_are_scored_as_the_logarithms_that_scanpy_makes_of_them(run: Run, folder: Path, tmp_path: Path) -> None:
    of_counts, of_logged = (scores(run, folder, tmp_path, name) for name in ("counts.h5ad", "logged.h5ad"))
    pd.testing.assert_frame_equal(of_counts, of_logged, rtol=1e-3)
    assert "counts: they are compared as log(1 + x) of 10000 a cell" in run(
        "evaluate", folder / "pred.h5ad", folder / "counts.h5ad", tmp_path / "b.csv", *ASKED
    )[2]  # fmt: skip


def test_counts_of_a_layer_and_of_control_cells_too(run: Run, folder: Path, tmp_path: Path) -> None:
    asked = ("--control", folder / "counts.h5ad")
    from_layer = scores(run, folder, tmp_path, "logged.h5ad", "--true-layer", "counts", *asked)
    from_x = scores(run, folder, tmp_path, "counts.h5ad", *asked)
    pd.testing.assert_frame_equal(from_layer, from_x)
    assert from_x["floor_control"].notna().any()


def test_files_stay_as_they_are(run: Run, folder: Path, tmp_path: Path) -> None:
    before = (folder / "counts.h5ad").read_bytes()
    scores(run, folder, tmp_path, "counts.h5ad")
    assert (folder / "counts.h5ad").read_bytes() == before


def test_without_a_line_on_record_kinds_that_differ_are_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    pred = ad.read_h5ad(folder / "pred.h5ad")
    del pred.uns["c2s"]
    pred.write_h5ad(tmp_path / "pred.h5ad")
    code, _, err = run("evaluate", tmp_path / "pred.h5ad", folder / "counts.h5ad", tmp_path / "a.csv", *ASKED)
    assert code == 1
    assert "pass --layer and --true-layer" in err.splitlines()[-1]


def test_counts_on_both_sides_stay_counts(run: Run, folder: Path, tmp_path: Path) -> None:
    pred = ad.read_h5ad(folder / "counts.h5ad")
    pred.uns["c2s"] = {"rank_fit": {"target_sum": 1e4, "base": np.e}}
    pred.write_h5ad(tmp_path / "pred.h5ad")
    code, _, err = run("evaluate", tmp_path / "pred.h5ad", folder / "counts.h5ad", tmp_path / "a.csv", *ASKED)
    assert code == 0
    assert "log(1 + x)" not in err
