from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

SHORT = ("--perturbation", "IFN-beta", "--n-genes", 10, "--temperature", 0)


def test_cells_are_written_with_their_controls(run: Run, cells: Path, tmp_path: Path) -> None:
    code, out, _ = run("perturb", cells, tmp_path / "a.h5ad", *SHORT, "--key-added", "ifn", "--json")
    assert code == 0
    adata = ad.read_h5ad(tmp_path / "a.h5ad")
    assert adata.layers["c2s_ifn"].shape == adata.shape
    assert (adata.obs["c2s_ifn_n_genes"] == 10).all()
    assert "scrambled name" in set(adata.uns["c2s"]["perturb"]["ifn"]["controls"]["predictor"])
    assert json.loads(out)["share_valid"] == 1


def test_report_against_truth_goes_into_a_csv_file(run: Run, cells: Path, tmp_path: Path) -> None:
    code, _, _ = run("perturb", cells, tmp_path / "a.csv", *SHORT, "--truth", "phase=S")
    assert code == 0
    table = pd.read_csv(tmp_path / "a.csv")
    assert table["delta_pearson"].notna().any()


def test_bad_input_ends_with_one_line(run: Run, cells: Path, tmp_path: Path) -> None:
    for asked, message in (
        ((), "perturbation"),
        ((*SHORT, "--truth", "S"), "column=value"),
        ((*SHORT, "--perturbation-key", "nope"), "perturbation"),
    ):
        code, _, err = run("perturb", cells, tmp_path / "a.h5ad", *asked)
        assert code == 1
        assert message in err.splitlines()[-1]
    assert ".h5ad" in run("perturb", cells, tmp_path / "a.csv", *SHORT, "--no-controls")[2]
    assert not list(tmp_path.iterdir())
