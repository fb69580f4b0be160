from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import pandas as pd

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
