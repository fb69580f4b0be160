from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import pearsonr

from scc2s.metrics import delta_pearson, pearson


def test_they_are_scipys_over_means_dense_or_sparse():
    rng = np.random.default_rng(0)
    pred, true, control = rng.poisson(1.0, (20, 30)), rng.poisson(2.0, (15, 30)), rng.poisson(1.5, (10, 30))
    expected = pearsonr(pred.mean(0), true.mean(0)).statistic
    assert pearson(pred, true) == pytest.approx(expected)
    assert pearson(sparse.csr_matrix(pred), true.mean(0)) == pytest.approx(expected)
    shift = pearsonr(pred.mean(0) - control.mean(0), true.mean(0) - control.mean(0)).statistic
    assert delta_pearson(pred, sparse.csr_matrix(true), control) == pytest.approx(shift)


def test_each_side_may_have_its_own_control():
    rng = np.random.default_rng(1)
    true, control, offset = rng.random(9), rng.random(9), rng.random(9)
    assert delta_pearson(true + offset, true, control, pred_control=control + offset) == pytest.approx(1)


def test_the_control_as_prediction_has_no_effect_to_correlate():
    rng = np.random.default_rng(2)
    control = rng.random((5, 9))
    assert np.isnan(delta_pearson(control, rng.random((5, 9)), control))
    assert pearson(control, control) == 1  # which is why the raw profile alone says nothing


def test_other_genes_are_refused():
    with pytest.raises(ValueError, match="same genes"):
        pearson([1.0, 2.0], [1.0, 2.0, 3.0])
