"""Captions of a teacher: what is kept holds to the facts, what is not is counted, and a killed run goes on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scc2s import models
from scc2s.models import CallableModel, PartialAnswersError, ReplayModel
from scc2s.train import build_captions, split
from scc2s.train._build_facts import Cluster
from scc2s.train._build_judging import CaptionJudge, read_caption

FACTS = pd.DataFrame(
    {
        "study": "pbmc",
        "cluster": ["0", "1"],
        "cell_type": ["B cell", "CD14+ monocyte"],
        "tissue": ["blood", "lung"],
        "organism": "human",
        "disease": ["", np.nan],
        "genes": ["CD79A, MS4A1, CD79B", ["LYZ", "S100A8"]],
        "text": ["B cells of donors were few. CD19 was used to sort them.", None],
    }
)
GOOD = {
    "B cell": [
        "B cells of blood, marked by CD79A.",
        "MS4A1 speaks for B cells here.",
        "CD79B is high in this cluster.",
    ],
    "CD14+ monocyte": ["Monocytes of the lung with LYZ.", "S100A8 marks CD14+ monocytes.", "LYZ and S100A8 are high."],
}


def teacher(rule, asked=None, **kwargs):
    def reply(messages):
        if asked is not None:
            asked.append(messages)
        return rule(messages)

    return CallableModel(**{"reply": reply, "id": "teacher"} | kwargs)


def kind_of(messages):
    return next(kind for kind in GOOD if f"Cell type: {kind}" in messages[1]["content"])


class Counting:
    """Gives the good captions of a cluster in turns, the first time each other in the place of one."""

    def __init__(self, first=None):
        self.n = dict.fromkeys(GOOD, 0)
        self.first = dict(first or {})

    def __call__(self, messages):
        kind = kind_of(messages)
        if kind in self.first:
            return self.first.pop(kind)
        self.n[kind] += 1
        return GOOD[kind][self.n[kind] - 1]


def test_clusters_times_captions_come_in_the_order_of_the_table():
    asked = []
    built = build_captions(FACTS, teacher(Counting(), asked), n_captions=3)
    assert built.wanted == len(built.kept) == len(asked) == 6
    assert built.kept["cluster"].tolist() == ["0"] * 3 + ["1"] * 3
    assert built.kept["number"].tolist() == [0, 1, 2] * 2
    assert built.kept["caption"].tolist() == [text for texts in GOOD.values() for text in texts]
    assert built.kept.loc[3, ["organism", "genes", "disease"]].tolist() == ["Homo sapiens", "LYZ, S100A8", ""]
    assert not len(built.dropped)
    assert built.share_kept == 1


def test_the_teacher_is_told_the_facts_that_are_there_and_asked_in_several_ways():
    asked = []
    build_captions(FACTS, teacher(Counting(), asked), n_captions=3)
    first, other = asked[0][1]["content"], asked[3][1]["content"]
    for line in (
        "Cell type: B cell",
        "Tissue: blood",
        "Organism: Homo sapiens",
        "CD79A, MS4A1, CD79B",
        "CD19 was used",
    ):
        assert line in first
    assert "Disease" not in first + other
    assert "text of the study" not in other
    assert len({messages[1]["content"].splitlines()[-1] for messages in asked}) == 3


@pytest.mark.parametrize(
    ("caption", "reason", "detail"),
    [
        ("", "no whole sentence", ""),
        ("B cells with CD79A and", "no whole sentence", ""),
        ("B cells with CD79A and FOXP3.", "gene not in the facts", "FOXP3"),
        ("B cells with QXZ9.", "gene not in the facts", "QXZ9"),
        ("T cells of blood.", "another cell type", "T cell"),
        ("B cells that meet NK cells.", "cell type not in the facts", "NK cell"),
        ("B cells of mice.", "organism not in the facts", "mice"),
        ("B cells of the lung.", "tissue of another cluster", "lung"),
        ("B cells of an HIV infection.", "disease not in the facts", "HIV, infection"),
        ("These cells of blood are important.", "names neither the type nor a gene", ""),
        ("B cells, unlike T cells, are marked by CD79A.", "", ""),
        ("Naive B cells, sorted by CD19.", "", ""),
        ("This human cluster has high MS4A1.", "", ""),
    ],
)
def test_a_caption_says_no_more_than_the_facts(caption, reason, detail):
    built = build_captions(FACTS.head(1).assign(tissue="blood"), teacher(lambda _: caption), n_captions=1, n_retries=0)
    both = build_captions(FACTS, teacher(lambda _: caption), n_captions=1, n_retries=0)
    if reason.startswith("tissue"):  # a table without lung does not know that it is a tissue
        assert not built.reasons
    elif reason:
        assert built.dropped[["reason", "detail"]].to_numpy().tolist() == [[reason, detail]]
    else:
        assert built.kept["caption"].tolist() == [caption]
    mine = both.dropped[both.dropped["cluster"] == "0"]
    assert mine["reason"].tolist() == ([reason] if reason else [])


def test_genes_of_other_organisms_are_found_with_the_names_of_the_data():
    facts = pd.DataFrame({"cell_type": ["B cell"], "genes": ["Cd79a"], "organism": ["mouse"]})
    says = teacher(lambda _: "B cells with Actb.")
    assert len(build_captions(facts, says, n_captions=1, n_retries=0).kept) == 1
    built = build_captions(facts, says, n_captions=1, n_retries=0, gene_names=["Actb", "Cd79a", "Ms4a1"])
    assert built.reasons == {"gene not in the facts": 1}


def test_own_labels_are_types_of_their_own():
    judge = CaptionJudge(
        [
            Cluster("", str(i), {"cell_type": name, "genes": "G1"}, "")
            for i, name in enumerate(["Zorb A", "Zorb B", "7"])
        ],
        [],
        0.8,
    )
    assert judge("Zorb A cells.", Cluster("", "0", {"cell_type": "Zorb A"}, ""), []).reason == ""
    assert judge("Zorb B cells.", Cluster("", "0", {"cell_type": "Zorb A"}, ""), []).reason == "another cell type"
    assert judge("7 of G1.", Cluster("", "2", {"genes": "G1"}, ""), []).reason == ""


def test_a_label_that_holds_a_type_may_be_called_by_it():
    facts = pd.DataFrame({"cell_type": ["FCGR3A+ monocytes, cluster 4"], "genes": ["MS4A7"]})
    assert len(build_captions(facts, teacher(lambda _: "Monocytes with MS4A7."), n_captions=1, n_retries=0).kept) == 1


def test_what_is_not_kept_is_asked_again_with_the_reason():
    asked = []
    rule = Counting(first={"B cell": "T cells with FOXP3."})
    built = build_captions(FACTS, teacher(rule, asked), n_captions=2)
    assert len(built.kept) == 4
    assert built.kept["number"].tolist() == [0, 1, 0, 1]
    again = asked[-1]
    assert len(asked) == 5
    assert again[2] == {"role": "assistant", "content": "T cells with FOXP3."}
    assert "gene not in the facts: FOXP3" in again[3]["content"]
    assert built.dropped.loc[0, ["cluster", "number", "round", "caption"]].tolist() == [
        "0",
        0,
        0,
        "T cells with FOXP3.",
    ]
    assert built.replies["n_kept"].tolist() == [0, 1, 1, 1, 1]


def test_a_teacher_that_never_keeps_to_the_facts_is_left_after_the_retries(caplog):
    built = build_captions(FACTS, teacher(lambda _: "T cells."), n_captions=2, n_retries=3)
    assert not len(built.kept)
    assert len(built.dropped) == len(built.replies) == 16
    assert "16 of 16 captions were not kept" in caplog.text
    assert "pbmc | 0, pbmc | 1" in caplog.text
    assert built.share_kept == 0


def test_captions_of_a_cluster_that_read_alike_are_one():
    built = build_captions(FACTS.head(1), teacher(lambda _: "B cells with CD79A."), n_captions=3, n_retries=1)
    assert len(built.kept) == 1
    assert built.reasons == {"repeats another caption": 4}


@pytest.mark.parametrize(
    ("reply", "caption"),
    [
        ("B cells.", "B cells."),
        ('"B cells."', "B cells."),
        ("Here is a caption:\n\nB cells. They are", "B cells."),
        ("Sure! **Caption:** `B cells`.", "B cells."),
        ("B cells.\n\nNote: I used the facts.", "B cells."),
        ("Caption: B cells\nof blood.", "B cells of blood."),
        ("B cells", ""),
        ("", ""),
    ],
)
def test_a_caption_is_read_out_of_what_stands_around_it(reply, caption):
    assert read_caption(reply) == caption


def test_clusters_are_held_out_whole_and_stay_where_they_are():
    many = pd.DataFrame({"cluster": [str(i) for i in range(60)], "cell_type": "B cell", "genes": "CD79A"})
    texts = iter(range(10**6))
    rule = teacher(lambda _: f"B cells with CD79A, {'abcdefghijklmnopqrstuvwxyz'[next(texts) % 26] * 4}.")
    kept = build_captions(many, rule, n_captions=2).kept
    assert (kept.groupby("cluster")["split"].nunique() == 1).all()
    assert set(kept["split"]) == {"train", "val", "test"}
    again = build_captions(many.iloc[::-1].head(30), rule, n_captions=1).kept.set_index("cluster")["split"]
    assert (again == kept.drop_duplicates("cluster").set_index("cluster")["split"].loc[again.index]).all()
    by_type = build_captions(many, rule, n_captions=1, split_by="cell_type").kept["split"]
    assert set(by_type) == set(split(["B cell"]).tolist())


def test_a_killed_run_asks_only_for_the_rest(tmp_path):
    cache = tmp_path / "replies.sqlite"
    whole = build_captions(FACTS, teacher(Counting()), n_captions=3)
    rule, asked = Counting(), []

    def dies(messages):
        if len(asked) > 4:
            raise ConnectionError("the power went out")
        return rule(messages)

    with pytest.raises(PartialAnswersError, match="the power went out"):
        build_captions(FACTS, teacher(dies, asked), n_captions=3, cache=cache)
    assert len(asked) == 5
    rest = []
    built = build_captions(FACTS, teacher(rule, rest), n_captions=3, cache=cache)
    assert len(rest) == 2
    pd.testing.assert_frame_equal(built.kept, whole.kept)
    nothing = []
    again = build_captions(FACTS, teacher(rule, nothing), n_captions=3, cache=cache)
    assert not nothing
    pd.testing.assert_frame_equal(again.replies, built.replies)


def test_recorded_answers_stand_for_a_teacher(tmp_path):
    path = tmp_path / "teacher.jsonl"
    live = build_captions(FACTS, ReplayModel(path, model=teacher(Counting(first={"B cell": "T cells."}))), n_captions=2)
    replayed = build_captions(FACTS, ReplayModel(path), n_captions=2)
    assert len(live.kept) == 4
    pd.testing.assert_frame_equal(replayed.kept, live.kept)
    pd.testing.assert_frame_equal(replayed.dropped, live.dropped)


def test_a_model_that_only_writes_is_asked_in_plain_text():
    asked = []

    def generate(prompts):
        asked.extend(prompts)
        return [" B cells with CD79A.\n\nQuestion: more?" for _ in prompts]

    writer = CallableModel(generate=generate, id="writer")
    with pytest.raises(TypeError, match="writer cannot talk.*plain=True"):
        build_captions(FACTS, writer)
    built = build_captions(FACTS.head(1), writer, n_captions=1, plain=True)
    assert built.kept["caption"].tolist() == ["B cells with CD79A."]
    assert asked[0].endswith("\nAnswer:")


def test_a_long_text_of_the_study_is_shown_by_its_passages_as_far_as_there_is_room():
    noise = "\n\n".join(f"Words about weather number {i} go on and on without an end." for i in range(200))
    facts = FACTS.head(1).assign(text=f"{noise}\n\nB cells with CD79A were found in blood.")
    asked = []
    says = teacher(lambda _: "B cells with CD79A.", asked, max_tokens=400)
    build_captions(facts, says, n_captions=1, max_new_tokens=50)
    shown = asked[0][1]["content"]
    assert "B cells with CD79A were found in blood." in shown
    assert says.count_message_tokens(asked[0]) <= 350
    with pytest.raises(ValueError, match=r"'pbmc \| 0' have \d+ tokens.*room for 50.*max_new_tokens="):
        build_captions(facts, teacher(lambda _: "", max_tokens=100), max_new_tokens=50)


@pytest.mark.parametrize(
    ("facts", "error", "said"),
    [
        ([{"cell_type": "B cell"}], TypeError, "facts is list.*pp.cluster_facts"),
        (FACTS.drop(columns="genes"), KeyError, "no column 'genes'.*pp.cluster_facts"),
        (FACTS.head(0), ValueError, "no row"),
        (FACTS.assign(cell_type="", genes=""), ValueError, r"row 0 of the facts \(pbmc \| 0\) has neither"),
        (FACTS.assign(study=["a", None]), ValueError, "1 rows of the facts have no study, the first of cluster '1'"),
        (FACTS.assign(cluster="0"), ValueError, r"two rows of the facts are about 'pbmc \| 0'"),
        (FACTS.assign(tissue=[1, 2]), TypeError, "tissue of row 0 of the facts is int"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_before_the_teacher_is_loaded(facts, error, said):
    with pytest.raises(error, match=said):
        build_captions(facts, "no/such-teacher")


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"n_captions": 0}, ValueError, "n_captions=0"),
        ({"n_captions": 1.5}, TypeError, "n_captions=1.5"),
        ({"n_retries": -1}, ValueError, "n_retries=-1"),
        ({"max_alike": 2}, ValueError, "max_alike=2"),
        ({"temperature": -1.0}, ValueError, "temperature"),
        ({"split_by": "donor"}, ValueError, "split_by= names 'donor'"),
        ({"split_by": []}, ValueError, "split_by= names no column"),
        ({"val": 0.6, "test": 0.6}, ValueError, "val=0.6"),
        ({"cache": "no/folder/a.sqlite"}, FileNotFoundError, "no folder"),
    ],
)
def test_arguments_are_refused_before_the_teacher_is_loaded(more, error, said):
    with pytest.raises(error, match=said):
        build_captions(FACTS, "no/such-teacher", **more)


def test_something_that_is_no_teacher_is_refused():
    with pytest.raises(TypeError, match="there is no teacher"):
        build_captions(FACTS, None)
    with pytest.raises(TypeError, match="cannot talk"):
        build_captions(FACTS, CallableModel(embed=lambda texts: np.ones((len(texts), 2))))


@pytest.mark.slow
def test_a_small_instruct_model_is_a_teacher_whose_captions_are_checked(instruct, tmp_path):
    small = models.load(instruct, device="cpu", dtype="float32")
    options = {"n_captions": 3, "max_new_tokens": 48, "n_retries": 1, "cache": tmp_path / "replies.sqlite"}
    built = build_captions(FACTS, small, **options)
    assert len(built.replies) == len(built.kept) + len(built.dropped) >= 6
    assert len(built.kept) >= 1
    judge = CaptionJudge([], [], 1.0)
    for row in built.kept.itertuples():
        cluster = Cluster("", row.cluster, {"cell_type": row.cell_type, "genes": row.genes}, str(FACTS["text"].iloc[0]))
        assert judge(row.caption, cluster, []).reason in ("", "organism not in the facts")
    again = build_captions(FACTS, small, **options)
    pd.testing.assert_frame_equal(again.replies, built.replies)
