from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.stats import rankdata


def group_auroc(X: Any, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """How often a cell of a group has a higher value than any other cell, ties counting half, for each column.

    The statistic of Mann and Whitney divided by the number of pairs, which is the area under the curve of true against
    false positive rate (Hanley and McNeil 1982, Radiology 143:29): 0.5 where the group is like the others, 1 where each
    of its cells is above each other cell.

    Parameters
    ----------
    X
        Cells x columns, dense or sparse.
    groups
        Number of the group of each cell; -1 for none, which is among the others of every group.
    n_groups
        How many groups there are.

    Returns
    -------
    float64, groups x columns; NaN for a group without cells, or without others.

    Examples
    --------
    >>> group_auroc(np.array([[3.0], [1.0], [1.0], [0.0]]), np.array([0, 0, 1, 1]), 2).ravel().tolist()
    [0.875, 0.125]
    """
    columns: Any = sparse.csc_matrix(X) if sparse.issparse(X) else np.asarray(X)
    inside = groups >= 0
    sizes = np.bincount(groups[inside], minlength=n_groups)
    pairs = (sizes * (len(groups) - sizes)).astype(np.float64)
    out = np.full((n_groups, columns.shape[1]), np.nan)
    for j in range(columns.shape[1]):
        values = columns[:, [j]].toarray().ravel() if sparse.issparse(columns) else columns[:, j]
        sums = np.bincount(groups[inside], rankdata(values)[inside], minlength=n_groups)
        np.divide(sums - sizes * (sizes + 1) / 2, pairs, out=out[:, j], where=pairs > 0)
    return out
