"""Compiled steps of the parser. A sentence is a row of gene indices, -1 where a word is not a gene or none stands.

Only rows where a gene comes twice get here, so that sentences of `rank` are read back without compiling anything.
"""

from __future__ import annotations

import numpy as np

from ._compiled import compiled


@compiled
def move_to_means(rows: np.ndarray, n_words: np.ndarray, total: np.ndarray, times: np.ndarray) -> None:
    """Keep each gene of a row once, sorted by the mean of its places; unknown words stay where they are among them.

    `total` and `times` have a 0 for each gene, and are left so.
    """
    mean = np.empty(rows.shape[1], np.float64)
    seen = np.empty(rows.shape[1], np.int64)
    row = np.empty(rows.shape[1], rows.dtype)
    for i in range(rows.shape[0]):
        n = n_words[i]
        out = rows[i]
        for j in range(n):
            row[j] = g = out[j]
            out[j] = -1
            if g >= 0:
                times[g] += 1
                total[g] += j
        m = 0
        for j in range(n):
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
        for j in range(n):
            if row[j] >= 0:
                total[row[j]] = times[row[j]] = 0


@compiled
def move_in_shrinking_list(rows: np.ndarray, n_words: np.ndarray, times: np.ndarray) -> None:
    """Move each repeated gene to the whole part of the mean of its places in the list as it is by then.

    `times` has a 0 for each gene, and is left so.
    """
    row = np.empty(rows.shape[1], rows.dtype)
    for i in range(rows.shape[0]):
        n = m = n_words[i]
        out = rows[i]
        for j in range(n):
            row[j] = out[j]
            if row[j] >= 0:
                times[row[j]] += 1
        for j in range(n):
            g = row[j]
            if g < 0 or times[g] < 2:
                continue
            times[g] = -times[g]
            total, put, kept = 0, 0, m + times[g]
            for p in range(m):
                if out[p] == g:
                    total += p
                else:
                    out[put] = out[p]
                    put += 1
            at = min(total // (m - kept), kept)
            for p in range(kept, at, -1):
                out[p] = out[p - 1]
            out[at] = g
            m = kept + 1
        for j in range(m, n):
            out[j] = -1
        for j in range(n):
            if row[j] >= 0:
                times[row[j]] = 0
