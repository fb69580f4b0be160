from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._blocks import InvalidValuesError, as_float
from ._exact_sums import ExactSums
from ._rank_sums_kernels import add_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scipy import sparse


class RankSums:
    """What a rank-expression fit has to know: for each rank, how many cells reach it, and the sum and sum of squares.

    Filled block by block. Only the sorted values of a cell enter, so the order of tied genes has no say. For the rank
    correlation whole cells are kept: those whose values hash below a limit, which is halved while they hold more than
    `max_pairs` pairs. So the choice depends neither on the blocks nor on the order of cells. Sums are exact, and
    depend on neither as well: those of parts of the cells, put together, are those of all.

    Parameters
    ----------
    max_pairs, seed
        Of the cells that are kept.
    halved
        How often the limit is halved before the first cell: for a part of so many cells that it will be in the end.
    """

    def __init__(self, *, max_pairs: int = 2_000_000, seed: int = 0, halved: int = 0) -> None:
        self.n: np.ndarray = np.zeros(0, dtype=np.int64)
        self.n_cells = 0
        self._first, self._second = ExactSums(), ExactSums()
        self._max_pairs = max_pairs
        self._seed = np.uint64(seed)
        self._limit = np.uint64((2**64 - 1) >> halved)
        self._draw = np.zeros(0, dtype=np.uint64)
        self._cells: list[np.ndarray] = []

    def add(self, block: np.ndarray | sparse.csr_matrix) -> None:
        """Take in some cells: log-normalised expression, dense or CSR."""
        rows, indptr = _sorted_rows(block)
        data = rows.astype(np.float64, copy=False)
        squares = (data * data).view(np.uint64)
        longest = int(np.diff(indptr).max(initial=0))
        if longest > len(self.n):
            self.n = np.pad(self.n, (0, longest - len(self.n)))
        self._first.room(len(self.n), data.view(np.uint64))
        self._second.room(len(self.n), squares)
        n_cells = len(indptr) - 1
        n_expressed, draw = np.empty(n_cells, dtype=np.int64), np.empty(n_cells, dtype=np.uint64)
        add_rows(
            data, data.view(np.uint64), squares, indptr, self._seed, self.n, self._first.digits, self._first.first,
            self._second.digits, self._second.first, n_expressed, draw,
        )  # fmt: skip
        self.n_cells += n_cells
        chosen = np.flatnonzero((draw <= self._limit) & (n_expressed > 0))
        self._draw = np.concatenate([self._draw, draw[chosen]])
        self._cells += [rows[indptr[i + 1] - n_expressed[i] : indptr[i + 1]][::-1] for i in chosen]
        self._keep_few()

    def _keep_few(self) -> None:
        while sum(map(len, self._cells)) > self._max_pairs:
            self._limit >>= np.uint64(1)
            self._leave_out()
        self._cells = [c if c.base is None else c.copy() for c in self._cells]  # let go of the block

    def _leave_out(self) -> None:
        stay = self._draw <= self._limit
        self._draw = self._draw[stay]
        self._cells = [c for c, s in zip(self._cells, stay, strict=True) if s]

    @property
    def halved(self) -> int:
        """How often the limit was halved."""
        return 64 - int(self._limit).bit_length()

    @property
    def first(self) -> np.ndarray:
        """Sum of the values at each rank."""
        return self._first.values()

    @property
    def second(self) -> np.ndarray:
        """Sum of their squares."""
        return self._second.values()

    def state(self) -> dict[str, np.ndarray]:
        """Everything, as arrays: for a file, or another process."""
        return {
            "n": self.n,
            "n_cells": np.array(self.n_cells),
            "first": self._first.digits,
            "second": self._second.digits,
            "digits": np.array([self._first.first, self._second.first]),
            "limit": np.array(self._limit),
            "draw": self._draw,
            "lengths": np.array([len(c) for c in self._cells], dtype=np.int64),
            "cells": np.concatenate([np.empty(0, self._cells[0].dtype if self._cells else float), *self._cells]),
        }

    def add_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take in what another one has seen, with the same `max_pairs` and `seed`."""
        n = state["n"]
        if len(n) > len(self.n):
            self.n = np.pad(self.n, (0, len(n) - len(self.n)))
        self.n[: len(n)] += n
        self.n_cells += int(state["n_cells"])
        self._first.add(state["first"], int(state["digits"][0]))
        self._second.add(state["second"], int(state["digits"][1]))
        self._limit = min(self._limit, np.uint64(state["limit"]))
        self._draw = np.concatenate([self._draw, state["draw"]])
        self._cells += np.split(state["cells"], np.cumsum(state["lengths"])[:-1]) if len(state["lengths"]) else []
        self._leave_out()
        self._keep_few()

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
