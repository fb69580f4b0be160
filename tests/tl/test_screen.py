"""A screen finds what is planted, and nothing in names that mean nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from cell_writers import RESPONSE, by_rule, cells, identity
from mudata import MuData

import scc2s

HOW = {
    "program": RESPONSE,
    "constrain": False,
    "temperature": 0,
    "context_key": "type",
    "positive": "B",
    "neutral": "T",
}


def screened(n=40, seed=0):
    """Cells of two contexts; B cells show G0 first, so that a model can tell them apart by what it reads."""
    adata = cells(n, seed)
    adata.X[:, 3] = np.where(adata.obs["type"] == "B", 50, 0)
    adata.obs["donor"] = [f"d{i % 5}" for i in range(n)]
    scc2s.pp.sentences(adata, n_genes=20)
    scc2s.pp.rank_fit(adata)
    return adata


def planted():
    """`amplifier` raises the response where G0 is first, `everywhere` in all cells, any other name never."""

    def rule(genes, name):
        acts = name == "everywhere" or (name == "amplifier" and genes[0] == "G0")
        return [*RESPONSE, *(g for g in genes if g not in RESPONSE)][: len(genes)] if acts else genes

    return by_rule(rule, id="planted")


def test_planted_effects_are_ordered_exactly_and_scrambled_names_give_no_hit():
    adata = screened()
    names = ["nowhere", "everywhere", "amplifier"]
    scc2s.tl.screen(adata, names, model=planted(), donor_key="donor", **HOW)
    table = adata.uns["c2s"]["screen"]
    assert table["name"].tolist()[0] == "amplifier"
    assert table["hit"].tolist() == [True, False, False]
    by = table.set_index("name")
    assert by.loc["amplifier", "split"] > 0.5
    assert by.loc["everywhere", "effect_positive"] > 0.5
    assert "neutral" in by.loc["everywhere", "reasons"]
    assert by.loc["nowhere", ["effect_positive", "effect_neutral"]].tolist() == [0, 0]
    assert by.loc["amplifier", "q"] <= 0.05
    assert (np.abs(adata.uns["c2s"]["screen_record"]["null"]) < 1e-6).all()
    scrambled = [name for _, name in planted().asked]
    assert not set(scrambled) & set(names)


def test_neither_the_order_of_names_nor_that_of_cells_matters():
    adata = screened()
    names = ["nowhere", "everywhere", "amplifier"]
    how = HOW | {"n_null": 2, "n_cells": 10}
    first = scc2s.tl.screen(adata, names, model=planted(), copy=True, **how).uns["c2s"]["screen"]
    turned = adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()
    again = scc2s.tl.screen(turned, names[::-1], model=planted(), copy=True, **how).uns["c2s"]["screen"]
    pd.testing.assert_frame_equal(first, again)


def test_a_second_run_asks_nothing_and_a_stopped_one_goes_on(tmp_path):
    adata = screened()
    names = ["nowhere", "everywhere", "amplifier"]
    how = HOW | {"cache": tmp_path / "answers.sqlite", "n_null": 2}

    class Stopped(Exception):
        pass

    seen = []

    def dies(genes, name):
        seen.append(name)
        if len(set(seen)) > 2:
            raise Stopped
        return genes

    with pytest.raises(Stopped):
        scc2s.tl.screen(adata, names, model=by_rule(dies, id="planted"), **how)
    assert "screen" not in adata.uns["c2s"]
    model = planted()
    scc2s.tl.screen(adata, names, model=model, **how)
    asked = {name for _, name in model.asked}
    assert "nowhere" not in asked  # was answered before the stop
    first = adata.uns["c2s"]["screen"]
    model.asked.clear()
    scc2s.tl.screen(adata, names, model=model, **how)
    assert not model.asked
    pd.testing.assert_frame_equal(adata.uns["c2s"]["screen"], first)


def test_against_the_regeneration_only_the_name_counts():
    """A model that always adds the response has no effect over what it writes without a perturbation."""
    always = by_rule(lambda genes, name: [*RESPONSE, *genes][: len(genes)])
    for baseline, raised in (("cell", True), ("regeneration", False)):
        adata = screened()
        scc2s.tl.screen(adata, ["x"], model=always, n_null=0, baseline=baseline, **HOW)
        assert (adata.uns["c2s"]["screen"]["effect_positive"][0] > 0.1) == raised


def test_without_contexts_and_in_all_kinds_of_files(tmp_path):
    adata = screened()
    mdata = MuData({"rna": adata})
    scc2s.tl.screen(mdata, ["x", "y/z"], model=identity(), program=RESPONSE, constrain=False, n_null=1)
    table = mdata["rna"].uns["c2s"]["screen"]
    assert table["effect_neutral"].isna().all()
    mdata["rna"].write_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(
        sc.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["screen"], table, check_dtype=False, check_index_type=False
    )
    mdata["rna"].write_zarr(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    ("names", "change", "error", "said"),
    [
        ([], {}, ValueError, "list of names"),
        ("IFN-beta", {}, ValueError, "list of names"),
        (["a", "a"], {}, ValueError, r"dict\.fromkeys"),
        (["a"], {"context_key": "kind"}, KeyError, "no column 'kind'"),
        (["a"], {"positive": "NK"}, KeyError, "positive= one of"),
        (["a"], {"neutral": "B"}, ValueError, "two different values"),
        (["a"], {"context_key": None}, ValueError, "context_key"),
        (["a"], {"program": ["ISG15", "MX1", "X"]}, ValueError, "2 of 3 genes"),
        (["a"], {"program": []}, ValueError, "no list of genes"),
        (["a"], {"program": "emt"}, KeyError, "from_gmt"),
        (["a"], {"donor_key": "who"}, KeyError, "donor_key= one of"),
        (["a"], {"baseline": "zero"}, ValueError, "'cell' or 'regeneration'"),
    ],
)
def test_bad_input_names_the_mend_before_the_model_is_asked(names, change, error, said):
    model = identity()
    with pytest.raises(error, match=said):
        scc2s.tl.screen(screened(), names, model=model, **(HOW | change))
    assert not model.asked


def test_a_context_of_one_cell_is_refused():
    adata = screened()
    adata.obs["type"] = ["B"] + ["T"] * 39
    with pytest.raises(ValueError, match="positive context has 1 cells"):
        scc2s.tl.screen(adata, ["a"], model=identity(), **HOW)


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
def test_it_runs_on_models_with_many_tokens_a_gene(pieces, kind):
    adata = screened(8)
    scc2s.tl.screen(
        adata, ["a", "b"], model=pieces(kind), prompt="{cell_sentence} {perturbation} :", program=RESPONSE, n_genes=5,
        n_cells=3, n_null=1,
    )  # fmt: skip
    assert (adata.uns["c2s"]["screen"]["validity"] == 1).all()


@pytest.mark.slow
def test_scc2s_mini_puts_ifn_beta_before_decoys_on_real_control_cells(shared_data):
    import anndata

    adata = anndata.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    adata = adata[(adata.obs["donor"] == "patient_107") & (adata.obs["condition"] == "ctrl")].copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    scc2s.pp.sentences(adata)
    scc2s.pp.rank_fit(adata)
    names = ["IFN-beta", "vehicle", "dexamethasone", "metformin", "aspirin"]
    scc2s.tl.screen(adata, names, program="ifn", n_cells=24, n_null=4)
    table = adata.uns["c2s"]["screen"]
    assert table["name"][0] == "IFN-beta"
    assert table["split"][0] > 2 * table["split"][1:].max()
    assert table["p"][0] == pytest.approx(1 / 21)
