from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._arrays import two

if TYPE_CHECKING:
    from collections.abc import Sequence

GAMMAS = (2.0, 1.0, 0.5, 0.1, 0.01, 0.005)
_BLOCK = 2**24  # kernel values held at a time


def mmd(
    x: Any,
    y: Any,
    *,
    gammas: Sequence[float] | Literal["median"] = GAMMAS,
    unbiased: bool = False,
    root: bool = False,
) -> float:
    """Maximum mean discrepancy between two samples, with a mean over RBF kernels ``exp(-gamma |x - y|^2)``.

    ``mean K(x, x) + mean K(y, y) - 2 mean K(x, y)`` (Gretton et al. 2012, JMLR 13:723, equations 3 and 5). C2S-Scale
    does not say which kernel it takes; the six widths are those of CellOT (Bunne et al. 2023).

    Parameters
    ----------
    x, y
        Cells x features, of one representation.
    gammas
        Widths, or ``"median"``: one width, 1 over the median squared distance between different cells of both.
    unbiased
        Leave pairs of a cell with itself out (U-statistic): 0 on average for two samples of one distribution, and so
        at times negative. Needs two cells on each side.
    root
        The square root instead (not with `unbiased`).

    Returns
    -------
    Squared discrepancy, or its root; NaN where a side has too few cells.

    Notes
    -----
    Other packages take other kernels: the default of pertpy 1 is a linear one, whose values do not compare with these.

    Examples
    --------
    >>> round(mmd([[0.0], [1.0]], [[1.0], [2.0]], gammas=[1.0]), 6)
    0.490842
    >>> round(mmd([[0.0], [1.0]], [[1.0], [2.0]]), 6)
    0.269559
    """
    a, b = two(x, y)
    if unbiased and root:
        msg = "the unbiased estimate may be negative, so it has no root; pass root=False or unbiased=False"
        raise ValueError(msg)
    least = 2 if unbiased else 1
    if min(len(a), len(b)) < least:
        return float("nan")
    widths = _median_width(a, b) if isinstance(gammas, str) else np.asarray(gammas, dtype=np.float64)
    if isinstance(gammas, str) and gammas != "median":
        msg = f'gammas={gammas!r} is not known; pass numbers, or gammas="median"'
        raise ValueError(msg)
    if not len(widths) or (widths <= 0).any():
        msg = f"gammas={gammas} are no widths; pass positive numbers, or gammas='median'"
        raise ValueError(msg)
    value = _mean(a, a, widths, unbiased) + _mean(b, b, widths, unbiased) - 2 * _mean(a, b, widths, unbiased=False)
    if unbiased:
        return float(value)
    value = max(0.0, float(value))
    return float(np.sqrt(value)) if root else value


def _mean(a: np.ndarray, b: np.ndarray, gammas: np.ndarray, unbiased: bool) -> float:
    """Mean kernel value over all pairs; unbiased: over pairs of different cells of one sample."""
    step = max(1, _BLOCK // len(b))
    total = 0.0
    for start in range(0, len(a), step):
        squares = _squares(a[start : start + step], b)
        for gamma in gammas:
            total += float(np.exp(-gamma * squares).sum())
    total /= len(gammas)
    if unbiased:
        return (total - len(a)) / (len(a) * (len(a) - 1))
    return total / (len(a) * len(b))


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import cdist

    return cdist(a, b, metric="sqeuclidean")


def _median_width(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """One over the median squared distance, of at most 1,000 evenly spaced cells of each side."""
    some = np.concatenate([part[np.linspace(0, len(part) - 1, min(len(part), 1000)).astype(int)] for part in (a, b)])
    squares = _squares(some, some)[np.triu_indices(len(some), 1)]
    median = float(np.median(squares))
    if median == 0:
        msg = "more than half of the cells are equal, so there is no median distance; pass gammas= numbers"
        raise ValueError(msg)
    return np.array([1 / median])
