from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import anndata as ad
import pandas as pd
import pytest
import scanpy as sc

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def test_captions_are_those_of_the_library(run: Run, cells: Path, tmp_path: Path) -> None:
    code, out, _ = run(
        "caption", cells, tmp_path / "a.h5ad", "--groupby", "louvain", "--n-cells", 2, "--random-state", 3, "--json"
    )
    assert code == 0
    expected = ad.read_h5ad(cells)
    scc2s.pp.sentences(expected)
    scc2s.tl.caption(expected, groupby="louvain", n_cells=2, random_state=3)
    found = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["captions"]
    assert found["text"].tolist() == expected.uns["c2s"]["captions"]["text"].tolist()
    summary = json.loads(out)
    assert summary["n_captions"] == len(found)
    assert summary["not_grounded"] == found.loc[found["share_grounded"] < 1, "group"].tolist()
    assert list(summary["flagged"]) == found.loc[found["flagged"], "group"].tolist()


def test_table_alone_goes_into_a_csv_file(run: Run, cells: Path, tmp_path: Path) -> None:
    assert (
        run("caption", cells, tmp_path / "a.csv", "--groupby", "louvain", "--cache", tmp_path / "answers.sqlite")[0]
        == 0
    )
    table = pd.read_csv(tmp_path / "a.csv")
    assert {"group", "text", "genes", "share_grounded"} <= set(table)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "answers.sqlite"]


def test_missing_column_ends_with_one_line(run: Run, cells: Path, tmp_path: Path) -> None:
    code, _, err = run("caption", cells, tmp_path / "a.h5ad", "--groupby", "nope")
    assert code == 1
    assert "sc.tl.leiden" in err.splitlines()[-1]
    assert "scc2s[analysis]" in err


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_mend_for_a_missing_column_runs(run: Run, cells: Path, tmp_path: Path) -> None:
    _, _, err = run("caption", cells, tmp_path / "a.csv", "--groupby", "leiden")
    calls = re.search(r"sc\.pp\.neighbors\(adata\); sc\.tl\.leiden\(adata\)", err)
    assert calls is not None
    adata = ad.read_h5ad(cells)
    exec(calls[0], {"sc": sc, "adata": adata})
    adata.write_h5ad(tmp_path / "b.h5ad")
    assert run("caption", tmp_path / "b.h5ad", tmp_path / "a.csv", "--groupby", "leiden")[0] == 0
