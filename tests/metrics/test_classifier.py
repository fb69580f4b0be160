"""Two samples are told apart as far as a linear classifier can, on cells that it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s.metrics import classifier_auroc
from scc2s.metrics._classifier import _area, _fitted


def samples(n: int, n_features: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_features)) + shift, rng.normal(size=(n, n_features))


def test_equal_samples_are_at_chance_and_others_are_told() -> None:
    areas = [classifier_auroc(*samples(50, 30, 0.0, seed), random_state=seed) for seed in range(20)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.04)
    assert np.std(areas) == pytest.approx(0.06, abs=0.03)
    assert classifier_auroc(*samples(50, 30, 3.0)) == 1.0
    assert 0.6 < classifier_auroc(*samples(50, 30, 0.2)) < 0.99


def test_weights_and_area_are_those_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    x, y = samples(40, 6, 0.5)
    X, labels = np.concatenate([x, y]), np.repeat([1.0, -1.0], 40)
    expected = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X, labels)
    assert _fitted(X, labels) == pytest.approx(expected.coef_[0], abs=1e-3)
    scores = np.round(X @ expected.coef_[0], 1)  # with ties
    assert _area(scores, labels > 0) == pytest.approx(roc_auc_score(labels, scores))


def test_more_features_than_cells_sparse_or_dense_are_the_same() -> None:
    x, y = (side.clip(0) for side in samples(20, 200, 0.3))
    dense = classifier_auroc(x, y)
    assert classifier_auroc(sparse.csr_matrix(x), sparse.csr_matrix(y)) == pytest.approx(dense, abs=0.02)
    padded = [np.hstack([side, np.zeros((20, 300))]) for side in (x, y)]
    assert classifier_auroc(*padded) == pytest.approx(dense, abs=0.02)


def test_too_few_cells_have_no_area_and_equal_cells_are_not_told() -> None:
    assert np.isnan(classifier_auroc(np.ones((3, 2)), np.ones((9, 2))))
    assert classifier_auroc(np.ones((9, 4)), np.ones((9, 4))) == 0.5
    assert classifier_auroc(np.zeros((9, 40)), np.zeros((9, 40))) == 0.5


def test_many_cells_are_drawn_from() -> None:
    x, y = samples(300, 4, 1.0)
    assert classifier_auroc(x, y, most=50) == pytest.approx(classifier_auroc(x, y), abs=0.1)


@pytest.mark.parametrize("wrong", [{"n_folds": 1}, {"most": 2}])
def test_arguments_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="pass n_folds="):
        classifier_auroc(*samples(9, 2, 0), **wrong)


def test_other_columns_and_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="over the same genes"):
        classifier_auroc(np.ones((9, 2)), np.ones((9, 3)))
    with pytest.raises(ValueError, match="not finite"):
        classifier_auroc(sparse.csr_matrix([[np.inf]]), np.ones((9, 1)))
