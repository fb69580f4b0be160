"""A conversation about cells keeps its history, its evidence and its cells."""

from __future__ import annotations

import json

import anndata as ad
import mudata
import numpy as np
import pytest
import scanpy as sc
from talking_cells import MARKERS, has_genes, saying, talking_cells

import scc2s
from scc2s.models import CallableModel, ReplayModel

QUESTIONS = ["Which cells are these?", "Are they stimulated?", "And why?"]


@pytest.fixture
def adata():
    return talking_cells()


def numbered(messages):
    """An answer with the number of the turn, other without genes."""
    n = sum(message["role"] == "user" for message in messages)
    return f"Answer {n}: CD3D is high." if has_genes(messages) else "Nothing is shown."


def chat(adata, model=None, **kwargs):
    return scc2s.tl.chat(adata, **{"model": model or saying(numbered), "markers": MARKERS, "n_cells": 2} | kwargs)


def test_each_prompt_has_the_cells_then_all_turns_in_order_then_the_question(adata):
    asked = []
    session = chat(adata, saying(numbered, asked), groupby="type", groups=["T"], controls=False)
    for question in QUESTIONS:
        session.ask(question)
    roles = [[message["role"] for message in messages] for messages in asked]
    assert roles == [["system", *["user", "assistant"] * n, "user"] for n in range(3)]
    assert [m["content"] for m in asked[2][1:]] == [
        QUESTIONS[0], "Answer 1: CD3D is high.", QUESTIONS[1], "Answer 2: CD3D is high.", QUESTIONS[2],
    ]  # fmt: skip
    assert len({messages[0]["content"] for messages in asked}) == 1
    assert session.history == [*asked[2][1:], {"role": "assistant", "content": "Answer 3: CD3D is high."}]


def test_the_prompt_shows_the_sentences_of_the_cells_and_the_genes_of_the_test(adata):
    session = chat(adata, groupby="type", groups=["T"])
    answer = session.ask(QUESTIONS[0])
    assert len(answer.cells) == 2
    assert set(adata.obs.loc[answer.cells, "type"]) == {"T"}
    for cell in answer.cells:
        assert adata.obs.loc[cell, "c2s_sentence"] in session.system
    copy = adata.copy()
    sc.pp.normalize_total(copy, target_sum=1e4)
    sc.pp.log1p(copy)
    sc.tl.rank_genes_groups(copy, "type", groups=["T"])
    found = sc.get.rank_genes_groups_df(copy, "T").query("scores > 0 and pvals_adj < 0.05")["names"].head(10).tolist()
    assert answer.genes == {"T": found}
    assert session.system.endswith(", ".join(found))
    assert answer.prompt[0] == {"role": "system", "content": session.system}


def test_recorded_answers_fix_history_and_evidence(adata, tmp_path):
    tables = []
    for live in (saying(numbered), None):
        model = ReplayModel(tmp_path / "talk.jsonl", model=live)
        one = adata.copy()
        session = chat(one, model, groupby="type")
        for question in QUESTIONS:
            session.ask(question)
        tables.append(one.uns["c2s"]["chat"])
    for name in ("table", "claims", "cells", "genes"):
        assert tables[0][name].equals(tables[1][name])
    other = chat(adata, ReplayModel(tmp_path / "talk.jsonl"), groupby="type")
    with pytest.raises(KeyError, match="has no answer to"):
        other.ask(QUESTIONS[1])  # the same question in another place of the conversation


def test_the_oldest_turns_go_first_where_the_context_is_full_and_the_cells_stay(adata):
    asked = []
    session = chat(
        adata, saying(numbered, asked, max_tokens=140), groupby="type", groups=["T"], max_new_tokens=20, controls=False,
        n_top=0,
    )  # fmt: skip
    for number in range(8):
        session.ask(f"Question {number} " + "word " * 5)
    dropped = session.turns["n_dropped"].tolist()
    assert dropped[0] == 0
    assert dropped[-1] > 0
    assert dropped == sorted(dropped)
    for number, messages in enumerate(asked):
        assert messages[0]["content"] == session.system
        assert sum(len(message["content"].split()) for message in messages) <= 120
        kept = [m["content"].split()[1] for m in messages if m["role"] == "user"]
        assert kept == [str(i) for i in range(dropped[number], number + 1)]
    with pytest.raises(ValueError, match=r"the question and the cells have \d+ tokens"):
        session.ask("word " * 200)
    assert len(session.turns) == 8


def test_cells_are_shown_with_fewer_genes_where_the_context_is_short(adata, caplog):
    session = chat(adata, saying(numbered, max_tokens=130), groupby="type", max_new_tokens=20, n_top=0)
    assert 1 <= session.n_genes < 6
    assert f"first {session.n_genes} genes" in caplog.text
    with pytest.raises(ValueError, match=r"one gene of each cell have \d+ tokens, .*n_cells="):
        chat(adata, saying(numbered, max_tokens=60), groupby="type", max_new_tokens=20)


def test_an_answer_is_held_against_the_cells(adata):
    says = saying("T has higher CD3D, lower ACTB and higher MS4A1. It lacks QXZ9, and LYZ is high. These are B cells.")
    answer = chat(adata, says, groupby="type", groups=["T"]).ask("Tell.")
    found = answer.claims.set_index(["kind", "name"])["holds"].to_dict()
    assert len(found) == 6
    assert found["gene", "CD3D"] == "yes"
    assert found["gene", "MS4A1"] == "no"
    assert found["gene", "QXZ9"] == "no"
    assert found["gene", "LYZ"] == "no"
    assert found["type", "B cell"] == "no"
    assert answer.flagged
    assert "not a gene of the data" in answer.why


def test_what_the_model_says_without_genes_stands_beside_each_answer(adata):
    asked = []
    session = chat(adata, saying(numbered, asked), groupby="type", groups=["T"])
    session.ask(QUESTIONS[0])
    second = session.ask(QUESTIONS[1])
    assert second.null_text == "Nothing is shown."
    nulls = [messages for messages in asked if not has_genes(messages)]
    assert [[m["role"] for m in messages] for messages in nulls] == [["system", "user"]] * 2
    assert not any(gene in nulls[0][0]["content"] for gene in adata.var_names)
    deaf = chat(adata, saying("A fine cell."), groupby="type", groups=["T"], key_added="deaf").ask("Which?")
    assert deaf.flagged
    assert deaf.why.split("; ") == [
        "the model says the same without the cells",
        "nothing to check: no gene and no cell type is named",
    ]


@pytest.mark.parametrize("bad", [ConnectionError("the line is down"), ""])
def test_a_turn_that_fails_leaves_those_before_it(adata, bad):
    broken = False

    def rule(messages):
        if broken and isinstance(bad, Exception):
            raise bad
        return "" if broken else numbered(messages)

    session = chat(adata, saying(rule), groupby="type", groups=["T"])
    session.ask(QUESTIONS[0])
    broken = True
    with pytest.raises((ConnectionError, ValueError), match="the line is down|gave an empty answer"):
        session.ask(QUESTIONS[1])
    assert len(session.turns) == len(adata.uns["c2s"]["chat"]["table"]) == 1
    broken = False
    assert session.ask(QUESTIONS[1]).text == "Answer 2: CD3D is high."


@pytest.mark.parametrize("kind", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_the_log_survives_files_and_the_conversation_goes_on(adata, tmp_path, kind):
    first = chat(adata, groupby="type", groups=["T"])
    first.ask(QUESTIONS[0])
    path = tmp_path / f"cells.{kind}"
    getattr(adata, f"write_{kind}")(path)
    again = getattr(ad, f"read_{kind}")(path)
    log = again.uns["c2s"]["chat"]
    assert log["table"]["text"].tolist() == ["Answer 1: CD3D is high."]
    assert json.loads(log["table"]["prompt"].iloc[0])[0]["content"] == log["system"]
    assert log["model"]["id"] == "saying"
    session = chat(again, groupby="type", groups=["T"], resume=True)
    session.ask(QUESTIONS[1])
    assert again.uns["c2s"]["chat"]["table"]["text"].tolist()[1] == "Answer 2: CD3D is high."
    assert set(again.uns["c2s"]["chat"]["claims"]["context"]) == {"0", "1"}
    getattr(again, f"write_{kind}")(tmp_path / f"more.{kind}")


def test_what_cannot_be_gone_on_with_is_refused(adata):
    with pytest.raises(KeyError, match="no conversation in adata"):
        chat(adata, groupby="type", resume=True)
    chat(adata, groupby="type").ask("Which?")
    with pytest.raises(ValueError, match="shows other cells"):
        chat(adata, groupby="type", groups=["B"], resume=True)


def test_chosen_cells_are_all_shown_and_held_against_the_others(adata):
    some = adata.obs_names[adata.obs["type"] == "B"][:5].tolist()
    session = chat(adata, saying("CD79A is higher here."), cells=some)
    assert session.cells and set(session.cells) == set(some)
    assert session.ask("Which?").claims["holds"].tolist() == ["yes"]
    assert "Cells of these cells" not in session.system


def test_the_same_cells_are_shown_in_any_order_of_rows(adata):
    order = np.random.default_rng(1).permutation(adata.n_obs)
    a, b = (chat(one, groupby="type").system for one in (adata, adata[order].copy()))
    assert a == b


def test_texts_beside_the_cells_go_into_the_turn_that_they_fit(adata):
    scc2s.pp.add_text(adata, "Cells got interferon.\n\nBlood of two donors.", source="paper")
    session = chat(adata, groupby="type", use_text=True, text_tokens=4)
    first, second = session.ask("How many donors?"), session.ask("Which interferon?")
    assert (first.texts, second.texts) == (["paper, part 2"], ["paper, part 1"])
    assert 'From the text "paper, part 1"' in second.prompt[-1]["content"]


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"groupby": "nope"}, "no column 'nope'"),
        ({"groupby": "type", "groups": ["X"]}, "no value 'X'"),
        ({"groupby": "type", "groups": "T"}, "is one text"),
        ({"cells": ["gone"]}, "no cell 'gone'"),
        ({"cells": []}, "no cells to talk about"),
        ({"cells": ["cell0"], "groupby": "type"}, "exclude each other"),
        ({"groups": ["T"]}, "pass groupby="),
        ({"groupby": "type", "n_cells": 0}, "n_cells=0"),
        ({"groupby": "type", "key_added": "sentences"}, "belongs to"),
        ({"groupby": "type", "sentence_key": "no_sentence"}, "c2s_sentences"),
        ({"groupby": "type", "use_text": True}, "c2s_add_text"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(adata, kwargs, said):
    with pytest.raises((KeyError, ValueError, TypeError), match=said):
        chat(adata, "/no/such/model", **kwargs)
    assert "chat" not in adata.uns["c2s"]


def test_a_model_that_does_not_talk_is_refused_by_name_or_asked_in_plain_text(adata):
    base = CallableModel(generate=lambda prompts: [" CD3D is high.\nQuestion: more?" for _ in prompts], id="base")
    with pytest.raises(TypeError, match="base cannot talk.*plain=True"):
        chat(adata, base, groupby="type")
    answer = chat(adata, base, groupby="type", plain=True).ask("Which?")
    assert answer.text == "CD3D is high."
    with pytest.raises(ValueError, match="scc2s-mini has no chat template"):
        chat(adata, "scc2s-mini", groupby="type")


def test_thoughts_aloud_are_no_part_of_an_answer(adata):
    session = chat(adata, saying("<think>LYZ? no.</think> CD3D is high."), groupby="type", controls=False)
    assert session.ask("Which?").text == "CD3D is high."


def test_a_mudata_has_the_log_in_its_modality(adata):
    data = mudata.MuData({"rna": adata})
    scc2s.tl.chat(data, groupby="type", model=saying(numbered), markers=MARKERS).ask("Which?")
    assert len(data["rna"].uns["c2s"]["chat"]["table"]) == 1


@pytest.mark.slow
def test_a_real_instruct_model_talks_about_cells(adata, instruct):
    """It knows no biology: what counts is that it is asked in its own form, and that its words are checked."""
    session = scc2s.tl.chat(adata, groupby="type", model=str(instruct), n_cells=1, max_new_tokens=24)
    answers = [session.ask(question) for question in QUESTIONS[:2]]
    assert all(answer.text for answer in answers)
    assert session.turns["n_dropped"].tolist() == [0, 0]
    assert adata.uns["c2s"]["chat"]["model"]["backend"] == "torch"
