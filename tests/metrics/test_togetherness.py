from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import pearsonr

from scc2s.metrics import context_features, profile_correlation, same_type_share


def contexts(seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.choice(30, rng.integers(2, 7), replace=False) for _ in range(20)]


def test_the_share_is_that_of_pairs_of_one_type() -> None:
    types = np.random.default_rng(1).choice(["B", "T", "NK"], 30).tolist()
    found = same_type_share(contexts(), types)
    for rows, share in zip(contexts(), found, strict=True):
        assert share == pytest.approx(np.mean([types[i] == types[j] for i, j in combinations(rows, 2)]))


def test_cells_without_a_type_do_not_count() -> None:
    found = same_type_share([np.array([0, 1, 2]), np.array([0, 1]), np.array([2])], ["B", None, "B"])
    assert found[0] == 1
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_the_correlation_is_the_mean_of_pearson_over_pairs(form) -> None:
    X = np.random.default_rng(2).poisson(0.5, (30, 40)).astype(float) + np.eye(30, 40)
    found = profile_correlation(contexts(), form(X))
    for rows, value in zip(contexts(), found, strict=True):
        assert value == pytest.approx(np.mean([pearsonr(X[i], X[j])[0] for i, j in combinations(rows, 2)]))


def test_flat_profiles_do_not_count() -> None:
    X = np.array([[1.0, 2.0], [0.0, 0.0], [2.0, 1.0]])
    assert np.isnan(profile_correlation([np.array([0, 1])], X)).all()
    assert profile_correlation([np.array([0, 1, 2])], X) == pytest.approx(-1)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_features_are_means_and_products_of_pairs(form) -> None:
    X = np.random.default_rng(3).random((30, 5))
    found = context_features([*contexts(), np.array([3])], form(X))
    for rows, row in zip(contexts(), found, strict=False):
        assert row[:5] == pytest.approx(X[rows].mean(axis=0), rel=1e-5)
        pairs = [X[i] * X[j] for i, j in combinations(rows, 2)]
        assert row[5:] == pytest.approx(np.mean(pairs, axis=0), rel=1e-4)
    assert (found[-1, 5:] == 0).all()
