from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score
from sklearn.preprocessing import MultiLabelBinarizer

from scc2s.metrics import label_lists

LISTS = st.lists(st.sampled_from(["B", "T", "NK", "unmapped"]), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(LISTS, LISTS)
def test_scores_of_sets_are_those_of_sklearn(a: list[str], b: list[str]) -> None:
    row = label_lists([a], [b]).iloc[0]
    coded = MultiLabelBinarizer(classes=["B", "T", "NK", "unmapped"]).fit_transform([a, b])
    for name, score in {
        "precision": precision_score, "recall": recall_score, "f1": f1_score, "jaccard": jaccard_score
    }.items():  # fmt: skip
        assert row[name] == pytest.approx(score(coded[1:], coded[:1], average="samples", zero_division=0))


@settings(deadline=None, max_examples=40)
@given(LISTS, st.randoms())
def test_order_changes_only_the_score_of_the_order(a: list[str], random: object) -> None:
    mixed = list(a)
    random.shuffle(mixed)
    same, other = label_lists([a, mixed], [a, a]).to_numpy()
    assert same[2:].tolist() == [1.0] * 6
    assert other[:-1].tolist() == same[:-1].tolist()
    assert other[-1] == np.mean([x == y for x, y in zip(a, mixed, strict=True)])


def test_ragged_lists_are_scored_over_the_longer_one() -> None:
    short = label_lists([["B"]], [["B", "B", "T", "T"]]).iloc[0]
    assert short[["precision", "recall", "counted_f1", "in_order"]].tolist() == [1, 0.5, 0.4, 0.25]
    long = label_lists([["B", "T", "T"]], [["B"]]).iloc[0]
    assert long["in_order"] == pytest.approx(1 / 3)


def test_empty_lists_agree_and_one_empty_list_has_nothing() -> None:
    table = label_lists([[], [], ["B"]], [[], ["B"], []])
    assert table.iloc[0, 2:].tolist() == [1] * 6
    assert np.isnan(table.loc[1, "precision"])
    assert np.isnan(table.loc[2, "recall"])
    assert table.loc[1:, ["f1", "jaccard", "counted_f1", "in_order"]].to_numpy().sum() == 0


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="1 predicted"):
        label_lists([["B"]], [])
    with pytest.raises(TypeError, match="single text"):
        label_lists(["B"], [["B"]])
