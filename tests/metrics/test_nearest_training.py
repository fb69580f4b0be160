"""A generator that repeats training cells is told from one that writes cells as new as real ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from scc2s.metrics import nearest_training


def draws(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 5))


def test_copies_are_at_one_new_cells_at_half_and_others_at_zero() -> None:
    train, held_out = draws(200, 0), draws(100, 1)
    assert nearest_training(train[:50], train, held_out) == 1
    assert nearest_training(train[:50] + 0.01, train, held_out) > 0.95
    assert nearest_training(draws(100, 2), train, held_out) == pytest.approx(0.5, abs=0.1)
    assert nearest_training(draws(100, 2) + 30, train, held_out) == 0
    assert nearest_training(held_out, train, held_out) == 0.5


def test_half_copies_are_between() -> None:
    train, held_out = draws(200, 0), draws(100, 1)
    mixed = np.concatenate([train[:50], draws(50, 2)])
    assert 0.65 < nearest_training(mixed, train, held_out) < 0.85


def test_it_is_the_share_of_pairs() -> None:
    made, train, held_out = draws(7, 0), draws(9, 1), draws(8, 2)
    own, fresh = cdist(made, train).min(axis=1), cdist(held_out, train).min(axis=1)
    assert nearest_training(made, train, held_out) == pytest.approx(np.mean(own[:, None] < fresh))


def test_a_side_without_cells_has_no_value_and_other_columns_are_refused() -> None:
    assert np.isnan(nearest_training(draws(3, 0), np.empty((0, 5)), draws(3, 1)))
    with pytest.raises(ValueError, match="train 4"):
        nearest_training(draws(3, 0), draws(3, 1)[:, :4], draws(3, 2))
