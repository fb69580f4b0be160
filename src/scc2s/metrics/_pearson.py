from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import profile


def pearson(pred: Any, true: Any) -> float:
    """Pearson correlation of two mean profiles over genes.

    High for almost any two cells, since genes differ more in level than conditions do: for a perturbation report
    :func:`delta_pearson` beside it.

    Parameters
    ----------
    pred, true
        Cells x genes (averaged over cells), or a profile; the same genes.

    Returns
    -------
    -1 to 1; NaN where one of them does not vary.

    Examples
    --------
    >>> pearson([1.0, 2.0, 3.0], [[2.0, 3.0, 7.0], [2.0, 5.0, 5.0]])
    1.0
    """
    return correlation(profile(pred), profile(true))


def delta_pearson(pred: Any, true: Any, control: Any, *, pred_control: Any = None) -> float:
    """Pearson correlation of the predicted and the true effect: mean(cells) - mean(control), over genes.

    Parameters
    ----------
    pred, true, control
        Cells x genes (averaged over cells), or profiles; the same genes.
    pred_control
        The control that the prediction started from, where it is another than that of the real cells.

    Returns
    -------
    -1 to 1; NaN where an effect is the same for all genes, so for the control taken as prediction.

    Examples
    --------
    >>> control, true = np.array([1.0, 1.0, 1.0]), np.array([3.0, 1.0, 0.0])
    >>> delta_pearson([2.0, 1.0, 0.5], true, control)
    1.0
    """
    base = profile(control)
    own = base if pred_control is None else profile(pred_control)
    return correlation(profile(pred) - own, profile(true) - base)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation of two vectors; NaN where one does not vary.

    Raises
    ------
    ValueError
        They have other lengths.
    """
    if a.shape != b.shape:
        msg = f"the profiles have {len(a)} and {len(b)} genes; take the same genes from both: adata[:, genes]"
        raise ValueError(msg)
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    if not len(a) or scale <= 1e-12 * len(a):
        return float("nan")
    return float(np.clip(round((a @ b) / scale, 15), -1, 1))
