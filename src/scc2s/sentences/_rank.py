from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from ._blocks import InvalidValuesError, as_float, csr_rows, refuse_damaged, row_parts
from ._kernels import BAD, REPEATED
from ._names import name_hashes
from ._rank_rows import Rows, Rules, rank_rows
from ._threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._blocks import Matrix

NEGATIVE, NOT_FINITE = 4, 8

TieBreak = Literal["hash", "name", "var_order"]


def rank(
    X: Matrix,
    n_genes: int | None = None,
    *,
    names: Sequence[str],
    tie_break: TieBreak = "hash",
    seed: int = 0,
    allowed: np.ndarray | None = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Rank the expressed genes of each cell by falling expression.

    Only values above 0 count: stored zeros are not expression. Genes with the same value are ordered by `tie_break`:

    - ``"hash"``: by a 64-bit hash of (the set of genes the cell expresses, gene name). It favours no gene, and gives
      one order for counts, CP10k and log1p of a cell, whatever the order of genes or cells (scc2s definition).
    - ``"name"``: alphabetically. ``"var_order"``: as the columns stand.

    Parameters
    ----------
    X
        Expression, cells x genes: dense or CSR (walked as they are), CSC (brought to CSR in a few parts), or any other
        scipy sparse format (brought to CSR as a whole).
    n_genes
        Keep this many genes a cell; ``None`` keeps all expressed ones.
    names
        Name of each gene.
    tie_break
        Order of tied genes.
    seed
        Seed of the tie hash.
    allowed
        Boolean, one entry a gene: genes marked ``False`` are left out, but their values are checked too.
    n_jobs
        Threads; ``None`` takes all cores. The result does not depend on it.

    Returns
    -------
    int32 array, cells x k: indices of genes, best first, -1 after the last. k is `n_genes`, or the largest number
    of genes that a cell expresses where that is smaller.

    Raises
    ------
    InvalidValuesError
        If `X` holds negative or non-finite values.
    ValueError
        If the arrays of a sparse `X` do not fit each other (a damaged file).

    Examples
    --------
    >>> rank(np.array([[0.0, 2.0, 5.0], [1.0, 0.0, 0.0]]), names=["A", "B", "C"]).tolist()
    [[2, 1], [0, -1]]
    """
    ranker = Ranker(names, tie_break=tie_break, seed=seed, allowed=allowed, n_jobs=n_jobs)
    if sparse.issparse(X):
        refuse_damaged(X)
    return ranker(X, n_genes)


class Ranker:
    """:func:`rank` with its preparation done once, for data that comes in blocks."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        tie_break: TieBreak = "hash",
        seed: int = 0,
        allowed: np.ndarray | None = None,
        n_jobs: int | None = None,
    ) -> None:
        hashes = name_hashes(names, seed=seed)
        keys = _tie_keys(tie_break, hashes, names)
        mask = np.zeros(0, dtype=bool) if allowed is None else np.ascontiguousarray(allowed, dtype=bool)
        if allowed is not None and mask.shape != (len(names),):
            msg = f"allowed has shape {mask.shape}; pass one boolean a gene ({len(names)})"
            raise ValueError(msg)
        self._rules = Rules(hashes, keys, by_content=tie_break == "hash", allowed=mask)
        self.n_jobs = n_jobs

    def __call__(
        self,
        X: Matrix,
        n_genes: int | None = None,
        *,
        start: int = 0,
        then: Callable[[int, np.ndarray], None] | None = None,
    ) -> np.ndarray:
        """Rank the genes of some cells, as :func:`rank` does; `start` is the number of the first, for errors.

        `then` is called with rows of the result, and the row of `X` they begin at, by the thread that ranked them, so
        that other threads go on meanwhile. Rows that are refused in the end may be among them, without genes.

        `X` is not damaged: it is a block of :func:`row_parts`, or was given to :func:`refuse_damaged`.
        """
        n_cells, n_vars = X.shape
        if len(self._rules.keys) != n_vars:
            msg = f"{len(self._rules.keys)} names for {n_vars} genes; pass one name a column of X"
            raise ValueError(msg)
        if isinstance(n_genes, bool) or not isinstance(n_genes, int | np.integer | None):
            msg = f"n_genes is {n_genes!r}; pass a whole number, or None for all expressed genes"
            raise TypeError(msg)
        if n_genes is not None and n_genes < 1:
            msg = f"n_genes is {n_genes}; pass 1 or more, or None for all expressed genes"
            raise ValueError(msg)
        k = max(1, min(n_genes or n_vars, n_vars))
        if n_genes is None:
            k = max(1, _most_expressed(X))
        out = np.empty((n_cells, k), dtype=np.int32)
        flags = np.zeros(n_cells, dtype=np.uint8)
        for first, part in row_parts(X, checked=True):
            last = first + part.shape[0]
            self._rank_part(part, out[first:last], flags[first:last], first, then)
            _tell_apart(part, flags[first:last])
        _refuse(flags, start)
        if (out[:, -1] >= 0).any():
            return out
        n_used = int((out >= 0).sum(axis=1).max(initial=0))
        return out[:, : max(1, n_used)]

    def _rank_part(
        self,
        part: np.ndarray | sparse.csr_matrix,
        out: np.ndarray,
        flags: np.ndarray,
        first: int,
        then: Callable[[int, np.ndarray], None] | None,
    ) -> None:
        def run(start: int, stop: int) -> None:
            self._run(part, start, stop, out[start:stop], flags[start:stop])
            again = start + np.flatnonzero(flags[start:stop] & REPEATED)
            for i in again.tolist():  # rare, only in CSR: mended row by row, on a copy
                row = sparse.csr_matrix(part[i : i + 1], copy=True)
                row.sum_duplicates()
                self._run(row, 0, 1, out[i : i + 1], flags[i : i + 1])
            if then is not None:
                then(first + start, out[start:stop])

        in_threads(run, part.shape[0], self.n_jobs)

    def _run(
        self, part: np.ndarray | sparse.csr_matrix, start: int, stop: int, out: np.ndarray, flags: np.ndarray
    ) -> None:
        n_vars = part.shape[1]
        if isinstance(part, np.ndarray):
            data = np.ascontiguousarray(as_float(part[start:stop])).reshape(-1)
            begin = np.arange(stop - start) * n_vars
            rows = Rows(data, begin, begin + n_vars, np.arange(n_vars, dtype=np.int32), np.zeros_like(begin))
        else:
            some = csr_rows(part, start, stop)
            # one type of index, so that the kernel is compiled once
            genes, indptr = some.indices.astype(np.int32, copy=False), some.indptr.astype(np.int64)
            rows = Rows(np.ascontiguousarray(as_float(some.data)), indptr[:-1], indptr[1:], genes, indptr[:-1])
        rank_rows(rows, self._rules, out, flags)


def _tie_keys(tie_break: TieBreak, hashes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    if tie_break == "hash":
        return hashes
    # spread over the whole range, as hashes are
    order = np.arange(len(names), dtype=np.uint64) << np.uint64(64 - max(1, len(names).bit_length()))
    if tie_break == "var_order":
        return order
    if tie_break == "name":
        keys = np.empty_like(order)
        keys[np.argsort(np.asarray(names, dtype=object), kind="stable")] = order
        return keys
    msg = f"tie_break={tie_break!r} is not known; pass 'hash', 'name' or 'var_order'"
    raise ValueError(msg)


def _most_expressed(X: Matrix) -> int:
    if isinstance(X, np.ndarray):
        return max((int((X[i : i + 1000] > 0).sum(axis=1).max(initial=0)) for i in range(0, len(X), 1000)), default=0)
    if X.format == "csc":
        return int(np.bincount(X.indices).max(initial=0))
    return int(np.diff(X.tocsr().indptr).max(initial=0))


def _tell_apart(part: np.ndarray | sparse.csr_matrix, flags: np.ndarray) -> None:
    """Say of rows that are BAD whether their values are negative, not finite, or both."""
    for i in np.flatnonzero(flags & BAD).tolist():
        values = part[i] if isinstance(part, np.ndarray) else part.data[part.indptr[i] : part.indptr[i + 1]]
        finite = np.isfinite(values)
        negative = bool((values[finite] < 0).any())
        # where neither is so, values of one gene have a sum that is too large
        flags[i] = (NEGATIVE if negative else 0) | (0 if finite.all() and negative else NOT_FINITE)


def _refuse(flags: np.ndarray, start: int) -> None:
    for bit, what in ((NOT_FINITE, "NaN or infinite values"), (NEGATIVE, "negative values (scaled data?)")):
        bad = np.flatnonzero(flags & bit)
        if len(bad):
            msg = (
                f"{what} in {len(bad)} of {len(flags)} cells (first: row {start + bad[0]}) have no place in a ranking; "
                "pass counts or log-normalised values, e.g. layer='counts', or call sc.pp.c2s_check(adata)"
            )
            raise InvalidValuesError(msg)
