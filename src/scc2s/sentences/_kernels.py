"""Compiled steps of the ranking. They hold no lock, so that threads (ours or dask's) run them side by side.

A cell has a few thousand values, most of them tied, and a few hundred are wanted. Mispredicted branches would cost
most, so the work is done in short loops that compilers turn into vector instructions, and in loops that store always
and advance by a comparison. Values are read as the integers that hold them, which grow with a value that is not
negative. Between the two steps each row of `packed` is sorted, which numpy does with vector instructions.
"""

from __future__ import annotations

import numpy as np

from ._compiled import compiled

BAD, REPEATED = 1, 2

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_LAST = np.uint64(2**64 - 1)
_HALF, _VALUE, _TIE = np.uint64(1), np.uint64(33), np.uint64(31)
_LARGEST = 2**31 - 1


@compiled
def mix(x: np.uint64) -> np.uint64:
    """Finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit moves every output bit."""
    x = x + _GOLDEN
    x = (x ^ (x >> _S30)) * _M1
    x = (x ^ (x >> _S27)) * _M2
    return x ^ (x >> _S31)


@compiled
def pick_rows(
    bits: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    genes: np.ndarray,
    first_gene: np.ndarray,
    allowed: np.ndarray,
    hashes: np.ndarray,
    keys: np.ndarray,
    by_content: bool,
    k: int,
    bounds: np.ndarray,
    drop: int,
    place_bits: np.uint64,
    packed: np.ndarray,
    value: np.ndarray,
    gene: np.ndarray,
    n_found: np.ndarray,
    content: np.ndarray,
    flags: np.ndarray,
    spare: np.ndarray,
    spare_gene: np.ndarray,
    near: np.ndarray,
    near_gene: np.ndarray,
    tie: np.ndarray,
    at_cut: np.ndarray,
    seen: np.ndarray,
    stamp: int,
) -> None:
    """Find the genes of each row that may be among its first k, with keys that sort nearly as they have to.

    Row i has the values bits[begin[i] : end[i]], of genes[first_gene[i]], ... . What is found goes to the first
    n_found[i] places of row i of `packed`, `value` and `gene`, a few more than k where that saves time. A key has 31
    bits of the value (what is left of it without its last `drop`), 33 of the tie key, and for the last `place_bits` of
    these the place in the row. content[i] is the hash of the genes of a row, flags[i] what is wrong with it. `allowed`
    is empty where all genes are. Rows are read where they stand and copied only to leave out zeros or genes; their
    genes need no order.

    `bounds`: infinity, minus zero, zero, and a guess of the smallest value that is wanted. The last is replaced by that
    of the last row, a good guess for the next. `seen` has the last row with each gene, counted from `stamp`.
    """
    room = packed.shape[1] - 1  # one more, since every candidate is stored and some are then stored over
    infinite, lowest = bounds[0], bounds[1]
    for i in range(len(flags)):
        n = end[i] - begin[i]
        v = bits[begin[i] : end[i]]
        g = genes[first_gene[i] : first_gene[i] + n]
        n_fine, n_rising = np.int32(0), np.int32(0)  # of 32 bits, as the values: else loops are not vectorised well
        for j in range(n):
            n_fine += np.int32((v[j] > 0) & (v[j] < infinite))
        for j in range(1, n):
            n_rising += np.int32(g[j - 1] < g[j])
        flags[i] = 0
        n_found[i] = 0
        if n_fine < n:
            n_zero = np.int32(0)
            for j in range(n):
                n_zero += np.int32((v[j] == 0) | (v[j] == lowest))
            if n_fine + n_zero < n:
                flags[i] = BAD
        if n_rising < n - 1:
            for j in range(n):
                if seen[g[j]] == stamp + i:
                    flags[i] |= REPEATED
                seen[g[j]] = stamp + i
        if flags[i]:
            packed[i, :] = _LAST
            continue
        if n_fine < n or len(allowed):
            m = 0
            for j in range(n):
                spare[m], spare_gene[m] = v[j], g[j]
                m += (v[j] > 0) & (len(allowed) == 0 or allowed[g[j]])
            v, g, n = spare[:m], spare_gene[:m], m
        total = np.uint64(0)
        cut = bounds[2]
        above = np.int32(0)
        if n > k:
            # k-th largest value: pivots, and a count of what is above each; ties and a good guess make it quick
            has_low, has_high = False, False
            at = n // 2
            low = high = cut = bounds[3]
            while True:
                above, upto = np.int32(0), np.int32(0)
                for j in range(n):
                    above += np.int32(v[j] > cut)
                    upto += np.int32(v[j] >= cut)
                if above < k <= upto:
                    break
                if upto < k:
                    high, has_high = cut, True
                else:
                    low, has_low = cut, True
                while True:
                    at += 1
                    if at >= n:
                        at = 0
                    cut = v[at]
                    if (not has_low or cut > low) and (not has_high or cut < high):
                        break
            bounds[3] = cut
        reached = np.uint64(0)  # unsigned, as genes are: numba looks whether a signed index is below 0
        for j in range(n):
            near_gene[reached] = j
            reached += np.uint64(v[j] >= cut)
            total += hashes[g[j]]
        content[i] = total
        for j in range(reached):
            near[j] = v[near_gene[j]]
            near_gene[j] = g[near_gene[j]]
        if by_content:
            for j in range(reached):
                tie[j] = mix(total ^ keys[near_gene[j]])
        else:
            for j in range(reached):
                tie[j] = keys[near_gene[j]]
        limit = _LAST
        if reached > room:
            # keys are spread evenly, so the first limit lets through some more than are wanted; else it is halved in
            wanted, space = k - above, room - above
            for j in range(reached):
                at_cut[j] = tie[j] | (np.uint64(0) - np.uint64(near[j] > cut))
            low_tie, high_tie = np.uint64(0), _LAST
            limit = np.uint64((wanted + space) / (np.int64(reached) - above) * 2.0**62) << _HALF
            while high_tie - low_tie > _HALF:
                here = np.int32(0)
                for j in range(reached):
                    here += np.int32(at_cut[j] <= limit)
                if here < wanted:
                    low_tie = limit
                elif here > space:
                    high_tie = limit
                else:
                    break
                limit = low_tie + ((high_tie - low_tie + _HALF) >> _HALF)
        put = np.uint64(0)
        ties_left = np.int64(room) - above  # reached only where tie keys are equal as well
        for j in range(reached):
            key = (np.uint64(_LARGEST - (np.int64(near[j]) >> drop)) << _VALUE) | (
                tie[j] >> _TIE >> place_bits << place_bits
            )
            packed[i, put] = key | put
            value[i, put], gene[i, put] = near[j], near_gene[j]
            above_cut = near[j] > cut
            used = above_cut | ((tie[j] <= limit) & (ties_left > 0))
            ties_left -= np.int64(used) - np.int64(used & above_cut)
            put += np.uint64(used)
        packed[i, put:] = _LAST
        n_found[i] = put


@compiled
def place_rows(
    packed: np.ndarray,
    value: np.ndarray,
    gene: np.ndarray,
    n_found: np.ndarray,
    content: np.ndarray,
    keys: np.ndarray,
    by_content: bool,
    place_bits: np.uint64,
    sure_bits: np.uint64,
    out: np.ndarray,
) -> None:
    """Write the genes of each row of sorted `packed` to `out`, -1 after the last.

    Neighbours whose keys are the same but for the last `sure_bits` are put in order by value and whole tie key.
    """
    mask = (np.uint64(1) << place_bits) - np.uint64(1)
    for i in range(len(out)):
        n = n_found[i]
        n_alike = np.int32(0)
        for j in range(1, n):
            n_alike += np.int32((packed[i, j] ^ packed[i, j - 1]) >> sure_bits == 0)
        if n_alike:
            before = _LAST
            for j in range(n):
                key = packed[i, j]
                put = j
                if (key ^ before) >> sure_bits == 0:
                    p = key & mask
                    v, t = value[i, p], keys[gene[i, p]]
                    if by_content:
                        t = mix(content[i] ^ t)
                    while put > 0:
                        q = packed[i, put - 1] & mask
                        v_q, t_q = value[i, q], keys[gene[i, q]]
                        if by_content:
                            t_q = mix(content[i] ^ t_q)
                        if v_q > v or (v_q == v and t_q < t):
                            break
                        packed[i, put] = packed[i, put - 1]
                        put -= 1
                before = key
                packed[i, put] = key
        n = min(n, out.shape[1])
        for j in range(n):
            out[i, j] = gene[i, packed[i, j] & mask]
        out[i, n:] = -1
