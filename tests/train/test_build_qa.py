"""Questions and answers of a teacher: what is kept stands in the text of its study, and no study is in two parts."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s import models
from scc2s.metrics import keyword_recall
from scc2s.models import CallableModel, PartialAnswersError, ReplayModel
from scc2s.train import build_qa, read_qa
from scc2s.train._build_studies import studies_of

TEXT = (
    "Blood cells of 8 donors were cultured with interferon beta. Monocytes responded most: they express ISG15 and "
    "CXCL10 after stimulation. T cells responded with fewer genes, and CD14 fell in monocytes."
)
OTHER = (
    "Kidney cells of the mouse were sorted. Podocytes express Nphs1 and Nphs2. Proximal tubule cells were most common."
)
TEXTS = {"ifn": TEXT, "kidney": {"abstract": OTHER, "results": ""}}
CELLS = {"ifn": ["ISG15 CXCL10 LYZ", "CD3D CD3E", "LYZ CD14", ""], "kidney": ["Nphs1 Nphs2", "Slc34a1"]}
GOOD = [
    ("Which cells respond most to interferon beta?", "Monocytes responded most.", ["monocyte"]),
    ("Which genes do monocytes express after stimulation?", "They express ISG15 and CXCL10.", ["ISG15", "CXCL10"]),
    ("What happens to CD14?", "It fell in monocytes.", ["fell", "monocytes"]),
    ("How many donors gave blood?", "Cells of 8 donors were cultured.", ["8 donors"]),
]


def written(*items):
    return json.dumps([dict(zip(("question", "answer", "keywords"), item, strict=True)) for item in items])


def teacher(rule, asked=None, **kwargs):
    def reply(messages):
        if asked is not None:
            asked.append(messages[1]["content"])
        return rule if isinstance(rule, str) else rule(messages[1]["content"])

    return CallableModel(**{"reply": reply, "id": "teacher"} | kwargs)


def one_by_one(content):
    """The first good item that is not there yet; of the other study always the same."""
    if "Kidney" in content:
        return written(("Which genes mark podocytes?", "Nphs1 and Nphs2.", ["Nphs1", "Nphs2"]))
    return written(next((item for item in GOOD if f"- {item[0]}" not in content), GOOD[0]))


def build(rule, asked=None, texts=None, cells=None, **kwargs):
    texts = {"ifn": TEXT} if texts is None else texts
    return build_qa(texts, teacher(rule, asked), cells=CELLS if cells is None else cells, **{"n_items": 4} | kwargs)


def test_items_have_the_schema_and_the_file_reads_back(tmp_path):
    path = tmp_path / "qa.jsonl"
    built = build(written(*GOOD), texts=TEXTS, n_cells=2, path=path, splits={"ifn": "train", "kidney": "test"})
    assert built.wanted == 8
    assert built.kept["question"].tolist() == [question for question, *_ in GOOD]
    pd.testing.assert_frame_equal(read_qa(path), built.kept)
    assert built.kept["keywords"].tolist() == [keywords for *_, keywords in GOOD]
    assert (built.kept["split"] == "train").all()
    for cells in built.kept["cells"]:
        assert len(set(cells)) == 2
        assert set(cells) <= {"ISG15 CXCL10 LYZ", "CD3D CD3E", "LYZ CD14"}
    assert len({tuple(sorted(cells)) for cells in built.kept["cells"]}) > 1
    assert keyword_recall(built.kept["answer"].tolist(), built.kept["keywords"].tolist()).tolist() == [1.0] * 4
    # those about interferon do not stand in the text of the kidney
    assert set(built.dropped["study"]) == {"kidney"}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (("", "Monocytes.", ["monocyte"]), "no question"),
        (("Which cells respond?", " ", ["monocyte"]), "no answer"),
        (("Name the cells that respond.", "Monocytes.", ["monocyte"]), "not a question"),
        (("What does the text say of cells?", "Monocytes responded.", ["monocyte"]), "asks about the text"),
        (("Which of these cells did the authors see?", "Monocytes.", ["monocyte"]), "asks about the text"),
        (("Do monocytes respond?", "Monocytes.", ["monocyte"]), "question holds the answer"),
        (("Are donors eight or 8 donors?", "8 donors", ["8 donors"]), "question holds the answer"),
        (("Which cells respond?", "Monocytes.", []), "no keywords"),
        (("Which cells respond?", "Monocytes.", ["macrophage"]), "keyword not in the text"),
        (("Which cells respond?", "Monocytes.", ["stimulation"]), "no keyword in the answer"),
        (("Which cells respond?", "Monocytes with FOXP3.", ["monocyte"]), "gene not in the text"),
        (("Why is FOXP3 high?", "Monocytes responded.", ["monocyte"]), "gene not in the text"),
        (("Which cells respond?", "Monocytes and NK cells.", ["monocyte"]), "cell type not in the text"),
        (("How many donors were there?", "There were 12 donors.", ["donors"]), "number not in the text"),
        (("Which cells respond?", "Monocytes by endosomal receptors.", ["monocyte"]), "answer hardly in the text"),
        (GOOD[0], ""),
    ],
)  # fmt: skip
def test_an_item_says_no_more_than_the_text(item, reason):
    built = build(written(item), n_items=1, n_retries=0)
    assert built.reasons == ({reason: 1} if reason else {})
    assert len(built.kept) == (not reason)


def test_keywords_that_the_answer_lacks_are_left_out():
    item = ("Which cells respond?", "Monocytes responded.", ["monocyte", "stimulation"])
    assert build(written(item), n_items=1).kept["keywords"].tolist() == [["monocyte"]]


def test_genes_and_types_of_the_data_are_looked_for():
    item = ("Which genes mark podocytes?", "Nphs1 and Actb, of podocytes and zorb cells.", ["Nphs1"])
    options = {"texts": {"kidney": OTHER}, "n_items": 1, "n_retries": 0, "min_support": 0.0}
    assert not build(written(item), **options).reasons
    assert build(written(item), gene_names=["Nphs1", "Actb"], **options).reasons == {"gene not in the text": 1}
    assert build(written(item), labels=["zorb cell"], **options).reasons == {"cell type not in the text": 1}


def test_questions_that_read_alike_are_one():
    again = ("Which of the cells respond most to beta interferon?", *GOOD[0][1:])
    built = build(written(GOOD[0], again, GOOD[0]), n_items=3, n_retries=0)
    assert built.reasons == {"repeats another question": 2}


def test_questions_that_are_there_are_told_and_asked_no_more_than_needed():
    asked = []
    built = build(one_by_one, asked, n_at_once=1)
    assert built.kept["question"].tolist() == [question for question, *_ in GOOD]
    assert len(asked) == 4
    assert [content.count("\n- ") for content in asked] == [0, 1, 2, 3]
    assert "Write 1 questions" in asked[0]


def test_fewer_items_and_broken_replies_are_counted_and_asked_again():
    replies = iter(["I cannot.", written(GOOD[0])[:-1] + ', {"question": "Wh', written(*GOOD[1:3]), written(*GOOD[2:])])
    asked = []
    built = build(lambda _: next(replies), asked, n_at_once=4, n_retries=3)
    assert built.kept["question"].tolist() == [question for question, *_ in GOOD]
    assert built.replies["problem"].tolist() == ["no question", "broken JSON", "fewer than asked for", ""]
    assert built.replies["n_asked"].tolist() == [4, 4, 3, 1]
    assert built.replies["n_read"].tolist() == [0, 1, 2, 2]
    assert built.replies["n_kept"].tolist() == [0, 1, 2, 1]
    assert built.replies["n_kept"].sum() + len(built.dropped) == built.replies["n_read"].sum()
    assert "no JSON list" in asked[1]
    assert built.reasons == {"repeats another question": 1}


def test_the_number_of_requests_is_bounded_and_what_is_short_is_said(caplog):
    asked = []
    built = build("nothing", asked, texts=TEXTS, n_items=20, n_at_once=5, n_retries=3)
    assert len(asked) == len(built.replies) == 2 * (4 + 3)
    assert not len(built.kept)
    assert list(built.kept) == ["context", "cells", "question", "answer", "keywords", "study", "split"]
    assert "ifn, kidney" in caplog.text
    assert "14 of 14 replies were hard to read" in caplog.text


def test_more_than_asked_for_is_not_kept():
    built = build(written(*GOOD), n_items=2)
    assert len(built.kept) == 2
    assert built.reasons == {"more than asked for": 2}


def test_a_killed_run_asks_only_for_the_rest(tmp_path):
    options = {"texts": TEXTS, "n_at_once": 1, "n_items": 3, "cache": tmp_path / "replies.sqlite"}
    whole = build(one_by_one, **options | {"cache": None})
    asked = []

    def dies(content):
        if len(asked) > 4:
            raise ConnectionError("the power went out")
        return one_by_one(content)

    path = tmp_path / "qa.jsonl"
    with pytest.raises((PartialAnswersError, ConnectionError), match="the power went out"):
        build(dies, asked, path=path, **options)
    assert not path.exists()
    assert len(asked) == 5
    rest = []
    built = build(one_by_one, rest, path=path, **options)
    assert len(rest) == len(whole.replies) - 4
    pd.testing.assert_frame_equal(built.kept, whole.kept)
    pd.testing.assert_frame_equal(built.replies, whole.replies)
    pd.testing.assert_frame_equal(read_qa(path), whole.kept)


def test_recorded_answers_stand_for_a_teacher(tmp_path):
    path = tmp_path / "teacher.jsonl"
    live = build_qa({"ifn": TEXT}, ReplayModel(path, model=teacher(written(*GOOD))), cells=CELLS, n_items=4)
    again = build_qa({"ifn": TEXT}, ReplayModel(path), cells=CELLS, n_items=4)
    assert len(live.kept) == 4
    pd.testing.assert_frame_equal(again.kept, live.kept)


def test_a_text_that_does_not_fit_is_asked_about_in_parts():
    noise = [
        f"Paragraph {i} tells of the weather and of nothing else, in more words than anybody needs." for i in range(40)
    ]
    text = "\n\n".join([TEXT, *noise, OTHER])
    asked = []
    says = teacher("nothing", asked, max_tokens=700)
    build_qa({"ifn": text}, says, cells=CELLS, n_items=20, n_at_once=2, max_new_tokens=100)
    assert all(len(content.split()) < 600 for content in asked)
    assert any("Monocytes" in content for content in asked)
    assert any("Podocytes" in content for content in asked)
    with pytest.raises(ValueError, match="a passage of study 'ifn' has .* max_new_tokens="):
        build_qa({"ifn": text}, teacher("", max_tokens=230), cells=CELLS, max_new_tokens=100)


def test_the_context_is_the_passage_that_the_answer_stands_in():
    built = build(written(GOOD[0]), texts={"ifn": {"abstract": OTHER, "results": TEXT}}, n_items=1)
    assert built.kept["context"].tolist() == [TEXT]


def test_cells_of_an_item_depend_on_neither_their_order_nor_other_studies():
    many = {"ifn": [f"G{i}" for i in range(50)], "kidney": CELLS["kidney"]}
    a = build(written(*GOOD), texts=TEXTS, cells=many).kept
    b = build(written(*GOOD), cells={"ifn": many["ifn"][::-1]}).kept
    assert a["cells"].tolist() == b["cells"].tolist()
    assert build(written(*GOOD), cells=many, random_state=1).kept["cells"].tolist() != b["cells"].tolist()


names = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)


@settings(deadline=None, max_examples=40)
@given(st.lists(names, min_size=1, max_size=30, unique=True), st.integers(0, 5), st.randoms())
def test_a_study_is_in_one_part_whatever_others_there_are(studies, seed, random):
    texts = {name: f"text {i}" for i, name in enumerate(studies)}
    cells = dict.fromkeys(studies, ["CD3D"])
    parts = {one.name: one.part for one in studies_of(texts, cells, None, val=0.2, test=0.3, seed=seed)}
    assert set(parts) == set(studies)
    some = random.sample(studies, random.randint(1, len(studies)))
    again = studies_of({name: texts[name] for name in some}, cells, None, val=0.2, test=0.3, seed=seed)
    assert all(parts[one.name] == one.part for one in again)


def test_parts_have_about_the_shares_asked_for():
    texts = {f"study {i}": f"text {i}" for i in range(2000)}
    found = studies_of(texts, dict.fromkeys(texts, ["CD3D"]), None, val=0.1, test=0.2, seed=0)
    counts = pd.Series([one.part for one in found]).value_counts(normalize=True)
    assert counts["test"] == pytest.approx(0.2, abs=0.03)
    assert counts["val"] == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(
    ("texts", "cells", "more", "error", "said"),
    [
        (["a"], CELLS, {}, TypeError, "texts is list"),
        ({}, CELLS, {}, ValueError, "no text to ask about"),
        ({"ifn": "  "}, CELLS, {}, ValueError, "study 'ifn' has no text"),
        ({"ifn": None}, CELLS, {}, TypeError, "the text of study 'ifn' is NoneType"),
        ({"": "a"}, CELLS, {}, TypeError, "no name of a study"),
        ({"ifn": TEXT, "kidney": f" {TEXT.upper()}"}, CELLS, {}, ValueError, "'ifn' and 'kidney' have the same text"),
        ({"lung": TEXT}, CELLS, {}, KeyError, "lung.*has a text and no cells.*groupby"),
        ({"ifn": TEXT}, {"ifn": "CD3D"}, {}, TypeError, "not a list of sentences"),
        ({"ifn": TEXT}, {"ifn": [""]}, {}, ValueError, "no cell with a sentence"),
        ({"ifn": TEXT}, ["CD3D"], {}, TypeError, "cells is list"),
        (TEXTS, CELLS, {"splits": {"ifn": "train"}}, KeyError, "part of study 'kidney'"),
        (TEXTS, CELLS, {"splits": {"ifn": "train", "kidney": "dev"}}, ValueError, "into 'dev'"),
        (TEXTS, CELLS, {"splits": ["train"]}, TypeError, "splits is list"),
        (TEXTS, CELLS, {"n_items": 0}, ValueError, "n_items=0"),
        (TEXTS, CELLS, {"min_support": 1.5}, ValueError, "min_support=1.5"),
        (TEXTS, CELLS, {"val": 0.9}, ValueError, "val=0.9"),
        (TEXTS, CELLS, {"path": "no/folder/qa.jsonl"}, FileNotFoundError, "no folder"),
    ],
)
def test_what_cannot_be_used_is_refused_before_the_teacher_is_loaded(texts, cells, more, error, said):
    with pytest.raises(error, match=said):
        build_qa(texts, "no/such-teacher", cells=cells, **more)


def test_cells_of_a_study_without_a_text_are_left_out_and_named(caplog):
    build(written(*GOOD))
    assert "studies without a text are left out: kidney" in caplog.text


def test_a_model_that_cannot_be_asked_is_refused():
    writer = CallableModel(generate=lambda prompts: [written(*GOOD)] * len(prompts), id="writer")
    with pytest.raises(TypeError, match="writer cannot talk.*plain=True"):
        build_qa({"ifn": TEXT}, writer, cells=CELLS)
    assert len(build_qa({"ifn": TEXT}, writer, cells=CELLS, n_items=4, plain=True).kept) == 4
    with pytest.raises(ValueError, match="this one has no name"):
        build_qa({"ifn": TEXT}, CallableModel(reply=lambda messages: ""), cells=CELLS, cache="x.sqlite")


@pytest.mark.slow
def test_a_small_instruct_model_is_a_teacher_whose_every_reply_is_accounted_for(instruct, tmp_path):
    small = models.load(instruct, device="cpu", dtype="float32")
    options = {"cells": CELLS, "n_items": 3, "n_at_once": 1, "n_retries": 1, "max_new_tokens": 96}
    built = build_qa({"ifn": TEXT}, small, cache=tmp_path / "replies.sqlite", path=tmp_path / "qa.jsonl", **options)
    assert len(built.replies) <= 4
    assert built.replies["n_read"].sum() == len(built.kept) + len(built.dropped)
    for row in built.kept.itertuples():
        assert all(word.casefold() in TEXT.casefold() for word in row.keywords)
    again = build_qa({"ifn": TEXT}, small, cache=tmp_path / "replies.sqlite", **options)
    pd.testing.assert_frame_equal(again.replies, built.replies)
