from __future__ import annotations

import numpy as np
from scipy.special import entr


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Shannon entropy of each row in nats: 0 where one label is certain, ``log(n)`` where n labels are level.

    Parameters
    ----------
    probabilities
        Rows that add up to 1.

    Returns
    -------
    One number a row.

    Examples
    --------
    >>> entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).round(3).tolist()
    [0.0, 0.693]
    """
    return np.asarray(entr(probabilities).sum(axis=1))


def mean_by_group(values: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Mean of the rows of each group; rows with NaN, and rows of group -1, do not count.

    Parameters
    ----------
    values
        Rows x columns.
    groups
        Number of the group of each row.
    n_groups
        How many groups there are.

    Returns
    -------
    Groups x columns; NaN for a group without rows.

    Examples
    --------
    >>> mean_by_group(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1]), 2).ravel().tolist()
    [2.0, 5.0]
    """
    counted = (groups >= 0) & ~np.isnan(values).any(axis=1)
    sums = np.zeros((n_groups, values.shape[1]))
    np.add.at(sums, groups[counted], values[counted])
    sizes = np.bincount(groups[counted], minlength=n_groups)[:, None]
    return np.divide(sums, sizes, out=np.full_like(sums, np.nan), where=sizes > 0)
