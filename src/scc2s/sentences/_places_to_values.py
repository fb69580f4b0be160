from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Callable


def expression_at(
    rows: Callable[[int, int], np.ndarray], n_cells: int, n_genes: int, value: np.ndarray, *, n_jobs: int | None = None
) -> sparse.csr_matrix:
    """Give each gene of a row the value of its place.

    Parameters
    ----------
    rows
        ``rows(start, stop)`` gives the genes of some cells, cells x places, -1 where none stands; no gene twice in a
        row. Called twice for each cell, from several threads, so that all rows never have to be there at once.
    n_cells, n_genes
        Shape of the result.
    value
        float32, of each place. Places without a value, and those of value 0, are left out.
    n_jobs
        Threads; ``None`` takes all cores.

    Returns
    -------
    float32, cells x genes, sorted indices, no stored zeros.
    """
    indptr = np.zeros(n_cells + 1, dtype=np.int64)

    def count(start: int, stop: int) -> None:
        part = rows(start, stop)
        some = value[: part.shape[1]] != 0
        there = part[:, : len(some)] >= 0
        indptr[start + 1 : stop + 1] = np.count_nonzero(there if some.all() else there & some, axis=1)

    in_threads(count, n_cells, n_jobs)
    np.cumsum(indptr, out=indptr)
    indices = np.empty(indptr[-1], dtype=np.int32)
    data = np.empty(indptr[-1], dtype=np.float32)

    bits = int(value.size).bit_length()
    # small numbers are sorted in half the time
    whole = np.uint32 if (n_genes + 1) << bits < 2**32 else np.uint64
    nowhere = n_genes << bits

    def write(start: int, stop: int) -> None:
        part = rows(start, stop)[:, : len(value)]
        # gene above, place below: one sort of plain integers brings both in order
        packed: np.ndarray = part.astype(whole)
        packed <<= bits
        packed |= np.arange(part.shape[1], dtype=whole)
        here = slice(indptr[start], indptr[stop])
        if here.stop - here.start < packed.size:
            packed[(part < 0) | (value[: part.shape[1]] == 0)] = nowhere
        packed.sort(axis=1)
        flat = packed.reshape(-1)
        if here.stop - here.start < packed.size:
            flat = flat[flat < nowhere]
        indices[here] = flat >> bits
        value.take(flat & ((1 << bits) - 1), out=data[here], mode="clip")

    in_threads(write, n_cells, n_jobs)
    return sparse.csr_matrix((data, indices, indptr), shape=(n_cells, n_genes))
