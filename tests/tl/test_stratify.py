from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from mudata import MuData
from scipy import stats

import scc2s

if TYPE_CHECKING:
    from pathlib import Path


def cells(n_donors: int = 8, per_donor: int = 60, seed: int = 0, shift: float = 3.0) -> ad.AnnData:
    """Half of the donors are `shift` higher in their score, and have more B cells."""
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(n_donors), per_donor)
    high = number >= n_donors // 2
    obs = pd.DataFrame(
        {
            "donor": pd.Categorical([f"d{i}" for i in number]),
            "score": rng.normal(size=len(number)) + shift * high,
            "kind": np.where(rng.random(len(number)) < np.where(high, 0.8, 0.2), "B/x", "T"),
        },
        index=[f"c{i}" for i in range(len(number))],
    )
    return ad.AnnData(np.ones((len(number), 1), np.float32), obs=obs, var=pd.DataFrame(index=["CD3E"]))


def test_donors_that_are_alike_are_a_group_and_means_are_those_of_pandas() -> None:
    adata = cells()
    scc2s.tl.stratify(adata, "donor", features=["score", "kind"], n_boot=100)
    found = adata.uns["c2s"]["donors"]
    table = found["table"]
    assert table["group"].astype(str).tolist() == ["1"] * 4 + ["2"] * 4
    np.testing.assert_allclose(table["score"], adata.obs.groupby("donor", observed=True)["score"].mean())
    shares = (adata.obs["kind"] == "T").groupby(adata.obs["donor"], observed=True).mean()
    np.testing.assert_allclose(table["kind: T"], shares)
    np.testing.assert_allclose(table["kind: B|x"], 1 - shares)
    assert (table["stability"] == 1).all()
    assert found["silhouette"] > found["silhouette_null"]
    assert "Research use only" in found["notice"]
    assert "no diagnosis" in found["notice"]
    of_cell = adata.obs["c2s_donor_group"].astype(str)
    assert (of_cell == adata.obs["donor"].astype(str).map(table["group"].astype(str))).all()


def test_intervals_are_as_wide_as_those_of_the_mean() -> None:
    adata = cells(per_donor=100)
    scc2s.tl.stratify(adata, "donor", features="score", n_boot=2000)
    table = adata.uns["c2s"]["donors"]["table"]
    error = adata.obs.groupby("donor", observed=True)["score"].sem()
    width = stats.norm.ppf(0.975) * 2 * error
    np.testing.assert_allclose(table["score high"] - table["score low"], width, rtol=0.1)
    assert ((table["score low"] < table["score"]) & (table["score"] < table["score high"])).all()


def test_a_donor_does_not_depend_on_the_order_of_cells_nor_on_other_donors() -> None:
    adata = cells()
    moved = adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()
    fewer = adata[adata.obs["donor"].isin(["d0", "d1", "d5", "d6"])].copy()
    for each in (adata, moved, fewer):
        scc2s.tl.stratify(each, "donor", features=["score"], n_boot=50)
    first = adata.uns["c2s"]["donors"]["table"]
    pd.testing.assert_frame_equal(moved.uns["c2s"]["donors"]["table"], first)
    numbers = ["score", "score low", "score high"]
    again = fewer.uns["c2s"]["donors"]["table"][numbers]
    pd.testing.assert_frame_equal(again, first.loc[again.index, numbers])
    scc2s.tl.stratify(adata, "donor", features=["score"], n_boot=50, random_state=1)
    assert not adata.uns["c2s"]["donors"]["table"]["score low"].equals(first["score low"])


def test_groups_of_donors_without_groups_say_so(caplog: pytest.LogCaptureFixture) -> None:
    n_said = 0
    for seed in range(5):
        caplog.clear()
        scc2s.tl.stratify(cells(12, 30, seed, shift=0.0), "donor", features=["score"], n_boot=0)
        n_said += "no clearer than cuts through donors without groups" in caplog.text
    assert n_said >= 4
    caplog.clear()
    scc2s.tl.stratify(cells(12, 30, shift=5.0), "donor", features=["score"], n_boot=0)
    assert "no clearer" not in caplog.text


def test_small_donors_and_cells_of_none_are_named(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    adata.obs["donor"] = adata.obs["donor"].astype(object)
    adata.obs.loc[adata.obs_names[:3], "donor"] = "tiny"
    adata.obs.loc[adata.obs_names[3:5], "donor"] = None
    scc2s.tl.stratify(adata, "donor", features=["score"], n_boot=20)
    table = adata.uns["c2s"]["donors"]["table"]
    assert pd.isna(table.loc["tiny", "group"])
    assert table.loc["tiny", "n_cells"] == 3
    assert adata.obs["c2s_donor_group"].isna().sum() == 5
    assert "1 of 9 donors have fewer than 10 cells" in caplog.text
    assert "2 of 480 cells have no donor" in caplog.text


def test_missing_values_are_left_out_of_the_mean() -> None:
    adata = cells()
    adata.obs.loc[adata.obs_names[::2], "score"] = np.nan
    scc2s.tl.stratify(adata, "donor", features=["score"], n_boot=20)
    np.testing.assert_allclose(
        adata.uns["c2s"]["donors"]["table"]["score"], adata.obs.groupby("donor", observed=True)["score"].mean()
    )


def test_donors_that_are_all_equal_are_cut_without_an_error() -> None:
    adata = cells()
    adata.obs["score"] = 1.0
    scc2s.tl.stratify(adata, "donor", features=["score"], n_boot=5, n_groups=3)
    assert adata.uns["c2s"]["donors"]["table"]["group"].nunique() == 3
    assert adata.uns["c2s"]["donors"]["silhouette"] <= 0


def test_without_samples_there_are_no_intervals() -> None:
    adata = cells()
    scc2s.tl.stratify(adata, "donor", features=["score"], n_boot=0)
    assert adata.uns["c2s"]["donors"]["table"][["score low", "stability"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"donor_key": "nope"}, KeyError, "pass donor_key="),
        ({"features": ["nope"]}, KeyError, "pass features="),
        ({"features": []}, ValueError, "features="),
        ({"n_groups": 1}, ValueError, "n_groups="),
        ({"n_groups": 8}, ValueError, "pass n_groups= or min_cells="),
        ({"min_cells": 0}, ValueError, "min_cells="),
        ({"n_boot": -1}, ValueError, "n_boot="),
        ({"key_added": "a/b"}, ValueError, "key_added="),
    ],
)
def test_bad_arguments_are_named(wrong: dict[str, Any], error: type[Exception], text: str) -> None:
    adata = cells()
    given = {"features": ["score"], **wrong}
    with pytest.raises(error, match=text):
        scc2s.tl.stratify(adata, given.pop("donor_key", "donor"), **given)
    assert "c2s" not in adata.uns
    adata.obs["empty"], adata.obs["far"] = np.nan, np.inf
    for name in ("empty", "far"):
        with pytest.raises(ValueError, match="holds"):
            scc2s.tl.stratify(adata, "donor", features=[name])


@pytest.mark.parametrize("how", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_the_notice_and_the_table_survive_files(how: str, tmp_path: Path) -> None:
    out = scc2s.tl.stratify(MuData({"rna": cells()}), "donor", features=["kind"], n_boot=10, copy=True)
    assert isinstance(out, MuData)
    getattr(out["rna"], f"write_{how}")(tmp_path / "a")
    again = ad.read_h5ad(tmp_path / "a") if how == "h5ad" else ad.read_zarr(tmp_path / "a")
    assert again.uns["c2s"]["donors"]["notice"] == out["rna"].uns["c2s"]["donors"]["notice"]
    assert again.uns["c2s"]["donors"]["table"].shape == (8, 9)


def test_real_donors_by_a_program(shared_data: Path) -> None:
    adata = ad.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    scc2s.tl.program_score(adata, "ifn")
    scc2s.tl.stratify(adata, "sample", features=["c2s_score_ifn"], n_boot=100)
    table = adata.uns["c2s"]["donors"]["table"]
    assert table["group"].astype(str).to_dict() == {"ctrl101": "1", "ctrl107": "1", "stim101": "2", "stim107": "2"}
