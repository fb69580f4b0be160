from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import matrix


def foscttm(distances: Any, own: Any = None) -> float:
    """Fraction of samples closer than the true match, mean of both directions.

    For distances with the true matches on the diagonal: ``x_i = mean_j [D_ij < D_ii]``, ``y_j = mean_i [D_ij < D_jj]``
    (Singh et al. 2020; C2S-Scale, bioRxiv 10.1101/2025.04.14.648850, bulk matching). Strictly closer, so copies of a
    match do not count against it.

    Parameters
    ----------
    distances
        Square: sample i of one side against sample j of the other. With `own`: each sample against each of the profiles
        that are matches, once.
    own
        Column of the true match of each row; several rows may have the same one. The result is that of the square where
        each row brings its own match, which is never built: many cells and few profiles cost little.

    Returns
    -------
    0 perfect; 0.5 by chance where there are many profiles, and less where there are few (``(n - 1) / 2n`` for n pairs,
    towards ``1/2 - 1/4k`` for many samples of k equally frequent profiles).

    Examples
    --------
    >>> round(foscttm([[0.1, 0.4, 0.2], [0.3, 0.2, 0.1], [0.5, 0.6, 0.0]]), 6)  # 1 / 18
    0.055556
    >>> round(foscttm([[0.1, 0.4], [0.2, 0.3], [0.5, 0.4]], own=[0, 0, 1]), 6)  # 2 / 18
    0.111111
    """
    D = matrix(distances, "distances")
    if own is not None:
        return _of_profiles(D, own)
    if D.shape[0] != D.shape[1] or not len(D):
        msg = f"distances are {D.shape[0]} x {D.shape[1]}; pass a square matrix with the true matches on its diagonal"
        raise ValueError(msg)
    own = np.diag(D)
    return float(((own[:, None] > D).mean() + (own[None, :] > D).mean()) / 2)


def _of_profiles(D: np.ndarray, own: Any) -> float:
    columns = np.asarray(own)
    if columns.shape != (len(D),) or columns.dtype.kind not in "iu" or not len(D):
        msg = f"own has shape {columns.shape} for {len(D)} rows of distances; pass the number of a column for each row"
        raise ValueError(msg)
    if columns.min() < 0 or columns.max() >= D.shape[1]:
        msg = f"own goes from {columns.min()} to {columns.max()}; pass own= columns of distances, 0 to {D.shape[1] - 1}"
        raise ValueError(msg)
    true = D[np.arange(len(D)), columns]
    n_rows = np.bincount(columns, minlength=D.shape[1])
    closer = float(sum(n * np.count_nonzero(D[:, j] < true) for j, n in enumerate(n_rows.tolist()) if n))
    for j in np.flatnonzero(n_rows).tolist():
        closer += float(np.searchsorted(np.sort(D[:, j]), true[columns == j], side="left").sum())
    return closer / (2 * len(D) ** 2)
