from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._blocks import InvalidValuesError, as_float
from ._rank_sums_kernels import add_rows

if TYPE_CHECKING:
    from scipy import sparse


class RankSums:
    """What a rank-expression fit has to know: for each rank, how many cells reach it, and the sum and sum of squares.

    Filled block by block. Only the sorted values of a cell enter, so the order of tied genes has no say. For the rank
    correlation whole cells are kept: those whose values hash below a limit, which is halved while they hold more than
    `max_pairs` pairs. So the choice depends neither on the blocks nor on the order of cells.
    """

    def __init__(self, *, max_pairs: int = 2_000_000, seed: int = 0) -> None:
        self.n: np.ndarray = np.zeros(0, dtype=np.int64)
        self.first: np.ndarray = np.zeros(0)
        self.second: np.ndarray = np.zeros(0)
        self.n_cells = 0
        self._max_pairs = max_pairs
        self._seed = np.uint64(seed)
        self._limit = np.uint64(2**64 - 1)
        self._draw = np.zeros(0, dtype=np.uint64)
        self._cells: list[np.ndarray] = []

    def add(self, block: np.ndarray | sparse.csr_matrix) -> None:
        """Take in some cells: log-normalised expression, dense or CSR."""
        data, indptr = _sorted_rows(block)
        longest = int(np.diff(indptr).max(initial=0))
        if longest > len(self.n):
            more = (0, longest - len(self.n))
            self.n, self.first = np.pad(self.n, more), np.pad(self.first, more)
            self.second = np.pad(self.second, more)
        n_cells = len(indptr) - 1
        n_expressed, draw = np.empty(n_cells, dtype=np.int64), np.empty(n_cells, dtype=np.uint64)
        add_rows(data, indptr, self._seed, self.n, self.first, self.second, n_expressed, draw)
        self.n_cells += n_cells
        chosen = np.flatnonzero((draw <= self._limit) & (n_expressed > 0))
        self._draw = np.concatenate([self._draw, draw[chosen]])
        self._cells += [data[indptr[i + 1] - n_expressed[i] : indptr[i + 1]][::-1] for i in chosen]
        while sum(map(len, self._cells)) > self._max_pairs:
            self._limit >>= np.uint64(1)
            stay = self._draw <= self._limit
            self._draw = self._draw[stay]
            self._cells = [c for c, s in zip(self._cells, stay, strict=True) if s]
        self._cells = [c if c.base is None else c.copy() for c in self._cells]  # let go of the block

    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Rank (from 1) and expression of every pair of the cells that were kept."""
        ranks = [np.arange(1, len(c) + 1) for c in self._cells]
        return np.concatenate([[], *ranks]), np.concatenate([[], *self._cells])


def _sorted_rows(block: np.ndarray | sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Values of a block, each row sorted in rising order, and where the rows begin."""
    if isinstance(block, np.ndarray):
        data = np.sort(as_float(block), axis=1).ravel()
        indptr = np.arange(len(block) + 1) * block.shape[1]
    else:
        if not block.has_canonical_format:
            block = block.copy()
            block.sum_duplicates()
        data, indptr = as_float(block.data).copy(), block.indptr.astype(np.int64)
        for start, stop in zip(indptr[:-1], indptr[1:], strict=True):
            data[start:stop].sort()
    if not np.isfinite(data).all() or data.min(initial=0) < 0:
        msg = "the expression holds negative or non-finite values (scaled data?); pass log-normalised values"
        raise InvalidValuesError(msg)
    return data, indptr
