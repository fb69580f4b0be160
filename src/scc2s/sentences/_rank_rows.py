"""Rows of a matrix through the two compiled steps of the ranking and the sort between them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ._kernels import pick_rows, place_rows

_STEP = 128
"""Rows at a time: what lies between the steps stays in the processor's cache."""
_LONG = 1024
"""Rows longer than this are sorted one by one, each as long as it is."""


class Rules(NamedTuple):
    """How genes are ordered."""

    hashes: np.ndarray
    """uint64, one a gene: their sum stands for a set of genes."""
    keys: np.ndarray
    """uint64, one a gene, spread over the whole range: tied genes stand by rising key."""
    by_content: bool
    """Whether the key is first mixed with the set of genes that the cell expresses."""
    allowed: np.ndarray
    """Genes to rank; empty: all."""


class Rows(NamedTuple):
    """Rows of a matrix, CSR or dense."""

    data: np.ndarray
    """float32 or float64."""
    begin: np.ndarray
    """Where the values of each row begin in `data`."""
    end: np.ndarray
    genes: np.ndarray
    """int32: genes of the values."""
    first_gene: np.ndarray
    """Where the genes of each row begin in `genes`."""


def rank_rows(rows: Rows, rules: Rules, out: np.ndarray, flags: np.ndarray) -> None:
    """Rank each row into a row of `out`, -1 after its last gene; flags[i] tells what was wrong with row i.

    A flagged row is not ranked. Nothing is allocated for each row: what the steps need is made once for all.
    """
    n_rows, k = out.shape
    wide = rows.data.dtype == np.float64
    whole = np.int64 if wide else np.int32
    bits = rows.data.view(whole)
    one, infinity, minus_zero = np.array([1, np.inf, -0.0], rows.data.dtype).view(whole)
    bounds = np.array([infinity, minus_zero, 0, one], whole)
    lengths = rows.end - rows.begin
    longest = int(lengths.max(initial=1))
    room = max(1, min(longest, k + 4 * math.isqrt(k)))
    place_bits = room.bit_length()
    step = min(_STEP, n_rows)
    packed, content = np.empty((step, room + 1), np.uint64), np.empty(step, np.uint64)
    value, gene = np.empty((step, room + 1), whole), np.empty((step, room + 1), np.uint32)
    n_found = np.empty(step, np.int64)
    spare = (
        np.empty(longest, whole),
        np.empty(longest, np.uint32),
        np.empty(longest, whole),
        np.empty(longest, np.uint32),
        np.empty(longest, np.uint64),
        np.empty(longest, np.uint64),
        np.full(len(rules.keys), -1, np.int64),
    )
    for first in range(0, n_rows, step):
        some = slice(first, min(first + step, n_rows))
        n = some.stop - first
        part, found = packed[:n], n_found[:n]
        pick_rows(
            bits,
            rows.begin[some],
            rows.end[some],
            rows.genes.view(np.uint32),
            rows.first_gene[some],
            rules.allowed,
            rules.hashes,
            rules.keys,
            rules.by_content,
            k,
            bounds,
            32 if wide else 0,
            np.uint64(place_bits),
            part,
            value,
            gene,
            found,
            content,
            flags[some],
            *spare,
            first,
        )
        if room > _LONG:
            for row, length in zip(part, found.tolist(), strict=True):
                row[:length].sort()
        else:
            part[:, :room].sort(axis=1)
        sure_bits = np.uint64(33 if wide else place_bits)
        place_rows(
            part,
            value,
            gene,
            found,
            content,
            rules.keys,
            rules.by_content,
            np.uint64(place_bits),
            sure_bits,
            out[some],
        )
