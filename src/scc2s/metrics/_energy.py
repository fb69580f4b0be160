from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import two

_BLOCK = 2**24  # distances held at a time


def energy_distance(x: Any, y: Any, *, root: bool = False) -> float:
    """Energy distance between two samples: ``2 E|x - y| - E|x - x'| - E|y - y'|`` (Székely & Rizzo 2013).

    Expectations are means over all pairs, pairs of a point with itself included (V-statistic), so it is never negative,
    and 0 only for the same points. Euclidean distances.

    Parameters
    ----------
    x, y
        Cells x features, of one representation.
    root
        The square root instead: a metric, in the units of the features.

    Returns
    -------
    0 or more; NaN where one side has no cells.

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
    value = max(0.0, 2 * mean_distance(a, b) - mean_distance(a, a) - mean_distance(b, b))
    value = round(value, 12)
    return float(np.sqrt(value)) if root else float(value)


def mean_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Mean Euclidean distance over all pairs, in blocks."""
    from scipy.spatial.distance import cdist

    step = max(1, _BLOCK // len(b))
    total = sum(float(cdist(a[i : i + step], b).sum()) for i in range(0, len(a), step))
    return total / (len(a) * len(b))
