from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ._arrays import matrix


def spread(generated: Any, real: Any) -> float:
    """Total variance of generated cells over that of real ones.

    The total variance is half the mean squared distance between two cells. A model that writes the same cell again and
    again is near 0, one whose cells have little to do with each other above 1.

    Parameters
    ----------
    generated, real
        Cells x features, dense or sparse, of one representation.

    Returns
    -------
    0 or more, 1 where both spread alike; NaN where a side has fewer than two cells or real ones are all equal.

    Raises
    ------
    ValueError
        Other numbers of columns, or values that are not finite.

    Examples
    --------
    >>> spread([[0.0], [4.0]], [[1.0], [3.0]]), spread([[2.0], [2.0]], [[1.0], [3.0]])
    (4.0, 0.0)
    """
    made, true = _cells(generated, "generated"), _cells(real, "real")
    if made.shape[1] != true.shape[1]:
        msg = f"generated has {made.shape[1]} columns and real {true.shape[1]}; give both over the same genes"
        raise ValueError(msg)
    of_real = _total_variance(true)
    return float(_total_variance(made) / of_real) if of_real > 0 else float("nan")


def _cells(X: Any, name: str) -> Any:
    if not sparse.issparse(X):
        return matrix(X, name)
    if not np.isfinite(X.data).all():
        msg = f"{name} has values that are not finite; leave these cells out"
        raise ValueError(msg)
    return sparse.csr_matrix(X, dtype=np.float64)


def _total_variance(X: Any) -> float:
    n = X.shape[0]
    if n < 2:
        return float("nan")
    if not sparse.issparse(X):
        return float(X.var(axis=0, ddof=1).sum())
    total = np.asarray(X.sum(axis=0)).ravel()
    return float(max(0.0, (float((X.data**2).sum()) - float(total @ total) / n) / (n - 1)))
