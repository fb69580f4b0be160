from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def auroc(score: Sequence[float] | np.ndarray, is_positive: Sequence[bool] | np.ndarray) -> float:
    """Probability that a positive scores higher than a negative, ties counting half: 0.5 is chance.

    The area under the curve of true against false positive rate is this probability (Hanley and McNeil 1982,
    Radiology 143:29), and so the statistic of Mann and Whitney divided by the number of pairs. For cells of a type that
    a model does not know, `score` is what should be high for these, such as the entropy of the answer.

    Parameters
    ----------
    score
        One number a cell.
    is_positive
        Which cells are positive.

    Returns
    -------
    0 to 1; NaN where all cells are positive, or none is.

    Raises
    ------
    ValueError
        Other lengths, or scores that are missing.

    Examples
    --------
    >>> auroc([0.1, 0.4, 0.4, 0.8], [False, False, True, True])
    0.875
    """
    from scipy.stats import rankdata

    values, positive = np.asarray(score, dtype=np.float64), np.asarray(is_positive)
    if positive.dtype != bool or values.shape != positive.shape or values.ndim != 1:
        msg = (
            f"score has shape {values.shape}, is_positive {positive.shape} and {positive.dtype}; pass a number and a "
            "boolean for each cell"
        )
        raise ValueError(msg)
    if np.isnan(values).any():
        msg = "scores are missing; leave these cells out: score[~np.isnan(score)]"
        raise ValueError(msg)
    n, n_positive = len(values), int(positive.sum())
    if n_positive in (0, n):
        return float("nan")
    above = rankdata(values)[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * (n - n_positive)))
