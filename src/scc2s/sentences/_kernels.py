"""Compiled row kernels of the ranking. They hold no lock, so that threads (ours or dask's) run them side by side.

A cell has a few thousand values, most of them tied, and a few hundred are wanted. Mispredicted branches would cost
most, so the work is done in short loops that compilers turn into vector instructions, and in loops that store always
and advance by a comparison.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ._sort_kernels import BINS, kth_largest, sort_row

NEGATIVE, NOT_FINITE, REPEATED = 1, 2, 4

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


@njit(nogil=True, cache=True, inline="always")
def mix(x: np.uint64) -> np.uint64:
    """Finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit moves every output bit."""
    x = x + _GOLDEN
    x = (x ^ (x >> _S30)) * _M1
    x = (x ^ (x >> _S27)) * _M2
    return x ^ (x >> _S31)


@njit(nogil=True, cache=True)
def _order_row(
    value: np.ndarray,
    gene: np.ndarray,
    content: np.uint64,
    keys: np.ndarray,
    by_content: bool,
    tie_bits: int,
    best: tuple,
    spare: tuple,
    count: np.ndarray,
    out: np.ndarray,
    cut: float,
) -> float:
    """Write the first genes of a row to `out`, by falling value and rising tie key; all values are above 0.

    Takes a guess of the smallest value that is written, and gives that value, which is a good guess for the next row.
    """
    m, k = len(value), len(out)
    value1, tie1, gene1, pick = best
    if m > k:
        cut = kth_largest(value, k, cut)
        n_reached = 0
        for j in range(m):
            pick[n_reached] = j
            n_reached += value[j] >= cut
        _, tie2, gene2, _ = spare
        n, tied = 0, 0
        for i in range(n_reached):
            j = pick[i]
            v, g = value[j], gene[j]
            value1[n], gene1[n] = v, g
            n += v > cut
            gene2[tied] = g
            tied += v == cut
        # keys are turned round, so that the wanted ones are the largest
        for i in range(tied):
            key = keys[gene2[i]]
            tie2[i] = ~(mix(content ^ key) if by_content else key)
        last = kth_largest(tie2[:tied], k - n, tie2[0])
        for i in range(tied):
            if n < k:
                value1[n], gene1[n] = cut, gene2[i]
                n += tie2[i] >= last
    else:
        n = m
        for j in range(m):
            value1[j], gene1[j] = value[j], gene[j]
    for j in range(n):
        key = keys[gene1[j]]
        tie1[j] = mix(content ^ key) if by_content else key
    if n:
        sort_row(value1, tie1, gene1, n, tie_bits, spare, count)
    for j in range(n):
        out[j] = gene1[j]
    out[n:] = -1
    return cut


@njit(nogil=True, cache=True)
def _what_is_wrong(value: np.ndarray) -> int:
    flag = 0
    for v in value:
        if v < 0 and v != -np.inf:
            flag |= NEGATIVE
        elif not (v >= 0 and v < np.inf):
            flag |= NOT_FINITE
    return flag


@njit(nogil=True, cache=True)
def _repeats(gene: np.ndarray, seen: np.ndarray, row: int) -> bool:
    """Whether a gene comes twice; seen[g] is the last row with gene g."""
    for g in gene:
        if seen[g] == row:
            return True
        seen[g] = row
    return False


@njit(nogil=True, cache=True)
def _buffers(n: int, like: np.ndarray) -> tuple:
    """Room for a row: values, tie keys, genes, and positions or coarse values; each twice."""
    value = np.empty((2, n), like.dtype)
    tie = np.empty((2, n), np.uint64)
    gene = np.empty((2, n), np.int32)
    best = (value[0], tie[0], gene[0], np.empty(n, np.int32))
    spare = (value[1], tie[1], gene[1], np.empty(n, np.float32))
    return best, spare, np.empty(BINS + 2, np.int64)


@njit(nogil=True, cache=True)
def rank_csr(
    data: np.ndarray,
    indices: np.ndarray,
    indptr: np.ndarray,
    keys: np.ndarray,
    hashes: np.ndarray,
    allowed: np.ndarray,
    by_content: bool,
    tie_bits: int,
    out: np.ndarray,
    flags: np.ndarray,
) -> None:
    """Rank each row of a CSR matrix into `out`; flags[i] tells what was wrong with a row.

    `allowed` is empty where all genes are. Rows are read where they stand, and copied only to leave out zeros or genes.
    Their indices need no order; a row where one comes twice is flagged and not ranked.
    """
    longest = 1
    for i in range(len(flags)):
        longest = max(longest, indptr[i + 1] - indptr[i])
    best, spare, count = _buffers(longest, data)
    kept_value, kept_gene = np.empty(longest, data.dtype), np.empty(longest, indices.dtype)
    seen = np.full(len(hashes), -1, np.int32)
    cut = data.dtype.type(1)
    for i in range(len(flags)):
        value, gene = data[indptr[i] : indptr[i + 1]], indices[indptr[i] : indptr[i + 1]]
        n = len(value)
        n_positive, n_finite, n_rising = np.int32(0), np.int32(0), np.int32(0)
        for j in range(n):
            n_positive += np.int32(value[j] > 0)
        for j in range(n):
            n_finite += np.int32(value[j] < np.inf)
        for j in range(1, n):
            n_rising += np.int32(gene[j - 1] < gene[j])
        flags[i] = 0 if n_positive == n_finite == n else _what_is_wrong(value)
        if n_rising < n - 1 and _repeats(gene, seen, i):
            flags[i] |= REPEATED
        if flags[i]:
            continue
        if n_positive < n or len(allowed):
            m = 0
            for j in range(n):
                g = gene[j]
                kept_value[m], kept_gene[m] = value[j], g
                m += (value[j] > 0) & (len(allowed) == 0 or allowed[g])
            value, gene = kept_value[:m], kept_gene[:m]
        content = np.uint64(0)
        if by_content:
            for j in range(len(gene)):
                content += hashes[gene[j]]
        cut = _order_row(value, gene, content, keys, by_content, tie_bits, best, spare, count, out[i], cut)


@njit(nogil=True, cache=True)
def rank_dense(
    x: np.ndarray,
    keys: np.ndarray,
    hashes: np.ndarray,
    allowed: np.ndarray,
    by_content: bool,
    tie_bits: int,
    out: np.ndarray,
    flags: np.ndarray,
) -> None:
    """Rank each row of a dense matrix into `out`; as :func:`rank_csr`."""
    n = x.shape[1]
    best, spare, count = _buffers(max(1, n), x)
    kept_value, kept_gene = np.empty(n, x.dtype), np.empty(n, np.int32)
    cut = x.dtype.type(1)
    for i in range(len(flags)):
        value = x[i]
        fine = True
        for j in range(n):
            fine &= (value[j] >= 0) & (value[j] < np.inf)
        flags[i] = 0 if fine else _what_is_wrong(value)
        if flags[i]:
            continue
        m = 0
        content = np.uint64(0)
        for g in range(n):
            used = (value[g] > 0) & (len(allowed) == 0 or allowed[g])
            kept_value[m], kept_gene[m] = value[g], g
            content += hashes[g] * np.uint64(used)
            m += used
        value, gene = kept_value[:m], kept_gene[:m]
        cut = _order_row(value, gene, content, keys, by_content, tie_bits, best, spare, count, out[i], cut)
