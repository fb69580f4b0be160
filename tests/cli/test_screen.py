from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

SHORT = ("--n-genes", 10, "--n-cells", 4, "--n-boot", 20, "--n-null", 1)


@pytest.fixture
def gmt(tmp_path: Path) -> Path:
    path = tmp_path / "mine.gmt"
    path.write_text("MHC2\tours\tHLA-DRA\tHLA-DRB1\tCD74\tHLA-DPA1\n")
    return path


def test_names_of_options_and_a_file_are_ranked(run: Run, cells: Path, gmt: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("IFN-beta\n\nvehicle\n")
    asked = ("--program", f"{gmt}:MHC2", "--perturbation", "TNF", "--perturbations-from", tmp_path / "names.txt")
    code, out, _ = run("screen", cells, tmp_path / "a.h5ad", *asked, *SHORT, "--json")
    assert code == 0
    table = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["screen"]
    assert set(table["name"]) == {"TNF", "IFN-beta", "vehicle"}
    summary = json.loads(out)
    assert summary["n_screened"] == 3
    assert summary["notice"]


def test_table_alone_goes_into_a_csv_file(run: Run, cells: Path, gmt: Path, tmp_path: Path) -> None:
    asked = ("--program", f"{gmt}:MHC2", "--perturbation", "TNF")
    assert run("screen", cells, tmp_path / "a.csv", *asked, *SHORT)[0] == 0
    assert pd.read_csv(tmp_path / "a.csv")["name"].tolist() == ["TNF"]


def test_bad_input_ends_with_one_line(run: Run, cells: Path, gmt: Path, tmp_path: Path) -> None:
    for asked, message in (
        (("--program", f"{gmt}:NOPE", "--perturbation", "TNF"), "MHC2"),
        (("--program", "nope.gmt:X", "--perturbation", "TNF"), "nope.gmt"),
        (("--program", f"{gmt}:MHC2"), "perturbation"),
        (("--program", f"{gmt}:MHC2", "--perturbations-from", "nope.txt"), "nope.txt"),
    ):
        code, _, err = run("screen", cells, tmp_path / "a.h5ad", *asked, *SHORT)
        assert code == 1
        assert message in err.splitlines()[-1]
    assert not (tmp_path / "a.h5ad").exists()
