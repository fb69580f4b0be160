from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from scc2s.tl._searching.near import mean_cosines


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_are_the_mean_cosines_of_scikit_learn_without_the_cell_itself(dtype: str) -> None:
    X = np.random.default_rng(0).normal(size=(40, 7)).astype(dtype)
    rows = np.array([3, 11, 30])
    alike = cosine_similarity(X.astype(float), X[rows].astype(float))
    expected = alike.mean(axis=1)
    expected[rows] = (alike[rows].sum(axis=1) - 1) / 2
    scores, n_lost = mean_cosines(X, rows)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert scores.dtype == np.float64
    assert n_lost == 0


def test_the_length_of_a_vector_makes_no_difference() -> None:
    X = np.random.default_rng(1).normal(size=(10, 3))
    longer = X * np.arange(1, 11)[:, None]
    np.testing.assert_allclose(mean_cosines(longer, np.array([0, 4]))[0], mean_cosines(X, np.array([0, 4]))[0])


def test_cells_without_a_direction_have_no_score_and_count_for_nothing_in_the_query() -> None:
    X = np.array([[1.0, 0.0], [0.0, 0.0], [np.nan, 1.0], [1.0, 1.0]])
    scores, n_lost = mean_cosines(X, np.array([0, 1]))
    np.testing.assert_allclose(scores, [1, np.nan, np.nan, np.sqrt(0.5)])
    assert n_lost == 2
    assert np.isnan(mean_cosines(X, np.array([1, 2]))[0]).all()
