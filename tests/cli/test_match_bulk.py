from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import pandas as pd
import pytest

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bulk(cells: Path, tmp_path: Path) -> Path:
    path = tmp_path / "bulk.h5ad"
    scc2s.pp.pseudobulk(ad.read_h5ad(cells), by="bulk_labels", method="mean").write_h5ad(path)
    return path


def test_matches_are_those_of_the_library(run: Run, cells: Path, bulk: Path, tmp_path: Path) -> None:
    asked = ("--use-rep", "expression", "--pairs-by", "bulk_labels")
    code, out, err = run("match-bulk", cells, bulk, tmp_path / "a.h5ad", *asked, "--json")
    assert code == 0, err
    adata = ad.read_h5ad(cells)
    scc2s.tl.match_bulk(adata, ad.read_h5ad(bulk), use_rep="expression", pairs_by="bulk_labels")
    found = ad.read_h5ad(tmp_path / "a.h5ad")
    assert found.obs["c2s_bulk_match"].tolist() == adata.obs["c2s_bulk_match"].tolist()
    scores = json.loads(out)["scores"]
    assert [row["foscttm"] for row in scores] == adata.uns["c2s"]["bulk_match"]["table"]["foscttm"].tolist()
    assert run("match-bulk", cells, bulk, tmp_path / "a.csv", *asked)[0] == 0
    table = pd.read_csv(tmp_path / "a.csv")
    assert table["c2s_bulk_match"].tolist() == adata.obs["c2s_bulk_match"].tolist()
    assert table["cell"].tolist() == adata.obs_names.tolist()


def test_embeddings_are_made_where_there_are_none(
    run: Run, cells: Path, bulk: Path, model: str, tmp_path: Path
) -> None:
    code, _, err = run("match-bulk", cells, bulk, tmp_path / "a.h5ad", "--model", model)
    assert code == 0, err
    assert "it is made with the defaults of `scc2s embed`" in err
    assert "X_c2s" in ad.read_h5ad(tmp_path / "a.h5ad").obsm


def test_errors_name_the_option(run: Run, cells: Path, bulk: Path, tmp_path: Path) -> None:
    code, _, err = run("match-bulk", cells, bulk, tmp_path / "a.h5ad", "--use-rep", "X_none")
    assert code == 1
    assert "--use-rep expression" in err
