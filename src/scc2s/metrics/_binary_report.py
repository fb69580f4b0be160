from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._auroc import auroc
from ._bootstrap import bootstrap

if TYPE_CHECKING:
    from collections.abc import Sequence

YES, NO = "yes", "no"
_NAMES = ("accuracy", "balanced_accuracy", "auroc")


def binary_report(
    truth: Sequence[Any] | np.ndarray,
    probability: Sequence[float] | np.ndarray,
    *,
    blocks: Sequence[Any] | np.ndarray | None = None,
    threshold: float = 0.5,
    n_boot: int = 1000,
    random_state: int = 0,
) -> pd.DataFrame:
    """How well probabilities answer a question of yes or no, with intervals over blocks.

    Questions about one place of a tissue are not independent: the interval draws whole blocks with replacement
    (:func:`scc2s.metrics.bootstrap`). A probability at the threshold counts as half an answer, so that a constant one
    gets 0.5 in balanced accuracy and area, whatever the constant.

    Parameters
    ----------
    truth
        ``"yes"`` or ``"no"``, or booleans, one for each question.
    probability
        Of yes, one for each question.
    blocks
        Block (section, donor, ...) of each question; ``None``: each is its own.
    threshold
        Above it the answer is yes.
    n_boot
        Samples of the intervals.
    random_state
        Seed of the intervals.

    Returns
    -------
    Rows ``accuracy``, ``balanced_accuracy`` (mean of the shares of yes and of no that are told right), ``auroc``;
    columns ``value``, ``low``, ``high`` (95 %), ``chance`` (of the accuracy: the share of the larger class), ``n``,
    ``n_yes``, ``n_blocks``. NaN where a class is missing, and intervals of fewer than three blocks.

    Raises
    ------
    ValueError
        Other lengths, values that are neither yes nor no, or probabilities that are missing or out of range.

    Examples
    --------
    >>> binary_report(["yes", "yes", "no", "no"], [0.9, 0.4, 0.2, 0.1], n_boot=50)["value"].tolist()
    [0.75, 0.75, 1.0]
    >>> binary_report([True, False], [0.7, 0.7])["value"].tolist()
    [0.5, 0.5, 0.5]
    """
    positive = as_booleans(truth)
    values = np.asarray(probability, dtype=np.float64)
    if values.shape != positive.shape or not len(values):
        msg = (
            f"{positive.shape} answers and {values.shape} probabilities; pass one of each for a question, at least one"
        )
        raise ValueError(msg)
    if not ((values >= 0) & (values <= 1)).all():
        msg = (
            "probabilities are missing or not between 0 and 1; leave these questions out, e.g. where isnan(probability)"
        )
        raise ValueError(msg)

    def measures(rows: np.ndarray) -> np.ndarray:
        is_yes, said = rows[:, 0] > 0, rows[:, 1]
        right = np.where(is_yes, _above(said, threshold), 1 - _above(said, threshold))
        one = len(np.unique(is_yes)) < 2
        balanced = np.nan if one else (right[is_yes].mean() + right[~is_yes].mean()) / 2
        return np.array([right.mean(), balanced, auroc(said, is_yes)])

    rows = np.column_stack([positive, values])
    clusters = None if blocks is None else list(blocks)
    found = bootstrap(rows, clusters=clusters, statistic=measures, n_boot=n_boot, random_state=random_state)
    share = float(positive.mean())
    return pd.DataFrame(
        {
            "value": found.estimate,
            "low": np.broadcast_to(found.low, 3),
            "high": np.broadcast_to(found.high, 3),
            "chance": [max(share, 1 - share), 0.5, 0.5],
            "n": len(rows),
            "n_yes": int(positive.sum()),
            "n_blocks": len(rows) if clusters is None else len(set(clusters)),
        },
        index=list(_NAMES),
    )


def as_booleans(truth: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Answers as booleans; yes and no are read in any capitals."""
    values = np.asarray(truth)
    if values.dtype == bool:
        return values
    words = np.array([str(value).strip().casefold() for value in values.tolist()], dtype=object)
    if wrong := sorted(set(words.tolist()) - {YES, NO}):
        msg = f"{wrong[0]!r} is neither yes nor no; pass truth= of 'yes' and 'no', or booleans"
        raise ValueError(msg)
    return np.asarray(words == YES)


def _above(values: np.ndarray, threshold: float) -> np.ndarray:
    """1 above it, 0 below, half at it."""
    return np.asarray((np.sign(values - threshold) + 1) / 2)
