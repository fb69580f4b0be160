"""A screen finds what is planted, and nothing in names that mean nothing."""

from __future__ import annotations

import zlib

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from cell_writers import RESPONSE, by_rule, cells, identity
from mudata import MuData

import scc2s
from scc2s.prompts._scramble import made_up

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


def act(genes, name):
    """`amplifier` raises the response where G0 is first, `everywhere` in all cells, `nowhere` and others never."""
    acts = name == "everywhere" or (name == "amplifier" and genes[0] == "G0")
    return [*RESPONSE, *(g for g in genes if g not in RESPONSE)][: len(genes)] if acts else genes


def planted():
    return by_rule(act, id="planted")


def test_planted_effects_are_ordered_exactly_and_made_up_names_give_no_hit():
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
    controls = adata.uns["c2s"]["screen_controls"]
    assert (controls["split"].abs() < 1e-6).all()
    assert controls["control"].value_counts().to_dict() == {"scrambled name": 60, "unperturbed regeneration": 1}
    assert not set(controls["name"]) & set(names)


def test_made_up_names_screened_in_their_own_right_give_no_hit():
    adata = screened()
    names = made_up("amplifier", 12, avoid=["everywhere", "amplifier"])
    scc2s.tl.screen(adata, names, model=planted(), **HOW)
    assert not adata.uns["c2s"]["screen"]["hit"].any()


def test_what_meaningless_names_do_at_random_is_no_hit():
    """A model that answers to the letters of a name, and knows none: cells alone would call every other name a hit."""

    def moody(genes, name):
        acts = genes[0] == "G0" and zlib.crc32(name.encode()) % 2
        return [*RESPONSE, *(g for g in genes if g not in RESPONSE)][: len(genes)] if acts else genes

    adata = screened()
    scc2s.tl.screen(adata, [f"drug {i}" for i in range(12)], model=by_rule(moody), **HOW)
    table = adata.uns["c2s"]["screen"]
    assert (table["low"] > 0).sum() > 2
    assert not table["hit"].any()
    assert "as large for meaningless names" in table["reasons"].iloc[0]


def test_neither_the_order_of_names_nor_that_of_cells_matters():
    adata = screened()
    names = ["nowhere", "everywhere", "amplifier"]
    how = HOW | {"n_null": 2, "n_cells": 10}
    first = scc2s.tl.screen(adata, names, model=planted(), copy=True, **how).uns["c2s"]["screen"]
    turned = adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()
    again = scc2s.tl.screen(turned, names[::-1], model=planted(), copy=True, **how).uns["c2s"]["screen"]
    pd.testing.assert_frame_equal(first, again)


def test_against_the_regeneration_only_the_name_counts():
    """A model that always adds the response has no effect over what it writes without a perturbation."""
    always = by_rule(lambda genes, name: [*RESPONSE, *genes][: len(genes)])
    for baseline, raised in (("cell", True), ("regeneration", False)):
        adata = screened()
        scc2s.tl.screen(adata, ["x"], model=always, n_null=0, baseline=baseline, **HOW)
        assert (adata.uns["c2s"]["screen"]["effect_positive"].iloc[0] > 0.1) == raised


def test_the_regeneration_is_the_baseline_unless_another_is_asked_for():
    adata = screened(8)
    scc2s.tl.screen(adata, ["x"], model=identity(), n_null=0, **HOW)
    assert adata.uns["c2s"]["screen_record"]["params"]["baseline"] == "regeneration"


def test_a_model_that_answers_to_the_letters_of_one_hit_has_another_null_than_its_letters():
    """It knows `IFN` by its first two letters: of scrambled names some would do as the hit does."""

    def by_letters(genes, name):
        acts = name[:1] in "IFN" and genes[0] == "G0"
        return [*RESPONSE, *(g for g in genes if g not in RESPONSE)][: len(genes)] if acts else genes

    adata = screened()
    scc2s.tl.screen(adata, ["IFN-IFN", "xyz"], model=by_rule(by_letters), **HOW)
    table = adata.uns["c2s"]["screen"].set_index("name")
    controls = adata.uns["c2s"]["screen_controls"]
    names = controls.loc[controls["perturbation"] == "IFN-IFN", "name"]
    assert names.str[:1].isin(list("IFN")).mean() < 0.3
    assert table.loc["IFN-IFN", "split"] > 0.5


def test_what_could_be_found_at_all_is_said_and_recorded(caplog):
    adata = screened()
    noisy = by_rule(
        lambda genes, name: genes if zlib.crc32((genes[5] + name).encode()) % 2 else [*RESPONSE, *genes][:20]
    )
    scc2s.tl.screen(adata, ["a", "b"], model=noisy, n_null=5, **HOW)
    params = adata.uns["c2s"]["screen_record"]["params"]
    assert params["power"] == 0.8
    assert 0 < params["smallest_effect"] < 5
    assert "0 hits; with 20 cells against 20 in the neutral context a split of" in caplog.text
    wide = params["smallest_effect"]
    scc2s.tl.screen(adata, ["a", "b"], model=noisy, n_null=5, n_cells=5, **HOW)
    assert adata.uns["c2s"]["screen_record"]["params"]["smallest_effect"] > 1.3 * wide


def test_names_are_asked_as_they_were_taught_and_two_spellings_are_refused():
    adata = screened(8)
    model = by_rule(act, taught=scc2s.models.Taught(perturbations={"amplifier": ["amp"], "everywhere": []}))
    scc2s.tl.screen(adata, ["amp", "everywhere"], model=model, n_null=1, n_boot=20, **HOW)
    assert "amp" not in {name for _, name in model.asked}
    table = adata.uns["c2s"]["screen"].set_index("name")
    assert table.loc["amp", "split"] > 0.5
    assert list(adata.uns["c2s"]["screen_record"]["params"]["names_asked"]) == ["amplifier", "everywhere"]
    with pytest.raises(ValueError, match="both put to the model as 'amplifier'"):
        scc2s.tl.screen(adata, ["amp", "amplifier"], model=model, **HOW)


@pytest.mark.slow
def test_without_contexts_and_in_all_kinds_of_files(tmp_path):
    adata = screened()
    mdata = MuData({"rna": adata})
    scc2s.tl.screen(mdata, ["x", "y/z"], model=identity(), program=RESPONSE, constrain=False, n_null=1)
    table = mdata["rna"].uns["c2s"]["screen"]
    assert table["effect_neutral"].isna().all()
    mdata["rna"].write_h5ad(tmp_path / "a.h5ad")
    mdata["rna"].write_zarr(tmp_path / "a.zarr")
    for again in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        for key in ("screen", "screen_controls"):
            pd.testing.assert_frame_equal(
                again.uns["c2s"][key], mdata["rna"].uns["c2s"][key], check_dtype=False, check_index_type=False
            )
        assert "research use" in again.uns["c2s"]["screen_record"]["params"]["notice"]
        assert scc2s.tl.shortlist(again)["name"].tolist() == table["name"].tolist()


def test_a_view_and_a_copy_leave_the_data_as_it_was():
    adata = screened()
    before = set(adata.uns["c2s"])
    view = adata[:20]
    scc2s.tl.screen(view, ["x"], model=identity(), n_null=1, key_added="c2s_mine", **HOW)
    out = scc2s.tl.screen(adata, ["x"], model=identity(), n_null=1, copy=True, **HOW)
    assert {"mine", "mine_controls", "mine_record"} <= set(view.uns["c2s"])
    assert "screen" in out.uns["c2s"]
    assert set(adata.uns["c2s"]) == before


def test_invented_words_and_short_cells_are_flagged(caplog):
    def sloppy(genes, name):
        if name == "inventor":
            return [*RESPONSE, *(f"QXZ{i}" for i in range(len(genes) - 3))]
        return genes[:5] if name == "short" else [] if name == "mute" else act(genes, name)

    adata = screened()
    names = ["inventor", "short", "mute", "amplifier"]
    scc2s.tl.screen(adata, names, model=by_rule(sloppy), n_null=0, **HOW)
    by = adata.uns["c2s"]["screen"].set_index("name")
    assert by.loc["inventor", "validity"] < 0.5
    assert "too few valid words" in by.loc["inventor", "reasons"]
    assert by["complete"].to_dict() == {"inventor": 1, "short": 0, "mute": 0, "amplifier": 1}
    assert by.loc["mute", "validity"] == 0
    assert "ended early for 2 of 4" in caplog.text
    assert by.loc["amplifier", "hit"]
    assert by["q"].isna().all()


def test_genes_that_no_sentence_may_hold_are_missing_from_the_program():
    adata = screened()
    scc2s.pp.sentences(adata, n_genes=20, exclude=["G5"])
    how = HOW | {"program": [*RESPONSE, "g5", "g6"]}
    scc2s.tl.screen(adata, ["x"], model=identity(), n_null=0, **how)
    params = adata.uns["c2s"]["screen_record"]["params"]
    assert set(params["genes"]) == {*RESPONSE, "G6"}
    assert list(params["missing"]) == ["g5"]


def test_donors_are_drawn_where_they_are_given_and_have_to_be_there(caplog):
    adata = screened()
    scc2s.tl.screen(adata, ["amplifier"], model=planted(), n_null=0, donor_key="donor", **HOW)
    assert set(adata.uns["c2s"]["screen"]["interval_over"]) == {"donors"}
    assert adata.uns["c2s"]["screen_record"]["params"]["n_donors"] == 5
    adata.obs["donor"] = "the only one"
    scc2s.tl.screen(adata, ["amplifier"], model=planted(), n_null=0, donor_key="donor", **HOW)
    assert not adata.uns["c2s"]["screen"]["hit"].any()
    assert "no interval" in caplog.text
    adata.obs["donor"] = [None, *["a"] * 39]
    with pytest.raises(ValueError, match="missing for 1 cells"):
        scc2s.tl.screen(adata, ["amplifier"], model=planted(), donor_key="donor", **HOW)


@pytest.mark.parametrize(("n_names", "n_null", "said"), [(3, 2, "none can be"), (12, 10, "2 together"), (12, 20, "")])
def test_a_null_too_small_for_one_hit_is_said(caplog, n_names, n_null, said):
    names = [f"x{i}" for i in range(n_names)]
    scc2s.tl.screen(screened(8), names, model=identity(), n_null=n_null, n_boot=10, **HOW)
    assert (said in caplog.text) if said else ("too small" not in caplog.text)


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
        (["a", " "], {}, ValueError, "an empty name"),
        ([("TNF", "IFN"), "IFN + TNF"], {}, ValueError, r"'IFN \+ TNF'"),
        (["a"], {"n_cells": 1}, ValueError, "n_cells= a number from 2"),
        (["a"], {"n_null": -1}, ValueError, "n_null= a number from 0"),
        (["a"], {"n_cells": 2.5}, TypeError, "n_cells= a number from 2"),
        (["a"], {"n_boot": -1}, ValueError, "n_boot= a number from 0"),
        (["a"], {"alpha": 0}, ValueError, "alpha= between 0 and 1"),
        (["a"], {"alpha": "0.05"}, ValueError, "alpha= between 0 and 1"),
        (["a"], {"max_neutral": float("nan")}, ValueError, "max_neutral= between 0 and inf"),
        (["a"], {"min_validity": 90}, ValueError, "min_validity= between 0 and 1"),
        (["a"], {"program": None}, TypeError, "a list of genes"),
        (["a"], {"n_genes": 900, "constrain": True}, ValueError, "at most 40"),
        (["a"], {"sentence_key": "mine_sentence"}, KeyError, "c2s_sentences"),
        (["a"], {"control_name": ""}, ValueError, "control_name="),
        (["a"], {"key_added": "sentences"}, ValueError, "another name"),
        (["type"], {}, ValueError, r"list\(adata.obs\['type'\].unique\(\)\)"),
        (["a"], {"key_added": "a/b"}, ValueError, "without '/'"),
        (["a"], {"method": "max"}, ValueError, "'mean' or 'rank'"),
    ],
)
def test_bad_input_names_the_mend_before_the_model_is_loaded(names, change, error, said):
    adata = screened()
    before = set(adata.uns["c2s"])
    with pytest.raises(error, match=said):
        scc2s.tl.screen(adata, names, model="/there/is/no/such/model", **(HOW | change))
    assert set(adata.uns["c2s"]) == before


def test_data_without_cells_are_refused_before_the_model_is_loaded():
    with pytest.raises(ValueError, match="adata has no cells"):
        scc2s.tl.screen(screened()[:0].copy(), ["a"], model="/there/is/no/such/model", **HOW)


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
def test_scc2s_mini_tells_ifn_beta_from_decoys_on_control_cells_of_an_unseen_donor(shared_data):
    adata = ad.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    adata = adata[(adata.obs["donor"] == "patient_107") & (adata.obs["condition"] == "ctrl")].copy()
    scc2s.pp.sentences(adata, n_genes=80)
    scc2s.pp.rank_fit(adata)
    scc2s.tl.screen(adata, ["aspirin", "vehicle", "IFN-beta"], program="ifn", n_cells=10)
    table = adata.uns["c2s"]["screen"]
    assert table["name"].iloc[0] == "IFN-beta"
    assert table["hit"].iloc[0]
