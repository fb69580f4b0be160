"""Compiled row kernels. They hold no lock, so that threads (ours or dask's) run them side by side."""

from __future__ import annotations

import numpy as np
from numba import njit

NEGATIVE, NOT_FINITE, UNSORTED = 1, 2, 4

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_BIN_SHIFT = np.uint32(20)  # sign, exponent and 3 bits of the fraction of a float32
_BINS = 2048


@njit(nogil=True, cache=True, inline="always")
def mix(x):
    """Finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit moves every output bit."""
    x = x + _GOLDEN
    x = (x ^ (x >> _S30)) * _M1
    x = (x ^ (x >> _S27)) * _M2
    return x ^ (x >> _S31)


@njit(nogil=True, cache=True)
def _kth_largest(a, n, k):
    """k-th largest (1-based) of a[:n]; three-way partition, since most counts are tied. Reorders `a`."""
    lo, hi = 0, n - 1
    want = k - 1
    while lo < hi:
        x, y, z = a[lo], a[(lo + hi) // 2], a[hi]
        pivot = max(min(x, y), min(max(x, y), z))
        left, i, right = lo, lo, hi
        while i <= right:
            v = a[i]
            if v > pivot:
                a[i] = a[left]
                a[left] = v
                left += 1
                i += 1
            elif v < pivot:
                a[i] = a[right]
                a[right] = v
                right -= 1
            else:
                i += 1
        if want < left:
            hi = left - 1
        elif want > right:
            lo = right + 1
        else:
            return pivot
    return a[lo]


@njit(nogil=True, cache=True)
def _smallest_ties(tie, gene, first, n, k):
    """Bring the k smallest of tie[first:first+n] to its front (quickselect), `gene` with them."""
    lo, hi = first, first + n - 1
    want = first + k - 1
    while lo < hi:
        x, y, z = tie[lo], tie[(lo + hi) // 2], tie[hi]
        pivot = max(min(x, y), min(max(x, y), z))
        i, j = lo, hi
        while i <= j:
            while tie[i] < pivot:
                i += 1
            while tie[j] > pivot:
                j -= 1
            if i <= j:
                t, g = tie[i], gene[i]
                tie[i], gene[i] = tie[j], gene[j]
                tie[j], gene[j] = t, g
                i += 1
                j -= 1
        if want <= j:
            hi = j
        elif want >= i:
            lo = i
        else:
            return


@njit(nogil=True, cache=True, inline="always")
def _before(v1, t1, v2, t2):
    return v1 > v2 or (v1 == v2 and t1 < t2)


@njit(nogil=True, cache=True)
def _sort(value, tie, gene, n):
    """Sort by falling value, then rising tie key: quicksort with an explicit stack, insertion sort below 16."""
    stack = np.empty(128, np.int64)
    top = 0
    lo, hi = 0, n - 1
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
        for p in range(lo + 1, hi + 1):
            v, t, g = value[p], tie[p], gene[p]
            q = p - 1
            while q >= lo and _before(v, t, value[q], tie[q]):
                value[q + 1], tie[q + 1], gene[q + 1] = value[q], tie[q], gene[q]
                q -= 1
            value[q + 1], tie[q + 1], gene[q + 1] = v, t, g
        if top == 0:
            return
        top -= 2
        lo, hi = stack[top], stack[top + 1]


@njit(nogil=True, cache=True)
def _select_ties(tie, gene, first, n, k, count):
    """Bring the k smallest of tie[first:first+n] to its front, `gene` with them. `tie` may be any uint64 keys."""
    widest = np.uint64(0)
    for j in range(first, first + n):
        widest |= tie[j]
    shift = np.uint64(0)
    while (widest >> shift) >= np.uint64(_BINS):
        shift += np.uint64(1)
    count[:] = 0
    for j in range(first, first + n):
        count[tie[j] >> shift] += 1
    bin_, below = 0, 0
    while below + count[bin_] < k:
        below += count[bin_]
        bin_ += 1
    edge = np.uint64(bin_)
    put = first
    for j in range(first, first + n):  # keys below the edge bin, in place and without a branch
        t, g = tie[j], gene[j]
        tie[j], gene[j] = tie[put], gene[put]
        tie[put], gene[put] = t, g
        put += (t >> shift) < edge
    fill = put
    for j in range(put, first + n):
        t, g = tie[j], gene[j]
        tie[j], gene[j] = tie[fill], gene[fill]
        tie[fill], gene[fill] = t, g
        fill += (t >> shift) == edge
    _smallest_ties(tie, gene, put, fill - put, k - below)


@njit(nogil=True, cache=True)
def _order_row(value, gene, m, content, keys, by_content, k, tie, work, bins, count, out):
    """Write the first k of the m expressed genes to `out`, by falling value and rising tie key.

    Branches on data cost most here, so the cut is found by counting: `bins` holds the bits of `coarse`, the values
    as float32, whose leading bits grow with the value.
    """
    if m > k:
        count[:] = 0
        highest = np.uint32(0)
        for j in range(m):
            b = bins[j] >> _BIN_SHIFT
            count[b] += 1
            highest = max(highest, b)
        edge, above = highest, 0
        while above + count[edge] < k:
            above += count[edge]
            edge -= np.uint32(1)
        put = 0
        for j in range(m):  # values above the edge bin to the front
            v, g, b = value[j], gene[j], bins[j]
            value[j], gene[j], bins[j] = value[put], gene[put], bins[put]
            value[put], gene[put], bins[put] = v, g, b
            put += (b >> _BIN_SHIFT) > edge
        fill = put
        for j in range(put, m):  # then those of the edge bin
            v, g = value[j], gene[j]
            inside = (bins[j] >> _BIN_SHIFT) == edge
            value[j], gene[j] = value[fill], gene[fill]
            value[fill], gene[fill] = v, g
            bins[j] = bins[fill]
            fill += inside
        in_bin = fill - put
        for j in range(in_bin):
            work[j] = value[put + j]
        cut = _kth_largest(work, in_bin, k - put)
        for j in range(put, fill):
            if value[j] > cut:
                v, g = value[j], gene[j]
                value[j], gene[j] = value[put], gene[put]
                value[put], gene[put] = v, g
                put += 1
        tied = put
        for j in range(put, fill):
            if value[j] == cut:
                g = gene[j]
                gene[j] = gene[tied]
                gene[tied] = g
                tied += 1
        for j in range(put, tied):
            value[j] = cut
        n = tied
    else:
        put = 0
        n = m
    if by_content:
        for j in range(n):
            tie[j] = mix(content ^ keys[gene[j]])
    else:
        for j in range(n):
            tie[j] = keys[gene[j]]
    if n > k:
        _select_ties(tie, gene, put, n - put, k - put, count)
        n = k
    _sort(value, tie, gene, n)
    for j in range(n):
        out[j] = gene[j]
    for j in range(n, out.shape[0]):
        out[j] = -1


@njit(nogil=True, cache=True)
def rank_csr(data, indices, indptr, start, stop, keys, hashes, allowed, by_content, k, out, flags):
    """Rank rows start..stop of a CSR matrix into out[: stop - start]; flags[i] tells what was wrong with a row."""
    longest = 0
    for i in range(start, stop):
        longest = max(longest, indptr[i + 1] - indptr[i])
    value = np.empty(longest, data.dtype)
    work = np.empty(longest, data.dtype)
    gene = np.empty(longest, np.int32)
    tie = np.empty(longest, np.uint64)
    coarse = np.empty(longest, np.float32)
    bins = coarse.view(np.uint32)
    count = np.empty(_BINS, np.int64)
    for i in range(start, stop):
        m = 0
        content = np.uint64(0)
        flag = 0
        previous = -1
        for p in range(indptr[i], indptr[i + 1]):
            v = data[p]
            g = indices[p]
            if g <= previous:
                flag |= UNSORTED
            previous = g
            if v > 0:
                if v == np.inf:
                    flag |= NOT_FINITE
                if allowed[g]:
                    value[m] = v
                    coarse[m] = v
                    gene[m] = g
                    content += hashes[g]
                    m += 1
            elif v < 0:
                flag |= NEGATIVE if v != -np.inf else NOT_FINITE
            elif v != v:
                flag |= NOT_FINITE
        flags[i - start] = flag
        _order_row(value, gene, m, content, keys, by_content, k, tie, work, bins, count, out[i - start])


@njit(nogil=True, cache=True)
def rank_dense(x, start, stop, keys, hashes, allowed, by_content, k, out, flags):
    """Rank rows start..stop of a dense matrix into out[: stop - start]; flags as in :func:`rank_csr`."""
    n = x.shape[1]
    value = np.empty(n, x.dtype)
    work = np.empty(n, x.dtype)
    gene = np.empty(n, np.int32)
    tie = np.empty(n, np.uint64)
    coarse = np.empty(n, np.float32)
    bins = coarse.view(np.uint32)
    count = np.empty(_BINS, np.int64)
    for i in range(start, stop):
        m = 0
        content = np.uint64(0)
        flag = 0
        for g in range(n):
            v = x[i, g]
            if v > 0:
                if v == np.inf:
                    flag |= NOT_FINITE
                if allowed[g]:
                    value[m] = v
                    coarse[m] = v
                    gene[m] = g
                    content += hashes[g]
                    m += 1
            elif v < 0:
                flag |= NEGATIVE if v != -np.inf else NOT_FINITE
            elif v != v:
                flag |= NOT_FINITE
        flags[i - start] = flag
        _order_row(value, gene, m, content, keys, by_content, k, tie, work, bins, count, out[i - start])
