from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._arrays import two
from ._distances import square_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

GAMMAS = (2.0, 1.0, 0.5, 0.1, 0.01, 0.005)


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

    Raises
    ------
    ValueError
        Other widths of `x` and `y`, values that are not finite, or arguments that exclude each other.

    Notes
    -----
    Widths are in units of the features. Where cells are further apart than ``1 / sqrt(gamma)``, as they are in 50
    principal components, a kernel sees nothing but pairs of a cell with itself, and the biased value is ``1/n + 1/m``:
    take ``gammas="median"`` there, as :func:`scc2s.tl.evaluate` does, or ``unbiased=True``.

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
    widths = checked_widths(gammas)
    if widths is None:
        widths = median_width(a, b)
    if widths is None:
        msg = "more than half of the cells are equal, so there is no median distance; pass gammas= numbers"
        raise ValueError(msg)
    value = (
        _within(a, widths, unbiased) + _within(b, widths, unbiased) - 2 * _kernel_sum(a, b, widths) / (len(a) * len(b))
    )
    if unbiased:
        return float(value)
    value = max(0.0, float(value))
    return float(np.sqrt(value)) if root else value


def _within(a: np.ndarray, gammas: np.ndarray, unbiased: bool) -> float:
    """Mean kernel value over the pairs of one sample; unbiased: of different cells."""
    n = len(a)
    total = _kernel_sum(a, None, gammas)
    return (total - n) / (n * (n - 1)) if unbiased else total / n**2


def _kernel_sum(a: np.ndarray, b: np.ndarray | None, gammas: np.ndarray) -> float:
    total = 0.0
    for squares, times in square_blocks(a, b):
        kernel = np.empty_like(squares)
        for gamma in gammas:
            np.multiply(squares, -gamma, out=kernel)
            total += times * float(np.exp(kernel, out=kernel).sum())
    return total / len(gammas)


def checked_widths(gammas: Any) -> np.ndarray | None:
    """Widths as an array; ``None`` for ``"median"``.

    Raises
    ------
    ValueError
        Anything else.
    """
    if isinstance(gammas, str):
        if gammas == "median":
            return None
        msg = f'gammas={gammas!r} is not known; pass numbers, or gammas="median"'
        raise ValueError(msg)
    try:
        widths = np.asarray(gammas, dtype=np.float64)
    except (TypeError, ValueError):
        widths = np.empty(0)
    if widths.ndim != 1 or not len(widths) or not ((widths > 0) & np.isfinite(widths)).all():
        msg = f"gammas={gammas!r} are not widths; pass a list of positive numbers, or gammas='median'"
        raise ValueError(msg)
    return widths


def median_width(*samples: np.ndarray) -> np.ndarray | None:
    """One over the median squared distance, of at most 1,000 evenly spaced cells of each; ``None`` if it is 0."""
    from scipy.spatial.distance import pdist

    some = np.concatenate([part[np.linspace(0, len(part) - 1, min(len(part), 1000)).astype(int)] for part in samples])
    median = float(np.median(pdist(some, metric="sqeuclidean")))
    return np.array([1 / median]) if median > 0 else None
