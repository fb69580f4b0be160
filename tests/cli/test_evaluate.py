from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import pandas as pd
import scanpy as sc

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def halves(folder: Path) -> tuple[Path, Path]:
    adata = sc.datasets.pbmc68k_reduced()[:80].copy()
    adata[::2].write_h5ad(folder / "pred.h5ad")
    adata[1::2].write_h5ad(folder / "true.h5ad")
    return folder / "pred.h5ad", folder / "true.h5ad"


def test_table_is_that_of_the_library(run: Run, tmp_path: Path) -> None:
    pred, true = halves(tmp_path)
    asked = ("--metric", "energy_distance", "--metric", "pearson", "--rep", "X_pca", "--groupby", "phase")
    code, out, _ = run("evaluate", pred, true, tmp_path / "a.csv", *asked, "--control", pred, "--json")
    assert code == 0
    cells = ad.read_h5ad(pred)
    expected = scc2s.tl.evaluate(
        cells,
        ad.read_h5ad(true),
        metrics=["energy_distance", "pearson"],
        rep="X_pca",
        groupby="phase",
        control=cells,
    )
    table = pd.read_csv(tmp_path / "a.csv")
    assert table["metric"].tolist() == expected["metric"].tolist()
    pd.testing.assert_series_equal(table["value"], expected["value"], check_dtype=False)
    assert len(json.loads(out)["scores"]) == len(table)
    assert json.loads(out)["input"] == [str(pred), str(true), str(pred)]


def test_floor_and_ceiling_can_be_left_out(run: Run, tmp_path: Path) -> None:
    pred, true = halves(tmp_path)
    asked = ("--metric", "energy_distance", "--rep", "X_pca", "--no-floor", "--no-ceiling")
    assert run("evaluate", pred, true, tmp_path / "a.csv", *asked)[0] == 0
    table = pd.read_csv(tmp_path / "a.csv")
    assert "ceiling" not in table or table["ceiling"].isna().all()


def test_widths_intervals_and_training_cells_are_those_of_the_library(run: Run, tmp_path: Path) -> None:
    pred, true = halves(tmp_path)
    asked = ("--metric", "mmd", "--metric", "nearest_training", "--rep", "X_pca", "--groupby", "phase", "--train", pred)
    more = ("--gammas", "0.5,0.1", "--n-boot", "50", "--clusters", "phase")
    assert run("evaluate", pred, true, tmp_path / "a.csv", *asked, *more)[0] == 0
    cells = ad.read_h5ad(pred)
    expected = scc2s.tl.evaluate(
        cells,
        ad.read_h5ad(true),
        metrics=["mmd", "nearest_training"],
        rep="X_pca",
        groupby="phase",
        train=cells,
        gammas=[0.5, 0.1],
        n_boot=50,
        clusters="phase",
    )
    table = pd.read_csv(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(table[["value", "low", "high"]], expected[["value", "low", "high"]])
    assert set(table.loc[table["metric"] == "nearest_training", "value"].dropna()) == {1.0}
    code, _, err = run("evaluate", pred, true, tmp_path / "b.csv", *asked, "--gammas", "wide")
    assert code == 1
    assert "gammas" in err.splitlines()[-1]


def test_bad_input_ends_with_one_line(run: Run, tmp_path: Path) -> None:
    pred, true = halves(tmp_path)
    for args, message in (
        ((pred, true, tmp_path / "a.h5ad"), "ends in .csv"),
        ((pred, tmp_path / "none.h5ad", tmp_path / "a.csv"), "none.h5ad"),
        ((pred, true, tmp_path / "a.csv", "--metric", "nope"), "nope"),
    ):
        code, _, err = run("evaluate", *args)
        assert code == 1
        assert message in err.splitlines()[-1]
    assert not (tmp_path / "a.csv").exists()
