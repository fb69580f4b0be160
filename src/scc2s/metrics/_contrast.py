from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.stats import mannwhitneyu


class Contrast(NamedTuple):
    """Columns of one set of cells against another."""

    auroc: np.ndarray
    """How often a cell of the first has the higher value, ties counting half."""
    pvals: np.ndarray
    """Two-sided p values of Mann and Whitney's test (normal approximation with correction for ties)."""


def contrast(X: Any, inside: np.ndarray, others: np.ndarray) -> Contrast:
    """Compare two sets of cells, column by column.

    Parameters
    ----------
    X
        Cells x columns, dense or sparse.
    inside, others
        Rows of the two sets.

    Returns
    -------
    One value a column; NaN where a set has fewer than two cells.

    Examples
    --------
    >>> contrast(np.array([[3.0], [2.0], [1.0], [0.0]]), np.array([0, 1]), np.array([2, 3])).auroc.tolist()
    [1.0]
    """
    n = X.shape[1]
    if len(inside) < 2 or len(others) < 2 or not n:
        return Contrast(np.full(n, np.nan), np.full(n, np.nan))
    a, b = (X[rows].toarray() if sparse.issparse(X) else np.asarray(X)[rows] for rows in (inside, others))
    found = mannwhitneyu(a, b, method="asymptotic", axis=0)
    same = (a.min(axis=0) == a.max(axis=0)) & (b.min(axis=0) == b.max(axis=0)) & (a[0] == b[0])
    return Contrast(np.asarray(found.statistic) / (len(a) * len(b)), np.where(same, 1.0, np.asarray(found.pvalue)))
