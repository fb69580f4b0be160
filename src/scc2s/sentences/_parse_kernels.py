"""Compiled steps of the parser. A sentence is a row of gene indices, -1 where a word is no gene."""

from __future__ import annotations

import numpy as np

from ._compiled import compiled


@compiled
def _at_means(
    row: np.ndarray, total: np.ndarray, times: np.ndarray, out: np.ndarray, mean: np.ndarray, seen: np.ndarray
) -> int:
    """Write each gene once, sorted by the mean of its places; unknown words stay where they are among them."""
    m = 0
    for j in range(len(row)):
        g = row[j]
        here, often = float(j), 1
        if g >= 0:
            often = times[g]
            if often < 0:  # stands already
                continue
            here = total[g] / often
            times[g] = -often
        at = m
        while at > 0 and (mean[at - 1] > here or (mean[at - 1] == here and seen[at - 1] > often)):
            mean[at], seen[at], out[at] = mean[at - 1], seen[at - 1], out[at - 1]
            at -= 1
        mean[at], seen[at], out[at] = here, often, g
        m += 1
    return m


@compiled
def _in_shrinking_list(row: np.ndarray, times: np.ndarray, out: np.ndarray) -> int:
    """Move each repeated gene to the whole part of the mean of its places in the list as it is by then."""
    out[: len(row)] = row
    m = len(row)
    for j in range(len(row)):
        g = row[j]
        if g < 0 or times[g] < 2:
            continue
        times[g] = -times[g]
        total, put, kept = 0, 0, m + times[g]
        for i in range(m):
            if out[i] == g:
                total += i
            else:
                out[put] = out[i]
                put += 1
        at = min(total // (m - kept), kept)
        for i in range(kept, at, -1):
            out[i] = out[i - 1]
        out[at] = g
        m = kept + 1
    return m


@compiled
def place_words(
    flat: np.ndarray,
    offsets: np.ndarray,
    n_names: int,
    shrinking: bool,
    keep_unknown: bool,
    ranks: np.ndarray,
    n_valid: np.ndarray,
    n_unique: np.ndarray,
) -> int:
    """Genes of sentence i, flat[offsets[i] : offsets[i + 1]], into ranks[i], repeats merged; gives the longest row."""
    total = np.zeros(n_names, np.int64)
    times = np.zeros(n_names, np.int64)
    mean = np.empty(ranks.shape[1], np.float64)
    seen = np.empty(ranks.shape[1], np.int64)
    longest = 0
    for i in range(ranks.shape[0]):
        row, out = flat[offsets[i] : offsets[i + 1]], ranks[i]
        m = n = len(row)
        valid = unique = 0
        for j in range(n):
            g = row[j]
            if g >= 0:
                valid += 1
                unique += times[g] == 0
                times[g] += 1
                total[g] += j
        if unique == valid:
            out[:n] = row
        elif shrinking:
            m = _in_shrinking_list(row, times, out)
        else:
            m = _at_means(row, total, times, out, mean, seen)
        for j in range(n):
            if row[j] >= 0:
                total[row[j]] = times[row[j]] = 0
        put = 0
        for j in range(m):
            if out[j] >= 0 or keep_unknown:
                out[put] = out[j]
                put += 1
        out[put:] = -1
        while put > 0 and out[put - 1] < 0:
            put -= 1
        longest = max(longest, put)
        n_valid[i], n_unique[i] = valid, unique
    return longest
