"""Compiled passes over the values of a batch. Slices within a row are what lets them become vector instructions."""

from __future__ import annotations

import numpy as np

from scc2s.sentences._compiled import compiled


@compiled
def find_plain(ends: np.ndarray, genes: np.ndarray, values: np.ndarray, plain: np.ndarray) -> None:
    """Which rows of CSR have genes in rising order and values that are whole numbers from 1 to 65,535."""
    for i in range(len(plain)):
        own, counts = genes[ends[i] : ends[i + 1]], values[ends[i] : ends[i + 1]]
        odd = np.int32(0)
        for j in range(len(counts)):
            value = counts[j]
            odd |= np.int32(not ((value > 0) & (value < 65536) & (value == np.floor(value))))
        for j in range(1, len(own)):
            odd |= np.int32(own[j] <= own[j - 1])
        plain[i] = odd == 0


@compiled
def put_rows(
    ends: np.ndarray,
    genes: np.ndarray,
    values: np.ndarray,
    rows: np.ndarray,
    numbers: np.ndarray,
    to_genes: np.ndarray,
    to_values: np.ndarray,
) -> None:
    """Put rows of CSR one after the other, in the types of `to_genes` and `to_values`.

    A gene g becomes numbers[g]; where `numbers` is empty it stays.
    """
    done = 0
    for row in rows:
        begin, end = ends[row], ends[row + 1]
        n = end - begin
        own, counts = genes[begin:end], values[begin:end]
        here, there = to_genes[done : done + n], to_values[done : done + n]
        if len(numbers):
            for j in range(n):
                here[j] = numbers[own[j]]
        else:
            for j in range(n):
                here[j] = own[j]
        for j in range(n):
            there[j] = counts[j]
        done += n
