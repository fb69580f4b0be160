"""Compiled selecting and sorting of the values of a row.

Numba keeps compiled callers: after a change here, touch `_kernels.py` too.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_BIN_SHIFT = np.uint32(20)  # leaves exponent and 3 bits of the fraction of a float32, which grow with a positive value
BINS = 2048
_FEW = 512
_SMALL_BITS, _LARGE_BITS = 8, 11


@njit(nogil=True, cache=True)
def kth_largest(a: np.ndarray, k: int, guess: float) -> float:
    """k-th largest value (from 1): pivots, and a count of what is above each. Ties and a good guess make it quick."""
    n = len(a)
    has_low, has_high = False, False
    at = n // 2
    low = high = pivot = guess
    while True:
        above, reached = np.int32(0), np.int32(0)  # of 32 bits, as the values: else the loop is not vectorised well
        for j in range(n):
            above += np.int32(a[j] > pivot)
            reached += np.int32(a[j] >= pivot)
        if above < k <= reached:
            return pivot
        if reached < k:
            high, has_high = pivot, True
        else:
            low, has_low = pivot, True
        while True:
            at += 1
            if at >= n:
                at = 0
            pivot = a[at]
            if (not has_low or pivot > low) and (not has_high or pivot < high):
                break


@njit(nogil=True, cache=True, inline="always")
def _before(v1: float, t1: int, v2: float, t2: int) -> bool:
    return v1 > v2 or (v1 == v2 and t1 < t2)


@njit(nogil=True, cache=True)
def _insert(value: np.ndarray, tie: np.ndarray, gene: np.ndarray, lo: int, hi: int) -> None:
    """Insertion sort of lo..hi (inclusive) by falling value and rising tie key: for what is short or nearly sorted."""
    for p in range(lo + 1, hi + 1):
        v, t, g = value[p], tie[p], gene[p]
        q = p - 1
        while q >= lo and _before(v, t, value[q], tie[q]):
            value[q + 1], tie[q + 1], gene[q + 1] = value[q], tie[q], gene[q]
            q -= 1
        value[q + 1], tie[q + 1], gene[q + 1] = v, t, g


@njit(nogil=True, cache=True)
def _quicksort(value: np.ndarray, tie: np.ndarray, gene: np.ndarray, lo: int, hi: int) -> None:
    """Sort lo..hi (inclusive) by falling value and rising tie key."""
    stack = np.empty(128, np.int64)
    top = 0
    while True:
        while hi - lo > 15:
            mid = (lo + hi) // 2
            a, b, c = lo, mid, hi
            if _before(value[b], tie[b], value[a], tie[a]):
                a, b = b, a
            if _before(value[c], tie[c], value[b], tie[b]):
                b = a if _before(value[c], tie[c], value[a], tie[a]) else c
            pv, pt = value[b], tie[b]
            i, j = lo, hi
            while i <= j:
                while _before(value[i], tie[i], pv, pt):
                    i += 1
                while _before(pv, pt, value[j], tie[j]):
                    j -= 1
                if i <= j:
                    v, t, g = value[i], tie[i], gene[i]
                    value[i], tie[i], gene[i] = value[j], tie[j], gene[j]
                    value[j], tie[j], gene[j] = v, t, g
                    i += 1
                    j -= 1
            # the larger part waits, so that the stack stays below 2 log2(n)
            if j - lo < hi - i:
                stack[top], stack[top + 1] = i, hi
                hi = j
            else:
                stack[top], stack[top + 1] = lo, j
                lo = i
            top += 2
        _insert(value, tie, gene, lo, hi)
        if top == 0:
            return
        top -= 2
        lo, hi = stack[top], stack[top + 1]


@njit(nogil=True, cache=True)
def sort_row(
    value: np.ndarray, tie: np.ndarray, gene: np.ndarray, n: int, tie_bits: int, spare: tuple, count: np.ndarray
) -> None:
    """Sort the first n by falling value and rising tie key (`tie_bits` wide).

    Two counting sorts, by the leading bits of the key and then by those of the value, bring nearly all in place, since
    a count keeps the order of what it does not tell apart.
    """
    value2, tie2, gene2, coarse = spare
    bits = _SMALL_BITS if n <= _FEW else _LARGE_BITS
    shift = np.uint64(max(0, tie_bits - bits))
    n_bins = 1 << bits
    count[: n_bins + 1] = 0
    for j in range(n):
        count[(tie[j] >> shift) + np.uint64(1)] += 1
    for b in range(n_bins):
        count[b + 1] += count[b]
    for j in range(n):
        b = tie[j] >> shift
        put = count[b]
        count[b] += 1
        value2[put], tie2[put], gene2[put] = value[j], tie[j], gene[j]
    bins = coarse.view(np.uint32)
    highest, lowest = np.uint32(0), np.uint32(BINS)
    for j in range(n):
        coarse[j] = value2[j]
        b = bins[j] >> _BIN_SHIFT
        bins[j] = b
        highest, lowest = max(highest, b), min(lowest, b)
    count[: highest - lowest + 2] = 0
    for j in range(n):
        count[highest - bins[j] + 1] += 1
    for b in range(highest - lowest + 1):
        count[b + 1] += count[b]
    for j in range(n):
        b = highest - bins[j]
        put = count[b]
        count[b] += 1
        value[put], tie[put], gene[put] = value2[j], tie2[j], gene2[j]
    first = 0
    for b in range(highest - lowest + 1):
        last = count[b] - 1
        if last - first > 31:
            tied = True
            for j in range(first + 1, last + 1):
                tied &= value[j] == value[first]
            if tied:
                _insert(value, tie, gene, first, last)
            else:
                _quicksort(value, tie, gene, first, last)
        elif last > first:
            _insert(value, tie, gene, first, last)
        first = last + 1
