"""Figures of a record that are about all cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.metrics import perplexity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def perplexities(read: Callable[[str], Iterable[np.ndarray]], key: str) -> dict[str, float]:
    """Perplexity over all genes of all cells, from the columns of the cells.

    Parameters
    ----------
    read
        Gives a column, some cells at a time.
    key
        Name of the result.
    """
    n_genes, sums = 0, {"": [], "_shuffled": []}  # type: ignore[var-annotated]
    columns = (key, f"{key}_shuffled", f"{key}_log_likelihood")
    for own, other, total in zip(*(read(name) for name in columns), strict=True):
        there = np.isfinite(total) & (total < 0)
        n = np.rint(-total[there] / np.log(own[there]))
        n_genes += int(n.sum())
        sums[""].append(math.fsum(total[there]))
        sums["_shuffled"].append(math.fsum(-n * np.log(other[there])))
    if not n_genes:
        return {}
    found: dict[str, Any] = {
        f"perplexity{name}": float(perplexity(math.fsum(parts), n_genes)) for name, parts in sums.items()
    }
    return found
