"""The spread of generated cells is seen beside that of real ones, whatever their mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import pdist

from scc2s.metrics import spread


def test_it_is_the_ratio_of_mean_squared_distances() -> None:
    rng = np.random.default_rng(0)
    made, real = rng.gamma(1, size=(30, 7)), 3 + 2 * rng.gamma(1, size=(40, 7))
    expected = np.mean(pdist(made) ** 2) / np.mean(pdist(real) ** 2)
    assert spread(made, real) == pytest.approx(expected)
    assert spread(sparse.csr_matrix(made), sparse.csr_matrix(real)) == pytest.approx(expected)


def test_one_cell_again_and_again_has_none() -> None:
    real = np.random.default_rng(0).random((9, 3))
    assert spread(np.ones((5, 3)), real) == 0
    assert spread(sparse.csr_matrix(np.full((5, 3), 0.1)), real) == pytest.approx(0, abs=1e-12)
    assert np.isnan(spread(real, np.ones((5, 3))))
    assert np.isnan(spread(real[:1], real))


def test_other_columns_and_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="over the same genes"):
        spread(np.ones((4, 2)), np.ones((4, 3)))
    with pytest.raises(ValueError, match="generated has values that are not finite"):
        spread(sparse.csr_matrix([[np.nan]]), np.ones((4, 1)))
