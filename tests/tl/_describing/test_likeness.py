"""Captions beside what the model says without a cell, and of other cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scc2s.tl._describing.likeness import flag_nulls, likeness, log_flagged


def table(texts: list[str], nulls: list[str], groups: str = "ab") -> pd.DataFrame:
    return pd.DataFrame({"group": list(groups), "text": texts, "null_text": nulls})


def test_likeness_is_dice_of_words_with_the_null_and_the_mean_over_other_groups():
    found = likeness(table(["a b", "b c", "b d"], ["a b", "x", "d d"], "aab"), controls=True)
    assert found["like_null"].tolist() == [1, 0, 0.5]
    assert found["like_others"].tolist() == [0.5, 0.5, 0.5]


def test_nothing_to_compare_is_missing():
    found = likeness(table(["a b", ""], ["a", "a"]), controls=True)
    assert found["like_null"].tolist()[0] == pytest.approx(2 / 3)
    assert found["like_others"].isna().all()
    assert np.isnan(found["like_null"].iloc[1])
    assert likeness(table(["a", "b"], ["", ""]), controls=False)["like_null"].isna().all()


def test_same_words_as_without_a_cell_are_flagged_and_the_reason_comes_first():
    found = flag_nulls(
        pd.DataFrame({"like_null": [1.0, 0.9, np.nan], "flagged": [False, True, False], "why": ["", "w", "not judged"]})
    )
    assert found["flagged"].tolist() == [True, True, False]
    assert found["why"].tolist() == ["the model says the same without a cell", "w", "not judged"]


def test_log_counts_flags_and_names_the_first_three(caplog):
    groups = pd.DataFrame(
        {
            "group": list("abcde"),
            "flagged": [True] * 4 + [False],
            "why": ["w; more", "x", "y", "z", ""],
            "type_supported": "no",
        }
    )
    log_flagged(groups)
    assert "4 of 5 captions are flagged: a (w); b (x); c (y); ..." in caplog.text
    caplog.clear()
    log_flagged(groups[4:])
    assert not caplog.text
