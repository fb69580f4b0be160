from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import synergy


def cells(shift, n=60, seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, (n, 4)) + np.asarray(shift)


def test_additive_effects_have_none_and_a_planted_excess_is_found():
    a, b = np.array([1.0, 0, 0, 0]), np.array([0.0, 1, 0, 0])
    excess = np.array([0, 0, 0.5, -0.5])
    table = synergy(cells(a + b + excess, seed=1), cells(a, seed=2), cells(b, seed=3), cells(0, seed=4), n_boot=300)
    assert np.allclose(table["synergy"], excess, atol=0.25)
    holds = (table["low"] <= 0) & (table["high"] >= 0)
    assert holds.tolist()[2:] == [False, False]
    exact = synergy(a[None] + b, a[None], b[None], np.zeros((1, 4)))
    assert (exact["synergy"] == 0).all()
    assert exact["low"].isna().all()  # one cell has no interval


def test_programs_are_means_of_their_genes():
    pair, zero = np.array([[1.0, 3.0, 8.0, 0.0]]), np.zeros((1, 4))
    table = synergy(pair, zero, zero, zero, programs={"x": [0, 1], "y": [2]}, n_boot=0)
    assert table["synergy"].to_dict() == {"x": 2.0, "y": 8.0}


def test_bad_input_names_the_mend():
    zero = np.zeros((2, 4))
    with pytest.raises(ValueError, match="same genes"):
        synergy(zero, zero, zero, zero[:, :2])
    with pytest.raises(ValueError, match="has no genes"):
        synergy(zero, zero, zero, zero, programs={"x": []})
