from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s.metrics import bulk_profile


def written_down(Y, target_sum):
    """The jackknife as it is defined: the profile again and again, each time without one cell."""
    Y = np.asarray(Y, dtype=float)
    left = [
        np.log1p(target_sum * rest.sum(0) / rest.sum()) for rest in (np.delete(Y, i, axis=0) for i in range(len(Y)))
    ]
    return (len(Y) - 1) / len(Y) * ((left - np.mean(left, axis=0)) ** 2).sum()


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_profile_and_noise_are_those_of_the_definition(make):
    Y = np.random.default_rng(0).poisson(0.7, (13, 9)).astype(float)
    Y[:, 4] = 0
    found = bulk_profile(make(Y))
    assert found.profile == pytest.approx(np.log1p(5e4 * Y.sum(0) / Y.sum()))
    assert found.variance == pytest.approx(written_down(Y, 5e4), rel=1e-9)


def test_the_noise_is_what_two_samples_of_the_same_cells_differ_by():
    rng = np.random.default_rng(1)
    rates = rng.gamma(1, 2, 40)
    pairs = [[bulk_profile(rng.poisson(rates, (50, 40))) for _ in range(2)] for _ in range(60)]
    apart = np.mean([((a.profile - b.profile) ** 2).sum() for a, b in pairs])
    assert apart == pytest.approx(np.mean([a.variance + b.variance for a, b in pairs]), rel=0.1)


def test_one_cell_and_empty_cells_have_a_profile():
    assert bulk_profile([[3, 1]]).variance == 0
    assert bulk_profile(np.zeros((3, 2))).profile.tolist() == [0, 0]
    Y = np.array([[4, 1], [1, 2], [0, 0]])
    assert bulk_profile(Y).variance == pytest.approx(written_down(Y, 5e4))
    assert np.isfinite(bulk_profile([[4, 1], [0, 0]]).variance)


@pytest.mark.parametrize(
    ("X", "says"),
    [([[1, -1]], "negative"), ([[1, np.nan]], "not finite"), ([1, 2], "dimensions"), (np.empty((0, 3)), "no cells")],
)
def test_bad_input_names_the_mend(X, says):
    with pytest.raises(ValueError, match=says):
        bulk_profile(X)
