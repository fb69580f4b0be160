from __future__ import annotations

from typing import TYPE_CHECKING

from ._compiled import compiled

if TYPE_CHECKING:
    import numpy as np

WIDTH = 16
"""Bytes of a word that are copied in one go, which most words fit in."""


@compiled
def text_length(ranks: np.ndarray, length: np.ndarray) -> int:
    """Bytes that all rows take, each word with a separator."""
    total = 0
    for gene in ranks.ravel():
        if gene >= 0:
            total += length[gene]
    return total


@compiled
def write_words(
    ranks: np.ndarray,
    begin: np.ndarray,
    length: np.ndarray,
    flat: np.ndarray,
    offset: np.ndarray,
    n_separator: int,
    text: np.ndarray,
    ends: np.ndarray,
) -> None:
    """Write the words of each row to `text`, row i to ends[i] : ends[i + 1].

    begin[g] holds the first bytes of word g, flat[offset[g] :] all of it; `length` counts the separator behind it.
    `text` is WIDTH bytes longer than what is written.
    """
    put = 0
    for i in range(ranks.shape[0]):
        first = put
        for j in range(ranks.shape[1]):
            gene = ranks[i, j]
            if gene < 0:
                continue
            n = length[gene]
            if n <= WIDTH:
                for b in range(WIDTH):
                    text[put + b] = begin[gene, b]
            else:
                for b in range(n):
                    text[put + b] = flat[offset[gene] + b]
            put += n
        if put > first:
            put -= n_separator
        ends[i + 1] = put
