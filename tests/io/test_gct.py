from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pytest

import scc2s

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [
    ["id", "pr_gene_symbol", "pr_is_lm", "inst1", "inst2", "inst3"],
    ["pert_iname", "na", "na", "vorinostat", "DMSO", "-666"],
    ["pert_dose", "na", "na", "10", "-666", "0.5"],
    ["5720", "PSME1", "1", "8.5", "9.25", "7"],
    ["466", "ATF1", "0", "4", "NaN", "5"],
]


def write(path: Path, rows: list[list[str]], head: str = "#1.3\n2\t3\t2\t2\n", packed: bool = False) -> Path:
    text = head + "".join("\t".join(row) + "\n" for row in rows)
    if packed:
        with gzip.open(path, "wt") as file:
            file.write(text)
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_samples_are_rows_with_their_metadata(tmp_path: Path, packed: bool) -> None:
    adata = scc2s.io.read_gct(write(tmp_path / "a.gct", ROWS, packed=packed))
    assert adata.obs_names.tolist() == ["inst1", "inst2", "inst3"]
    np.testing.assert_array_equal(adata.X, np.array([[8.5, 4], [9.25, np.nan], [7, 5]], dtype=np.float32))
    assert adata.obs["pert_iname"].isna().tolist() == [False, False, True]
    np.testing.assert_array_equal(adata.obs["pert_dose"], [10, np.nan, 0.5])
    assert adata.var["pr_gene_symbol"].tolist() == ["PSME1", "ATF1"]
    assert adata.var["pr_is_lm"].tolist() == [1, 0]
    adata.write_h5ad(tmp_path / "a.h5ad")


def test_symbols_of_the_file_make_sentences(tmp_path: Path) -> None:
    adata = scc2s.io.read_gct(write(tmp_path / "a.gct", [*ROWS[:4], ["466", "ATF1", "0", "4", "3", "11"]]))
    with pytest.raises(ValueError, match="gene_symbols='pr_gene_symbol'"):
        scc2s.pp.sentences(adata)
    scc2s.pp.sentences(adata, gene_symbols="pr_gene_symbol")
    assert adata.obs["c2s_sentence"].tolist() == ["PSME1 ATF1", "PSME1 ATF1", "ATF1 PSME1"]


def test_version_1_2_has_a_description_only(tmp_path: Path) -> None:
    rows = [["Name", "Description", "s1", "s2"], ["ENSG1", "TP53", "1", "2"]]
    adata = scc2s.io.read_gct(write(tmp_path / "a.gct", rows, "#1.2\n1\t2\n"))
    assert adata.X.tolist() == [[1], [2]]
    assert adata.var["Description"].tolist() == ["TP53"]


@pytest.mark.parametrize(
    ("rows", "head", "text"),
    [
        (ROWS, "#1.1\n2\t3\t2\t2\n", "begins with '#1.1'"),
        (ROWS, "#1.3\n2\t3\n", "where 4 numbers belong"),
        (ROWS[:-1], "#1.3\n2\t3\t2\t2\n", "it has 4 lines"),
        ([*ROWS[:-1], ROWS[-1][:-1]], "#1.3\n2\t3\t2\t2\n", "line 7 has 5 fields"),
        ([*ROWS[:-1], [*ROWS[-1][:-1], "high"]], "#1.3\n2\t3\t2\t2\n", "not a number"),
        ([*ROWS[:-1], ["5720", *ROWS[-1][1:]]], "#1.3\n2\t3\t2\t2\n", "gene '5720' comes twice"),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, rows: list[list[str]], head: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        scc2s.io.read_gct(write(tmp_path / "a.gct", rows, head))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="pass the path of a GCT file"):
        scc2s.io.read_gct(tmp_path / "none.gct")
