"""How many samples of each task, and of which cells: whole numbers that follow weights to the unit."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


def shares(total: int, weights: Mapping[str, float]) -> dict[str, int]:
    """A total cut in proportion to weights by largest remainders; of equal ones the first.

    Examples
    --------
    >>> shares(10, {"a": 1, "b": 1, "c": 1})
    {'a': 4, 'b': 3, 'c': 3}
    """
    exact = {name: Fraction(weight) for name, weight in weights.items()}
    whole = sum(exact.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    quota = {name: total * weight / whole for name, weight in exact.items()}
    found = {name: int(value) for name, value in quota.items()}
    rest = sorted(quota, key=lambda name: found[name] - quota[name])
    for name in rest[: total - sum(found.values())]:
        found[name] += 1
    return found


def copies(n: int, of: int, start: int, stop: int, epoch: int) -> np.ndarray:
    """How often each of the candidates `start` to `stop` is drawn, where `n` samples are drawn from `of` candidates.

    Over all candidates the numbers add up to `n` and differ by one at most. Where `n` is smaller than `of`, each epoch
    goes on where the last one ended, so that all candidates have their turn.

    Examples
    --------
    >>> [copies(2, 6, 0, 6, epoch).tolist() for epoch in range(3)]
    [[0, 0, 1, 0, 0, 1], [0, 1, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0]]
    """
    place = np.arange(start, stop + 1, dtype=np.int64) * n + (epoch * n) % max(1, of)
    return np.diff(place // max(1, of))
