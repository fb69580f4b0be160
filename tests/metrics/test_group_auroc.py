from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score

from scc2s.metrics._group_auroc import group_auroc


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_array])
def test_it_is_the_area_of_sklearn_for_each_group_and_column(form):
    rng = np.random.default_rng(0)
    X, groups = rng.poisson(0.7, (60, 4)).astype(float), rng.integers(-1, 3, 60)
    found = group_auroc(form(X), groups, 3)
    for group in range(3):
        for column in range(4):
            assert found[group, column] == pytest.approx(roc_auc_score(groups == group, X[:, column]))


def test_a_group_without_cells_or_without_others_has_none():
    X = np.array([[1.0], [2.0]])
    assert np.isnan(group_auroc(X, np.array([0, 0]), 2)).all()
    assert group_auroc(X, np.array([-1, 0]), 1).tolist() == [[1.0]]
