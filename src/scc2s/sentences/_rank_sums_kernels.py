from __future__ import annotations

import numpy as np

from ._compiled import compiled
from ._kernels import mix


@compiled
def add_rows(
    data: np.ndarray,
    indptr: np.ndarray,
    seed: np.uint64,
    n: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    n_expressed: np.ndarray,
    draw: np.ndarray,
) -> None:
    """Add the values of each row, which stand in rising order, to sums by rank; draw[i]: a hash of them."""
    totals = np.empty(len(draw), np.float64)
    for i in range(len(draw)):
        total = 0.0
        rank = 0
        for p in range(indptr[i + 1] - 1, indptr[i] - 1, -1):
            v = np.float64(data[p])
            if not v > 0:
                break
            n[rank] += 1
            first[rank] += v
            second[rank] += v * v
            rank += 1
            total += v * rank
        totals[i] = total
        n_expressed[i] = rank
    bits = totals.view(np.uint64)
    for i in range(len(draw)):
        draw[i] = mix(bits[i] ^ seed)
