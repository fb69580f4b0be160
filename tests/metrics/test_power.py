"""The smallest effect that would be found is the one that is found so often."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from scc2s.metrics import smallest_effect


@pytest.mark.parametrize("n", [8, 40])
def test_as_many_screens_as_the_power_says_find_it(n: int) -> None:
    rng = np.random.default_rng(n)
    positive = np.arange(2 * n) < n
    found = []
    for _ in range(2000):
        effects = rng.normal(0, 0.5, 2 * n)
        least = smallest_effect(rng.normal(0, 0.5, (50, 2 * n)), positive=positive, neutral=~positive)
        up, flat = effects[:n] + least, effects[n:]
        error = np.sqrt(up.var(ddof=1) / n + flat.var(ddof=1) / n)
        found.append(up.mean() - flat.mean() > t.ppf(0.975, n - 1) * error)
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


def test_donors_count_and_not_their_cells() -> None:
    rng = np.random.default_rng(0)
    donors = np.repeat(["p", "q", "r", "s"], 25)
    effects = rng.normal(0, 0.1, (20, 100)) + np.repeat(rng.normal(0, 1, (20, 4)), 25, axis=1)
    every = np.ones(100, dtype=bool)
    assert smallest_effect(effects, positive=every, donors=donors) > 3 * smallest_effect(effects, positive=every)
    half = np.tile([True, False], 50)
    shared = smallest_effect(effects, positive=half, neutral=~half, donors=donors)  # a donor is its own control
    assert shared < 0.2 * smallest_effect(effects, positive=every, donors=donors)


def test_too_few_cells_have_none_and_bad_input_names_the_mend() -> None:
    assert np.isnan(smallest_effect([[1.0, 2.0]], positive=np.array([True, False])))
    with pytest.raises(ValueError, match="between 0 and 1"):
        smallest_effect([[1.0, 2.0]], positive=np.array([True, True]), power=80)
