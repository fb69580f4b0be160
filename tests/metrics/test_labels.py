from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scc2s.metrics import entropy, mean_by_group


def test_entropy_is_0_for_one_certain_label_and_log_n_for_n_level_ones() -> None:
    assert entropy(np.array([[0.0, 1.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])) == pytest.approx([0.0, np.log(3)])


def test_entropy_of_a_row_of_nan_is_nan() -> None:
    assert np.isnan(entropy(np.array([[np.nan, np.nan]]))).all()


@settings(deadline=None, max_examples=30)
@given(
    hnp.arrays(float, (12, 3), elements=st.floats(-5, 5)),
    hnp.arrays(np.int8, 12, elements=st.integers(-1, 3)),
)
def test_mean_by_group_is_the_mean_of_each_group(values: np.ndarray, groups: np.ndarray) -> None:
    means = mean_by_group(values, groups, 4)
    for g in range(4):
        rows = values[groups == g]
        assert np.allclose(means[g], rows.mean(axis=0)) if len(rows) else np.isnan(means[g]).all()


def test_rows_with_nan_do_not_count_in_a_mean() -> None:
    values = np.array([[1.0, 1.0], [np.nan, 9.0], [3.0, 3.0]])
    assert mean_by_group(values, np.array([0, 0, 0]), 1).tolist() == [[2.0, 2.0]]
