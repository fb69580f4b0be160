from __future__ import annotations

import numpy as np


def batches(lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """Rows grouped so that a padded group has at most `budget` tokens, longest rows first.

    Rows of near equal length stand together, so little is padding; the longest come first, so that a budget the memory
    cannot hold shows at once. A row longer than the budget is a group of its own.

    Examples
    --------
    >>> [group.tolist() for group in batches(np.array([2, 9, 3, 2]), 6)]
    [[1], [2, 0], [3]]
    """
    order = np.argsort(-lengths, kind="stable")
    groups, start = [], 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        groups.append(order[start : start + size])
        start += size
    return groups
