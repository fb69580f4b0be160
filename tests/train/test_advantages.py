from __future__ import annotations

import numpy as np
import pytest

from scc2s.train._advantages import advantages, spread


def test_golden_vector_of_one_group() -> None:
    assert advantages([1, 2, 3, 4], 4) == pytest.approx([-1.341641, -0.447214, 0.447214, 1.341641], abs=1e-6)


def test_a_group_without_spread_has_none_and_leaves_the_others_alone() -> None:
    found = advantages([0.1, 0.1, 0.1, 5.0, 6.0, 7.0], 3)
    assert found[:3].tolist() == [0, 0, 0]
    assert found[3:] == pytest.approx([-np.sqrt(1.5), 0, np.sqrt(1.5)])
    same = np.float32([0.1, 0.3, 1e-9]).astype(np.float64).mean()  # what rounding leaves is no spread
    assert advantages([same, same * (1 + 1e-9)], 2).tolist() == [0, 0]


def test_several_rewards_weigh_the_same_whatever_their_unit() -> None:
    rng = np.random.default_rng(0)
    r = rng.normal(size=(12, 2))
    found = advantages(r, 4)
    assert advantages(r * [1000, 1] + [5, -3], 4) == pytest.approx(found)
    assert found == pytest.approx(advantages(r[:, 0], 4) + advantages(r[:, 1], 4))
    assert advantages(r, 4, weights=[1, 0]) == pytest.approx(advantages(r[:, 0], 4))
    assert advantages(r, 4, weights=[2, -1]) == pytest.approx(2 * advantages(r[:, 0], 4) - advantages(r[:, 1], 4))


def test_scales() -> None:
    r = [0.0, 2.0, 0.0, 20.0]
    assert advantages(r, 2, scale="none").tolist() == [-1, 1, -10, 10]
    assert advantages(r, 2, scale="group").tolist() == [-1, 1, -1, 1]
    assert advantages(r, 2, scale="batch") == pytest.approx(np.array([-1, 1, -10, 10]) / np.sqrt(50.5))


def test_spread_of_groups() -> None:
    assert spread([[1, 0], [3, 0], [2, 1], [2, 2]], 2).tolist() == [[1, 0], [0, 0.5]]
