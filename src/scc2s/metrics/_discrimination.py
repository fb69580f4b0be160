from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import two

if TYPE_CHECKING:
    from collections.abc import Sequence


def discrimination(
    pred: Any,
    true: Any,
    *,
    groups: Sequence[Any] | None = None,
    metric: str = "euclidean",
    leave_out: Sequence[int] = (),
) -> np.ndarray:
    """Whether a predicted condition is nearest to its own truth: normalised inverse rank (NIR).

    ``1 - (rank - 1) / (C - 1)``, where rank is the place of the condition's own true mean among all C true means,
    nearest first (scc2s definition, after the perturbation discrimination scores of the field). A model that gives
    every condition the same answer gets about 0.5, however well that answer correlates.

    Parameters
    ----------
    pred, true
        Conditions x features: mean of each condition; row i of both is the same condition.
    groups
        Group of each condition, e.g. cell line: compare only within.
    metric
        A distance of :func:`scipy.spatial.distance.cdist`. With ``"cosine"`` on effects (mean minus control), this is
        the discrimination score of Virtual Cell Challenge 2026 (``pds_cosine`` of cell-eval2 0.20.0); an effect of zero
        has distance 1 to all, so that no change scores 0.5.
    leave_out
        Columns that are not compared: the genes that the conditions perturb, of all conditions. Each names its own
        condition, and the knockdowns of the others can be predicted without any knowledge.

    Returns
    -------
    One value a condition: 1 best, 0 worst, 0.5 chance; NaN for a condition that is alone in its group. Ties share the
    mean of their places.

    Examples
    --------
    >>> true = np.eye(3)
    >>> discrimination(true, true).tolist()
    [1.0, 1.0, 1.0]
    >>> discrimination(true[[1, 2, 0]], true).tolist()
    [0.25, 0.25, 0.25]
    """
    from scipy.spatial.distance import cdist

    a, b = two(pred, true, ("pred", "true"))
    if len(a) != len(b):
        msg = f"pred has {len(a)} conditions and true {len(b)}; pass the same conditions in the same order"
        raise ValueError(msg)
    labels = np.zeros(len(a)) if groups is None else np.asarray(groups, dtype=object)
    if len(labels) != len(a):
        msg = f"groups has {len(labels)} entries for {len(a)} conditions; pass one for each"
        raise ValueError(msg)
    if len(leave_out):
        a, b = (np.delete(side, np.asarray(leave_out, dtype=np.int64), axis=1) for side in (a, b))
    out = np.full(len(a), np.nan)
    for group in set(labels.tolist()):
        here = np.flatnonzero(labels == group)
        if len(here) < 2:
            continue
        D = _cosine(a[here], b[here]) if metric == "cosine" else cdist(a[here], b[here], metric=metric)
        own = np.diag(D)[:, None]
        rank = (own > D).sum(axis=1) + ((own == D).sum(axis=1) - 1) / 2  # places before its own, from 0
        out[here] = 1 - rank / (len(here) - 1)
    return out


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine distances; 1 where a side is zero."""
    lengths = [np.linalg.norm(side, axis=1, keepdims=True) for side in (a, b)]
    units = [np.divide(side, n, out=np.zeros_like(side), where=n > 0) for side, n in zip((a, b), lengths, strict=True)]
    return np.asarray(1 - units[0] @ units[1].T)
