from __future__ import annotations

import numpy as np

from ._parse_kernels import move_in_shrinking_list, move_to_means

_STEP = 4096
"""Rows at a time, so that what is looked at besides the rows stays small."""


def place(
    rows: np.ndarray, n_words: np.ndarray, n_names: int, *, shrinking: bool, keep_unknown: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Bring each gene of a row to its place, in the rows themselves.

    Parameters
    ----------
    rows
        int32, sentences x words: gene of each word, -1 where it is not one and after the last.
    n_words
        Words of each sentence.
    n_names
        Genes that there are.
    shrinking, keep_unknown
        How genes that repeat, and words that are not a gene, are read: see :func:`scc2s.sentences.parse`.

    Returns
    -------
    Words of each sentence that are a gene, and different genes.
    """
    n_valid, n_unique = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    for start in range(0, len(rows), _STEP):
        some = slice(start, start + _STEP)
        part, counts = rows[some], n_words[some]
        n_valid[some] = np.count_nonzero(part >= 0, axis=1)
        n_unique[some] = n_valid[some] - _n_repeats(part)
        again = np.flatnonzero(n_unique[some] < n_valid[some])
        if len(again):
            repeated = part[again]
            if shrinking:
                move_in_shrinking_list(repeated, counts[again], np.zeros(n_names, np.int64))
            else:
                move_to_means(repeated, counts[again], np.zeros(n_names, np.int64), np.zeros(n_names, np.int64))
            part[again] = repeated
        if not keep_unknown:
            holes = np.flatnonzero(n_valid[some] < counts)
            if len(holes):
                part[holes] = moved_up(part[holes])
    return n_valid, n_unique


def _n_repeats(rows: np.ndarray) -> np.ndarray:
    """Words of each row that are a gene which the row has already."""
    if not rows.size:
        return np.zeros(len(rows), np.int64)
    ordered = np.sort(rows, axis=1)
    n_repeats: np.ndarray = np.count_nonzero((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0), axis=1)
    return n_repeats


def moved_up(rows: np.ndarray) -> np.ndarray:
    """Rows without their holes."""
    there = rows >= 0
    out = np.full_like(rows, -1)
    out[np.arange(rows.shape[1]) < np.count_nonzero(there, axis=1)[:, None]] = rows[there]
    return out
