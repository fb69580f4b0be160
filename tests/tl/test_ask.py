"""Questions about groups of cells: each kind is rendered from the cells, and answers come with their evidence."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from talking_cells import MARKERS, has_genes, saying, talking_cells

import scc2s


@pytest.fixture
def adata():
    return talking_cells()


def ask(adata, question=None, model="CD3D is high.", key="ask", **kwargs):
    model = saying(model) if isinstance(model, str) else model
    scc2s.tl.ask(adata, question, **{"model": model, "markers": MARKERS, "n_cells": 2, "key_added": key} | kwargs)
    return adata.uns["c2s"][key]


def asked_of(found):
    return [json.loads(text)[1]["content"] for text in found["table"]["prompt"]]


def test_state_is_asked_of_each_group_with_its_own_cells_and_genes(adata):
    found = ask(adata, kind="state", groupby="type")
    table = found["table"]
    assert table.index.tolist() == ["B", "T"]
    assert ["of B?" in asked_of(found)[0], "of T?" in asked_of(found)[1]] == [True, True]
    for group, cells in zip(table.index, table["cells"], strict=True):
        assert set(adata.obs.loc[cells.split(", "), "type"]) == {group}
    assert set(table.loc["B", "genes"].split(", ")) >= {"CD79A", "MS4A1"}
    assert found["cells"]["context"].tolist() == ["B", "B", "T", "T"]


def test_treatment_is_asked_of_each_group_against_the_untreated_and_for_each_type(adata):
    found = ask(adata, kind="treatment", groupby="condition", versus="ctrl", by="type")
    assert found["table"].index.tolist() == ["B | stim", "T | stim"]
    assert "respond to stim, compared with ctrl" in asked_of(found)[0]
    genes = found["genes"]
    up = genes[(genes["context"] == "T | stim") & (genes["group"] == "stim")]
    assert set(up["gene"]) >= {"ISG15", "IFI6"}
    assert not set(up["gene"]) & {"CD3D", "CD79A"}
    shown = found["cells"].query("context == 'T | stim'")["cell"]
    assert set(adata.obs.loc[shown, "type"]) == {"T"}
    assert set(adata.obs.loc[shown, "condition"]) == {"ctrl", "stim"}


def test_time_shows_all_points_in_order_and_asks_from_first_to_last(adata):
    day = pd.Series(np.repeat(["d2", "d10", "d0"], adata.n_obs // 3 + 1)[: adata.n_obs], index=adata.obs_names)
    adata.obs["day"] = pd.Categorical(day, categories=["d0", "d2", "d10"], ordered=True)
    found = ask(adata, kind="time", groupby="day")
    assert "in this order: d0, d2, d10. What changes from d0 to d10" in asked_of(found)[0]
    system = json.loads(found["table"]["prompt"].iloc[0])[0]["content"]
    assert system.index("Cells of d0") < system.index("Cells of d2") < system.index("Cells of d10")
    found = ask(adata, kind="time", groupby="day", groups=["d10", "d2", "d0"])
    assert "from d10 to d0" in asked_of(found)[0]


def test_difference_is_about_two_groups(adata):
    found = ask(adata, kind="difference", groupby="type", groups=["T", "B"])
    assert found["table"].index.tolist() == ["T"]
    assert "between T and B" in asked_of(found)[0]
    assert found["params"]["kind"] == "difference"


def test_a_question_of_ones_own_is_put_as_it_stands(adata):
    found = ask(adata, "Are they {stimulated}?", groupby="type")
    assert asked_of(found) == ["Are they {stimulated}?"] * 2
    assert ask(adata, "Which?", key="all")["table"].index.tolist() == ["all cells"]
    pairs = ask(adata, "What changed?", key="pairs", groupby="condition", versus="ctrl")
    assert pairs["table"].index.tolist() == ["stim"]
    assert set(pairs["genes"]["group"]) == {"stim", "ctrl"}


def test_answers_are_checked_in_the_group_that_they_are_about(adata):
    said = "ISG15 is higher in stim. CD3D is lower in stim. QXZ9 rises."
    claims = ask(adata, kind="difference", groupby="condition", groups=["stim", "ctrl"], model=said)["claims"]
    assert claims[["name", "holds"]].to_numpy().tolist() == [["ISG15", "yes"], ["CD3D", ""], ["QXZ9", "no"]]
    claims = ask(adata, kind="treatment", groupby="condition", versus="ctrl", by="type", model=said)["claims"]
    assert claims["context"].tolist() == ["B | stim"] * 3 + ["T | stim"] * 3
    assert claims["highest_in"].iloc[0] == "stim"


def test_the_answer_without_genes_stands_beside_and_the_same_one_is_flagged(adata):
    looks = saying(lambda m: "CD3D is high." if has_genes(m) else "Nothing.")
    table = ask(adata, kind="state", groupby="type", model=looks)["table"]
    assert table["null_text"].tolist() == ["Nothing."] * 2
    assert (table["like_null"] < 1).all()
    table = ask(adata, kind="state", groupby="type", model="A cell.")["table"]
    assert table["flagged"].all()
    asked = []
    table = ask(adata, kind="state", groupby="type", model=saying("A cell.", asked), controls=False)["table"]
    assert len(asked) == 2
    assert not table["flagged"].any()
    assert table["like_null"].isna().all()


def test_texts_are_taken_by_sample_within_their_budget_and_cited(adata):
    scc2s.pp.add_text(adata, "Blood was drawn.", source="paper")
    scc2s.pp.add_text(adata, {"stim": "Interferon was given.", "ctrl": "Nothing."}, level="condition", source="notes")
    found = ask(adata, "What was given?", groupby="condition", use_text=True)["table"]
    assert found["texts"].tolist() == ["paper, notes (condition ctrl)", "paper, notes (condition stim)"]
    assert 'From the text "notes (condition stim)": Interferon was given.' in found.loc["stim", "prompt"].replace(
        "\\", ""
    )
    few = ask(adata, "What was given?", groupby="condition", use_text=True, text_tokens=3)["table"]
    assert few["texts"].tolist() == ["paper", "notes (condition stim)"]
    none = ask(adata, "What was given?", groupby="condition", use_text=True, text_tokens=1)["table"]
    assert none["texts"].tolist() == ["notes (condition ctrl)", ""]


def test_a_killed_run_goes_on_from_its_cache(adata, tmp_path):
    asked = []
    for _ in range(2):
        ask(adata, kind="state", groupby="type", model=saying("A cell.", asked), cache=tmp_path / "c.sqlite")
    assert len(asked) == 4


def test_groups_without_a_sentence_keep_their_row(adata, caplog):
    adata.obs["c2s_sentence"] = adata.obs["c2s_sentence"].astype(object)
    adata.obs.loc[adata.obs["type"] == "B", ["c2s_sentence", "c2s_n_genes"]] = ["", 0]
    table = ask(adata, kind="state", groupby="type")["table"]
    assert table["text"].tolist() == ["", "CD3D is high."]
    assert "1 of 2 topics have no cell with a sentence: B" in caplog.text


def test_a_group_of_one_cell_is_asked_about_and_not_tested(adata, caplog):
    adata.obs["one"] = ["lone"] + ["rest"] * (adata.n_obs - 1)
    found = ask(adata, kind="state", groupby="one", model="CD3D is higher. ACTB is expressed.")
    assert found["claims"]["holds"].tolist() == ["", "yes", "", "yes"]
    assert "no genes are tested in lone, rest: two cells are needed on both sides" in caplog.text
    assert not any("By a test" in json.loads(text)[0]["content"] for text in found["table"]["prompt"])
    assert ask(adata[:1].copy(), "Which?", model="ACTB is high.")["claims"]["holds"].tolist() == ["yes"]


def test_all_cells_are_compared_with_nothing_and_no_word_is_lost_about_it(adata, caplog):
    with caplog.at_level("INFO", logger="scc2s"):
        found = ask(adata, "What are these?", model="ACTB is expressed.")
    assert "tested" not in caplog.text
    assert "all other cells" not in found["table"]["prompt"].iloc[0]
    assert found["table"]["genes"].tolist() == [""]
    assert len(found["genes"]) == 0


def test_a_column_with_one_value_has_no_other_cells_to_test_against(adata, caplog):
    adata.obs["study"] = "one"
    found = ask(adata, kind="state", groupby="study")
    assert "no genes are tested in one: there are no other cells" in caplog.text
    assert "all other cells" not in found["table"]["prompt"].iloc[0]


@pytest.mark.parametrize("kind", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_results_survive_files(adata, tmp_path, kind):
    found = ask(adata, kind="state", groupby="type", model="A T cell: CD3D is higher.")
    getattr(adata, f"write_{kind}")(tmp_path / f"a.{kind}")
    again = getattr(ad, f"read_{kind}")(tmp_path / f"a.{kind}").uns["c2s"]["ask"]
    for name in ("table", "claims", "cells", "genes"):
        assert again[name].shape == found[name].shape
        assert again[name].iloc[0].astype(str).tolist() == found[name].iloc[0].astype(str).tolist()
    assert again["model"]["id"] == "saying"
    assert "text" not in adata.uns["c2s"]


def test_an_answer_without_claims_survives_files_too(adata, tmp_path):
    ask(adata, "Which?", model="No idea.", n_top=0)
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["ask"]
    assert again["claims"].shape[0] == 0
    assert again["genes"].shape[0] == 0


def test_mouse_raw_and_values_of_other_scales(adata):
    mouse = adata.copy()
    mouse.var_names = [name.capitalize() for name in adata.var_names]
    scc2s.pp.sentences(mouse)
    found = ask(mouse, kind="state", groupby="type", model="Cd3d is higher. Qxz9 is high.")
    assert "Mus musculus" in found["table"]["prompt"].iloc[0]
    assert found["claims"].query("context == 'T'")["holds"].tolist() == ["yes", "no"]
    raw = adata.copy()
    raw.raw = raw
    raw = raw[:, ["ACTB", "CD3D"]].copy()
    scc2s.pp.sentences(raw)
    assert ask(raw, kind="state", groupby="type", model="CD79A is higher.")["claims"].loc["0", "holds"] == "yes"
    scaled = adata.copy()
    scaled.X = scaled.X - scaled.X.mean()
    with pytest.raises(ValueError, match="pass layer="):
        ask(scaled, kind="state", groupby="type")


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({}, "either a question or kind="),
        ({"question": "Which?", "kind": "state", "groupby": "type"}, "either a question or kind="),
        ({"question": "  "}, "either a question or kind="),
        ({"question": 3}, "question is int"),
        ({"kind": "nope", "groupby": "type"}, "kind='nope' is not known"),
        ({"kind": "treatment", "groupby": "condition"}, "pass versus="),
        ({"kind": "treatment"}, "pass groupby="),
        ({"question": "x", "by": "type"}, "by= needs groups"),
        ({"kind": "difference", "groupby": "donor", "groups": ["d1"]}, "one group alone"),
        ({"kind": "state", "groupby": "type", "versus": "X"}, "no value 'X'"),
        ({"kind": "state", "groupby": "type", "by": "nope"}, "no column 'nope'"),
        ({"kind": "state", "groupby": "type", "min_share": 2}, "min_share=2"),
        ({"kind": "state", "groupby": "type", "max_new_tokens": 0}, "max_new_tokens=0"),
        ({"kind": "state", "groupby": "type", "key": "chat"}, "belongs to another tool"),
        ({"kind": "state", "groupby": "type", "key": "a/b"}, "key_added"),
        ({"kind": "state", "groupby": "type", "cache": "/no/such/folder/c.sqlite"}, "no folder"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(adata, kwargs, said):
    before = list(adata.uns["c2s"])
    with pytest.raises((KeyError, ValueError, TypeError, FileNotFoundError), match=said) as error:
        ask(adata, kwargs.pop("question", None), **{"model": None, **kwargs} | {"model": "/no/such/model"})
    assert "/no/such/model" not in str(error.value)
    assert list(adata.uns["c2s"]) == before


def test_a_copy_leaves_the_cells_alone(adata):
    out = scc2s.tl.ask(adata, "Which?", model=saying("x"), copy=True)
    assert "ask" in out.uns["c2s"]
    assert "ask" not in adata.uns["c2s"]


def test_three_groups_are_no_pair(adata):
    adata.obs["three"] = (["a1", "b1", "c1"] * adata.n_obs)[: adata.n_obs]
    with pytest.raises(ValueError, match="is about two groups, not 3"):
        ask(adata, kind="difference", groupby="three")


def test_real_cells_of_an_interferon_study(shared_data):
    adata = ad.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    condition = next(name for name in adata.obs if set(map(str, adata.obs[name].unique())) == {"ctrl", "stim"})
    scc2s.pp.sentences(adata, n_genes=60)
    said = "ISG15, IFI6 and IFIT1 are higher in stim. ISG20 falls in stim. QXZ9 rises. CD3D is expressed in ctrl."
    found = ask(adata, kind="treatment", groupby=condition, versus="ctrl", model=said)
    assert {"ISG15", "IFI6"} <= set(found["genes"].query("group == 'stim'")["gene"])
    holds = found["claims"].set_index("name")["holds"].to_dict()
    assert [holds[gene] for gene in ("ISG15", "IFI6", "ISG20", "QXZ9", "CD3D")] == ["yes", "yes", "no", "no", "yes"]
