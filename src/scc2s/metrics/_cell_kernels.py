"""Loops over the cells of each gene: what tests of genes and the noise of a profile are made of."""

from __future__ import annotations

import math

import numpy as np

from scc2s.sentences._compiled import compiled


@compiled
def sort_columns(data: np.ndarray, indptr: np.ndarray) -> None:
    """Sort the values of each column, in place."""
    for g in range(len(indptr) - 1):
        data[indptr[g] : indptr[g + 1]] = np.sort(data[indptr[g] : indptr[g + 1]])


@compiled
def rank_sums(
    a: np.ndarray,
    a_indptr: np.ndarray,
    n_a: int,
    b: np.ndarray,
    b_indptr: np.ndarray,
    n_b: int,
    sums: np.ndarray,
    ties: np.ndarray,
) -> None:
    """Sum of the ranks of sample a among both samples, and the sum of ``t**3 - t`` over its ties, gene by gene.

    Values above 0 of each gene, in rising order; all other cells have 0.
    """
    for g in range(len(sums)):
        i, i_stop = a_indptr[g], a_indptr[g + 1]
        j, j_stop = b_indptr[g], b_indptr[g + 1]
        zeros_a = float(n_a - (i_stop - i))
        zeros = zeros_a + float(n_b - (j_stop - j))
        below = zeros
        total = zeros_a * (zeros + 1.0) / 2.0
        tied = zeros * zeros * zeros - zeros
        while i < i_stop or j < j_stop:
            value = a[i] if j >= j_stop or (i < i_stop and a[i] <= b[j]) else b[j]
            own = 0.0
            while i < i_stop and a[i] == value:
                own += 1.0
                i += 1
            t = own
            while j < j_stop and b[j] == value:
                t += 1.0
                j += 1
            total += own * (below + (t + 1.0) / 2.0)
            tied += t * t * t - t
            below += t
        sums[g] = total
        ties[g] = tied


@compiled
def jackknife(
    data: np.ndarray, cells: np.ndarray, indptr: np.ndarray, totals: np.ndarray, sums: np.ndarray, target_sum: float
) -> float:
    """Sum over genes and cells of squared differences of the profiles that lack one cell from their mean.

    Values, cells and beginnings of each gene (columns of a CSC matrix), total of each cell, sum of each gene.
    """
    n = len(totals)
    whole = totals.sum()
    own = np.zeros(n)
    spread = 0.0
    for g in range(len(sums)):
        if sums[g] <= 0.0:
            continue
        for p in range(indptr[g], indptr[g + 1]):
            own[cells[p]] = data[p]
        middle = math.log1p(target_sum * sums[g] / whole)
        first = second = 0.0
        for i in range(n):
            rest = whole - totals[i]
            left = max(sums[g] - own[i], 0.0)
            v = (math.log1p(target_sum * left / rest) if rest > 0.0 else 0.0) - middle
            first += v
            second += v * v
        spread += second - first * first / n
        for p in range(indptr[g], indptr[g + 1]):
            own[cells[p]] = 0.0
    return spread
