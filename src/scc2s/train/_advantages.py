"""How much better an answer is than the others of its group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Scale = Literal["group", "batch", "none"]
_SAME = 1e-6
"""Spread under which rewards of a group, relative to their size, are taken as equal (TRL hands them on as float32)."""


def advantages(
    rewards: Any, group_size: int, *, weights: Sequence[float] | None = None, scale: Scale = "group"
) -> np.ndarray:
    """Advantages of the answers of each group.

    One reward: ``(r - mean) / std`` over the group, with the standard deviation of the population (DeepSeekMath,
    arXiv:2402.03300); 0 for all answers of a group without spread. Several rewards: each is brought to mean 0 and
    standard deviation 1 in its group, then they are summed by their weights. So a reward with large numbers does not
    drown the others, and one without spread in a group says nothing there.

    Parameters
    ----------
    rewards
        Answers, or answers x rewards; the answers of a group stand together.
    group_size
        Answers to one prompt.
    weights
        Weight of each reward; ``None``: 1 each.
    scale
        What centred rewards are divided by: their standard deviation in the ``"group"``, in the whole ``"batch"``, or
        nothing (``"none"``; Dr. GRPO, arXiv:2503.20783).

    Returns
    -------
    One number an answer, float64.

    Examples
    --------
    >>> advantages([1.0, 2.0, 3.0, 4.0], 4).round(6).tolist()
    [-1.341641, -0.447214, 0.447214, 1.341641]
    """
    values = np.asarray(rewards, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    grouped = values.reshape(-1, group_size, values.shape[1])
    centred = grouped - grouped.mean(axis=1, keepdims=True)
    centred = np.where(_spread(grouped) > 0, centred, 0.0)
    if scale == "group":
        std = _spread(grouped)
    elif scale == "batch":
        std = np.broadcast_to(centred.std(axis=(0, 1), keepdims=True), (len(grouped), 1, values.shape[1]))
    else:
        std = np.ones((len(grouped), 1, values.shape[1]))
    shares = np.divide(centred, std, out=np.zeros_like(centred), where=std > 0)
    by = np.ones(values.shape[1]) if weights is None else np.asarray(weights, dtype=np.float64)
    total: np.ndarray = shares @ by
    return total.reshape(-1)


def spread(rewards: Any, group_size: int) -> np.ndarray:
    """Standard deviation of each reward in each group (groups x rewards), exactly 0 where all are the same."""
    values = np.asarray(rewards, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    return _spread(values.reshape(-1, group_size, values.shape[1]))[:, 0]


def _spread(grouped: np.ndarray) -> np.ndarray:
    std = grouped.std(axis=1, keepdims=True)
    size = np.abs(grouped).max(axis=1, keepdims=True)
    found: np.ndarray = np.where(std > _SAME * size, std, 0.0)
    return found
