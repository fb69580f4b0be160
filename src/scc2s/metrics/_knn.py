from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import two

if TYPE_CHECKING:
    from collections.abc import Sequence


def knn_condition_accuracy(
    real: Any, real_labels: Sequence[Any], generated: Any, generated_labels: Sequence[Any], *, k: int = 15
) -> float:
    """Share of generated cells whose `k` nearest real cells vote for the condition that was asked for.

    As in Levine et al. (ICML 2024), where generated cells are classified by their nearest real ones. Real cells taken
    as generated ones (a held-out half) give the ceiling, shuffled labels the floor.

    Parameters
    ----------
    real, generated
        Cells x features, of one representation.
    real_labels, generated_labels
        Condition of each cell.
    k
        Neighbours, at most the real cells there are. Ties go to the condition with the nearest cell among them.

    Returns
    -------
    0 to 1; NaN without generated cells.

    Examples
    --------
    >>> real = [[0.0], [0.1], [5.0], [5.1]]
    >>> knn_condition_accuracy(real, ["a", "a", "b", "b"], [[0.2], [4.0]], ["a", "a"], k=2)
    0.5
    """
    from sklearn.neighbors import NearestNeighbors

    a, b = two(real, generated, ("real", "generated"))
    known, asked = np.asarray(real_labels, dtype=object), np.asarray(generated_labels, dtype=object)
    if len(known) != len(a) or len(asked) != len(b):
        msg = f"{len(known)} labels for {len(a)} real cells, {len(asked)} for {len(b)} generated; pass one for each"
        raise ValueError(msg)
    if k < 1 or not len(a):
        msg = f"k={k} neighbours among {len(a)} real cells; pass k= from 1, and real cells"
        raise ValueError(msg)
    if not len(b):
        return float("nan")
    near = NearestNeighbors(n_neighbors=min(k, len(a))).fit(a).kneighbors(b, return_distance=False)
    return float(np.mean([vote(known[row]) == label for row, label in zip(near, asked, strict=True)]))


def vote(labels: np.ndarray) -> Any:
    """The most frequent; of several, the one that comes first."""
    counts: dict[Any, int] = {}
    for label in labels.tolist():
        counts[label] = counts.get(label, 0) + 1
    return max(counts, key=lambda label: counts[label])
