from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import two
from ._distances import square_blocks


def energy_distance(x: Any, y: Any, *, root: bool = False) -> float:
    """Energy distance between two samples: ``2 E|x - y| - E|x - x'| - E|y - y'|`` (Székely & Rizzo 2013).

    Expectations are means over all pairs, pairs of a cell with itself included (V-statistic), so it is never negative,
    and 0 only for the same points. Euclidean distances.

    Parameters
    ----------
    x, y
        Cells x features, of one representation.
    root
        The square root instead: a metric.

    Returns
    -------
    0 or more, in units of the features (its root: in their root); NaN where one side has no cells.

    Notes
    -----
    The same as ``edistance`` of pertpy 1. scPerturb's E-distance takes squared distances: another number.

    Examples
    --------
    >>> energy_distance([[0.0], [1.0]], [[1.0], [2.0]])
    1.0
    >>> energy_distance([[0.0], [1.0]], [[0.0], [1.0]])
    0.0
    """
    a, b = two(x, y)
    if not len(a) or not len(b):
        return float("nan")
    across = _mean_distance(a, b)
    value = 2 * across - _mean_distance(a, None) - _mean_distance(b, None)
    value = 0.0 if value < 1e-12 * across else float(value)  # less is rounding
    return float(np.sqrt(value)) if root else value


def _mean_distance(a: np.ndarray, b: np.ndarray | None) -> float:
    """Mean Euclidean distance over all pairs."""
    total = sum(times * float(np.sqrt(squares, out=squares).sum()) for squares, times in square_blocks(a, b))
    return total / (len(a) * len(a if b is None else b))
