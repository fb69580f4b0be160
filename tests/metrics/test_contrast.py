from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from scc2s.metrics._contrast import contrast


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_it_is_the_area_under_the_curve_and_the_test_of_mann_and_whitney(form):
    rng = np.random.default_rng(0)
    X = rng.poisson(1.0, (60, 4)).astype(float)
    X[:20, 0] += 2
    found = contrast(form(X), np.arange(20), np.arange(20, 55))
    for j in range(4):
        assert found.auroc[j] == pytest.approx(roc_auc_score(np.arange(55) < 20, X[:55, j]))
        assert found.pvals[j] == pytest.approx(mannwhitneyu(X[:20, j], X[20:55, j], method="asymptotic").pvalue)


def test_equal_values_do_not_differ_and_too_few_cells_cannot_tell():
    X = np.ones((6, 1))
    found = contrast(X, np.arange(3), np.arange(3, 6))
    assert (found.auroc[0], found.pvals[0]) == (0.5, 1.0)
    assert np.isnan(contrast(X, np.arange(1), np.arange(3, 6)).auroc).all()
    assert contrast(np.ones((6, 0)), np.arange(3), np.arange(3, 6)).auroc.shape == (0,)
