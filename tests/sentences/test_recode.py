from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.sentences import join, parse
from scc2s.sentences._parse import codes_of
from scc2s.sentences._recode import Recoded

STORED = ["A", "b", "C.", "D", "x1", "Y", "y"]
NAMES = ["C", "B", "E", "A", "y", "X1"]


def stored_rows(*, repeats: bool):
    genes = st.lists(st.integers(0, len(STORED) - 1), max_size=8, unique=not repeats)
    return st.lists(genes.map(lambda row: row + [-1] * (8 - len(row))), max_size=6)


@given(st.booleans().flatmap(lambda r: stored_rows(repeats=r)), st.sampled_from(["mean", "c2s"]), st.booleans())
@settings(deadline=None, max_examples=150)
def test_gives_what_text_gives(rows, duplicates, keep):
    ranks = np.array(rows, dtype=np.int32).reshape(-1, 8)
    parsed = parse(join(ranks, STORED), NAMES, duplicates=duplicates, unknown="keep" if keep else "drop")
    recoded = Recoded(ranks, codes_of(STORED, NAMES), shrinking=duplicates == "c2s", keep_unknown=keep)
    for _ in range(2):  # the second time, rows that are fine as they stand are not looked at again
        found = np.vstack([recoded(i, min(i + 2, len(ranks))) for i in range(0, len(ranks), 2)] or [ranks])
        expected = np.full_like(found, -1)
        expected[:, : parsed.ranks.shape[1]] = parsed.ranks[:, :8]
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(recoded.n_words, parsed.n_words)
        np.testing.assert_array_equal(recoded.n_valid, parsed.n_valid)


def test_holes_in_stored_ranks_are_no_words():
    ranks = np.array([[-1, 0, -7, 3]])
    for _ in range(2):
        recoded = Recoded(ranks, np.array([2, -1, -1, 1], np.int32), shrinking=False, keep_unknown=True)
        assert recoded(0, 1).tolist() == [[2, 1, -1, -1]]
        assert recoded.n_words.tolist() == [2]


def test_codes_are_read_as_words_are():
    assert codes_of(["A", "b", "C.", "zz"], ["A", "B", "C"]).tolist() == [0, 1, 2, -1]
    assert codes_of(["A", "B"], ["A", "B"]).tolist() == [0, 1]
    assert codes_of([], ["A"]).tolist() == []
    assert codes_of(["A", ""], ["A"]) is None
    assert codes_of(["A B"], ["A"]) is None


@pytest.mark.parametrize("ranks", [np.array([[0, 5]]), np.array([0, 1]), np.array([[0.0, 1.0]])])
def test_ranks_that_do_not_fit_their_genes_are_refused(ranks):
    with pytest.raises(ValueError, match="do not fit the list of 2 genes beside them; call"):
        Recoded(ranks, np.array([0, 1], np.int32), shrinking=False, keep_unknown=True)
