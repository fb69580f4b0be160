from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scc2s.sentences import join

NAMES = ["A", "HLA-DRA", "g" * 40, "β2m", "AC004556.1", "{x}", "MT-ND1"]


@given(hnp.arrays(np.int32, st.tuples(st.integers(0, 9), st.integers(0, 12)), elements=st.integers(-1, len(NAMES) - 1)))
@settings(deadline=None, max_examples=60)
def test_words_of_each_row_in_order(ranks):
    text = join(ranks, NAMES)
    assert text.dtype == object
    assert text.tolist() == [" ".join(NAMES[g] for g in row if g >= 0) for row in ranks]


def test_threads_do_not_matter_and_results_are_plain_strings():
    ranks = np.random.default_rng(0).integers(-1, len(NAMES), (9000, 7)).astype(np.int32)
    text = join(ranks, NAMES, n_jobs=1)
    assert (join(ranks, NAMES, n_jobs=3) == text).all()
    assert {type(t) for t in text} == {str}


def test_another_separator():
    assert join(np.array([[1, 0, -1]]), ["A", "B"], sep=", ").tolist() == ["B, A"]


def test_no_genes_at_all():
    assert join(np.full((2, 3), -1), []).tolist() == ["", ""]


def test_ranks_beyond_the_names_are_refused():
    with pytest.raises(ValueError, match="ranks name gene 2 of 2; pass the names that they index"):
        join(np.array([[0, 2]]), ["A", "B"])


def test_words_at_the_width_that_is_copied_at_once():
    names = ["x" * n for n in range(1, 40)]
    ranks = np.random.default_rng(0).permuted(np.tile(np.arange(39), (5, 1)), axis=1)
    assert join(ranks, names).tolist() == [" ".join(names[g] for g in row) for row in ranks]
