from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from scc2s.metrics import kendall_tau, rank_values
from scc2s.sentences import parse

levels = st.lists(st.integers(0, 4), min_size=2, max_size=12)


def test_the_vectors_of_the_definition():
    assert kendall_tau([5, 4, 3, 2, 1], [5, 3, 4, 1, 1]) == pytest.approx(0.737865, abs=1e-6)
    generated, true = parse(["x b a y d", "a b c"], list("abcdexy")).ranks, None
    del true
    # Program a to e; generated places a3 b2 d5, truth a1 b2 c3; absent genes share the last place.
    values = rank_values(generated, 7)[:, :5]
    assert values[0].tolist()[:2] == [-3, -2]
    assert kendall_tau(values[0], values[1]) == pytest.approx(4 / 9)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_it_is_scipys_tau_b_ties_included(data):
    a = data.draw(levels)
    b = data.draw(st.lists(st.integers(0, 4), min_size=len(a), max_size=len(a)))
    expected = kendalltau(a, b).statistic
    assert kendall_tau(a, b) == pytest.approx(0 if np.isnan(expected) else expected)
    assert kendall_tau(a, b) == pytest.approx(kendall_tau(b, a))


def test_absent_genes_stand_behind_all_others_or_are_left_out():
    a, b = [3.0, np.nan, 2.0, np.nan], [3.0, 1.0, 2.0, 0.0]
    assert kendall_tau(a, b) == pytest.approx(kendalltau([3, 0, 2, 0], b).statistic)
    assert kendall_tau(a, b, missing="drop") == 1
    assert kendall_tau([np.nan] * 3, [1, 2, 3]) == 0


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="one value for each gene"):
        kendall_tau([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="'worst' or 'drop'"):
        kendall_tau([1, 2], [1, 2], missing="zero")
