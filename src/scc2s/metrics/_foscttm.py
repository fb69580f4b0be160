from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import matrix


def foscttm(distances: Any) -> float:
    """Fraction of samples closer than the true match, mean of both directions.

    For distances with the true matches on the diagonal: ``x_i = mean_j [D_ij < D_ii]``, ``y_j = mean_i [D_ij < D_jj]``
    (Singh et al. 2020; C2S-Scale, bioRxiv 10.1101/2025.04.14.648850, bulk matching). Strictly closer, so copies of a
    match do not count against it.

    Parameters
    ----------
    distances
        Square: sample i of one side against sample j of the other.

    Returns
    -------
    0 perfect, 0.5 chance.

    Examples
    --------
    >>> round(foscttm([[0.1, 0.4, 0.2], [0.3, 0.2, 0.1], [0.5, 0.6, 0.0]]), 6)  # 1 / 18
    0.055556
    """
    D = matrix(distances, "distances")
    if D.shape[0] != D.shape[1] or not len(D):
        msg = f"distances are {D.shape[0]} x {D.shape[1]}; pass a square matrix with the true matches on its diagonal"
        raise ValueError(msg)
    own = np.diag(D)
    return float(((own[:, None] > D).mean() + (own[None, :] > D).mean()) / 2)
