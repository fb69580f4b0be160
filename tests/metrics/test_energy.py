from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import energy_distance as scipy_energy

import scc2s.metrics._distances as module
from scc2s.metrics import energy_distance


def test_in_one_dimension_it_is_that_of_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=30), rng.normal(1, size=20)
    # scipy's is the root of twice the integral of squared differences of the distribution functions: the same quantity
    assert energy_distance(a, b, root=True) == pytest.approx(scipy_energy(a, b))


def test_it_is_zero_for_the_same_points_symmetric_and_free_of_blocks(monkeypatch):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(30, 5)), rng.normal(0.4, size=(20, 5))
    expected = energy_distance(a, b)
    assert expected > 0
    assert energy_distance(a, a[::-1]) == 0
    assert energy_distance(b, a) == pytest.approx(expected)
    monkeypatch.setattr(module, "_BLOCK", 40)
    assert energy_distance(a, b) == pytest.approx(expected)
    assert np.isnan(energy_distance(a[:0], b))
