from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from scc2s.metrics import _distances
from scc2s.metrics._distances import square_blocks


@pytest.mark.parametrize("block", [1, 50, 2**18])
def test_all_pairs_count_once_and_are_those_of_scipy(monkeypatch, block):
    monkeypatch.setattr(_distances, "_BLOCK", block)
    rng = np.random.default_rng(0)
    a, b = rng.normal(5, 1, (23, 4)), rng.normal(5, 1, (17, 4))
    across = np.concatenate([squares for squares, times in square_blocks(a, b) if times == 1])
    assert np.allclose(across, cdist(a, b, "sqeuclidean"))
    within = list(square_blocks(a))
    assert sum(times * squares.size for squares, times in within) == 23 * 23
    total = sum(times * squares.sum() for squares, times in within)
    assert total == pytest.approx(cdist(a, a, "sqeuclidean").sum())


def test_equal_cells_have_no_distance_however_far_from_zero():
    a = np.random.default_rng(1).normal(1e6, 1, (5, 3))
    squares = np.concatenate([part for part, _ in square_blocks(a, a)])
    assert (np.diag(squares) == 0).all()
    assert (squares >= 0).all()
