from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

import scc2s

if TYPE_CHECKING:
    from pathlib import Path


def cells(n: int = 120, seed: int = 0) -> ad.AnnData:
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(
        {
            "donor": pd.Categorical(rng.choice(["d2", "d1"], n), categories=["d2", "d1", "none"]),
            "kind": rng.choice(["B", "T"], n),
            "tissue": "blood",
            "score": rng.random(n),
        },
        index=[f"cell{i}" for i in range(n)],
    )
    obs["sex"] = obs["donor"].map({"d1": "f", "d2": "m"})
    X = sparse.csr_matrix(rng.poisson(1.0, (n, 6)).astype("float32"))
    return ad.AnnData(X, obs=obs, var=pd.DataFrame({"ids": list("abcdef")}, index=list("ABCDEF")))


@pytest.mark.parametrize("method", ["sum", "mean"])
def test_profiles_are_those_of_scanpy(method: str) -> None:
    adata = cells()
    bulk = scc2s.pp.pseudobulk(adata, by=["donor", "kind"], method=method)
    oracle = sc.get.aggregate(adata, ["donor", "kind"], method)
    assert bulk.obs_names.tolist() == oracle.obs_names.tolist()
    np.testing.assert_allclose(bulk.X.toarray(), oracle.layers[method])
    assert bulk.var["ids"].tolist() == list("abcdef")
    assert bulk.obs["n_cells"].tolist() == adata.obs.groupby(["donor", "kind"], observed=True).size().tolist()


def test_columns_with_one_value_in_each_group_stay_and_others_go() -> None:
    bulk = scc2s.pp.pseudobulk(cells(), by=["donor", "kind"])
    assert list(bulk.obs) == ["donor", "kind", "n_cells", "tissue", "sex"]
    assert bulk.obs["sex"].astype(str).tolist() == ["m", "m", "f", "f"]
    adata = cells()
    adata.obs.loc["cell0", "tissue"] = None
    assert "tissue" not in scc2s.pp.pseudobulk(adata, by="donor").obs


def test_drawn_profiles_share_no_cell_and_do_not_depend_on_the_order() -> None:
    adata = cells()
    rows = np.random.default_rng(1).permutation(adata.n_obs)
    found, again = (scc2s.pp.pseudobulk(a, by=["kind"], n_cells=10, n_samples=3) for a in (adata, adata[rows].copy()))
    assert found.obs_names.tolist() == ["B_1", "B_2", "B_3", "T_1", "T_2", "T_3"]
    assert (found.X != again.X).nnz == 0
    members = found.uns["c2s"]["pseudobulk"]["cells"]
    assert members.equals(again.uns["c2s"]["pseudobulk"]["cells"])
    assert members["cell"].is_unique
    for name, row in zip(found.obs_names, found.X.toarray(), strict=True):
        own = members.loc[members["profile"] == name, "cell"]
        assert len(own) == 10
        assert set(adata.obs.loc[own, "kind"]) == {name[0]}
        assert (row == adata[own].X.sum(axis=0).A1).all()
    other = scc2s.pp.pseudobulk(adata, by="kind", n_cells=10, n_samples=3, random_state=1)
    assert not members.equals(other.uns["c2s"]["pseudobulk"]["cells"])


def test_without_n_samples_a_group_gives_as_many_as_it_has_cells_for(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    n = (adata.obs["kind"] == "B").sum(), (adata.obs["kind"] == "T").sum()
    bulk = scc2s.pp.pseudobulk(adata, by="kind", n_cells=25)
    assert bulk.n_obs == n[0] // 25 + n[1] // 25
    with caplog.at_level(logging.WARNING, logger="scc2s"):
        scc2s.pp.pseudobulk(adata, by="kind", n_cells=25, n_samples=100)
    assert "2 groups have cells for fewer than n_samples=100" in caplog.text


def test_small_groups_and_cells_of_no_group_are_named(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    adata.obs["kind"] = adata.obs["kind"].astype(object)
    adata.obs.iloc[:3, adata.obs.columns.get_loc("kind")] = ["rare", None, "rare"]
    bulk = scc2s.pp.pseudobulk(adata, by="kind", min_cells=5)
    assert bulk.obs["kind"].tolist() == ["B", "T"]
    assert list(bulk.obs["kind"].cat.categories) == ["B", "T"]
    assert bulk.uns["c2s"]["pseudobulk"]["params"]["left_out"].tolist() == ["rare"]
    assert "1 of 3 groups have fewer than 5 cells and give no profile: rare" in caplog.text
    assert "1 of 120 cells miss a value of by=" in caplog.text
    with pytest.raises(ValueError, match=r"no group has 500 cells .* pass min_cells= fewer"):
        scc2s.pp.pseudobulk(adata, by="kind", min_cells=500)
    with pytest.raises(ValueError, match=r"pass n_cells= fewer"):
        scc2s.pp.pseudobulk(adata, by="kind", n_cells=500)


def test_logarithms_are_not_summed_and_the_layer_with_counts_is_named() -> None:
    adata = cells()
    adata.layers["umis"] = adata.X.copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    with pytest.raises(ValueError, match=r"X holds logarithms.*layer='umis', which holds counts.*method='mean'"):
        scc2s.pp.pseudobulk(adata, by="kind")
    means = scc2s.pp.pseudobulk(adata, by="kind", method="mean")
    np.testing.assert_allclose(means.X.toarray()[0], adata[adata.obs["kind"] == "B"].X.toarray().mean(0), rtol=1e-6)
    assert scc2s.pp.pseudobulk(adata, by="kind", layer="umis").X.sum() == adata.layers["umis"].sum()
    adata.raw = adata.copy()
    with pytest.raises(ValueError, match=r"raw\.X holds logarithms"):
        scc2s.pp.pseudobulk(adata, by="kind")


def test_normalised_values_are_summed_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    sc.pp.normalize_total(adata, target_sum=1e4)
    scc2s.pp.pseudobulk(adata, by="kind")
    assert "each cell weighs the same" in caplog.text


@pytest.mark.parametrize(
    ("change", "text"), [(np.nan, "NaN or infinite"), (-1.0, "negative values"), (np.inf, "NaN or infinite")]
)
@pytest.mark.parametrize("method", ["sum", "mean"])
def test_values_without_a_sum_are_refused(change: float, text: str, method: Any) -> None:
    adata = cells()
    adata.X.data[3] = change
    with pytest.raises(ValueError, match=text):
        scc2s.pp.pseudobulk(adata, by="kind", method=method)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"by": []}, ValueError),
        ({"by": "nope"}, KeyError),
        ({"n_cells": 0}, ValueError),
        ({"n_cells": 1.5}, TypeError),
        ({"n_samples": 2}, ValueError),
        ({"min_cells": 0}, ValueError),
        ({"method": "median"}, ValueError),
        ({"layer": "nope"}, KeyError),
        ({"random_state": "x"}, TypeError),
    ],
)
def test_bad_arguments_are_named(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{next(iter(wrong))}|n_cells="):
        scc2s.pp.pseudobulk(cells(), **{"by": "kind", **wrong})


def test_one_cell_is_a_profile() -> None:
    adata = cells()[:1].copy()
    assert (scc2s.pp.pseudobulk(adata, by="kind").X.toarray() == adata.X.toarray()).all()


@pytest.mark.parametrize("how", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_the_result_survives_files_and_files_are_read_in_blocks(how: str, tmp_path: Path) -> None:
    adata = cells()
    adata.write_h5ad(tmp_path / "cells.h5ad")
    backed = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    bulk = scc2s.pp.pseudobulk(backed, by=["donor", "kind"], n_cells=5)
    assert (bulk.X != scc2s.pp.pseudobulk(adata, by=["donor", "kind"], n_cells=5).X).nnz == 0
    getattr(bulk, f"write_{how}")(tmp_path / "out")
    again = ad.read_h5ad(tmp_path / "out") if how == "h5ad" else ad.read_zarr(tmp_path / "out")
    assert again.uns["c2s"]["pseudobulk"]["params"]["by"].tolist() == ["donor", "kind"]
    assert again.uns["c2s"]["pseudobulk"]["cells"].shape == bulk.uns["c2s"]["pseudobulk"]["cells"].shape


def test_a_mudata_gives_its_modality() -> None:
    bulk = scc2s.pp.pseudobulk(md.MuData({"rna": cells()}), by="kind")
    assert bulk.shape == (2, 6)


def test_real_cells_give_profiles_that_write_sentences(shared_data: Path) -> None:
    adata = ad.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    bulk = scc2s.pp.pseudobulk(adata, by=["donor", "condition", "cell_type"])
    assert bulk.n_obs == 20
    assert bulk.X.sum() == adata.X.sum()
    assert {"tissue", "organism", "disease"} <= set(bulk.obs)
    scc2s.pp.sentences(bulk, n_genes=None)
    place = [text.split().index("ISG15") for text in bulk.obs["c2s_sentence"]]
    of = bulk.obs.assign(place=place).pivot(index=["donor", "cell_type"], columns="condition", values="place")
    assert (of["stim"] < of["ctrl"]).all()
