from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from ._kernels import NEGATIVE, NOT_FINITE, UNSORTED, rank_csr, rank_dense
from ._names import name_hashes
from ._threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

TieBreak = Literal["hash", "name", "var_order"]


class InvalidValuesError(ValueError):
    """The matrix holds values that have no rank: negative, NaN or infinite."""


def rank(
    X: np.ndarray | sparse.spmatrix | sparse.sparray,
    n_genes: int | None = None,
    *,
    names: Sequence[str],
    tie_break: TieBreak = "hash",
    seed: int = 0,
    allowed: np.ndarray | None = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Rank the expressed genes of each cell by falling expression.

    Only values above 0 count: stored zeros are no expression. Genes with the same value are ordered by `tie_break`:

    - ``"hash"``: by a 64-bit hash of (the set of genes the cell expresses, gene name). It favours no gene, and gives one
      order for counts, CP10k and log1p of a cell, whatever the order of genes or cells (scc2s definition).
    - ``"name"``: alphabetically. ``"var_order"``: as the columns stand.

    Parameters
    ----------
    X
        Expression, cells x genes: CSR (walked as it is), any other scipy sparse format (read in blocks of rows) or dense.
    n_genes
        Keep this many genes a cell; ``None`` keeps all expressed ones.
    names
        Name of each gene.
    tie_break
        Order of tied genes.
    seed
        Seed of the tie hash.
    allowed
        Boolean, one entry a gene: genes marked ``False`` are left out, as if they were not in the matrix.
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

    Examples
    --------
    >>> rank(np.array([[0.0, 2.0, 5.0], [1.0, 0.0, 0.0]]), names=["A", "B", "C"]).tolist()
    [[2, 1], [0, -1]]
    """
    n_cells, n_vars = X.shape
    if len(names) != n_vars:
        msg = f"{len(names)} names for {n_vars} genes; pass one name a column of X"
        raise ValueError(msg)
    if n_genes is not None and n_genes < 1:
        msg = f"n_genes is {n_genes}; pass 1 or more, or None for all expressed genes"
        raise ValueError(msg)
    hashes = name_hashes(names, seed=seed)
    keys = _tie_keys(tie_break, hashes, names)
    mask = np.ones(n_vars, dtype=bool) if allowed is None else np.ascontiguousarray(allowed, dtype=bool)
    if mask.shape != (n_vars,):
        msg = f"allowed has shape {mask.shape}; pass one boolean a gene ({n_vars})"
        raise ValueError(msg)
    k = max(1, min(n_genes or n_vars, n_vars))
    if n_genes is None:
        k = max(1, _most_expressed(X))
    out = np.full((n_cells, k), -1, dtype=np.int32)
    flags = np.zeros(n_cells, dtype=np.uint8)
    by_content = tie_break == "hash"

    def run(start: int, stop: int) -> None:
        block, first = _block(X, start, stop)
        args = (keys, hashes, mask, by_content, k, out[start:stop], flags[start:stop])
        if isinstance(block, np.ndarray):
            rank_dense(block, first, first + stop - start, *args)
        else:
            rank_csr(block.data, block.indices, block.indptr, first, first + stop - start, *args)

    in_threads(run, n_cells, n_jobs)
    unsorted = np.flatnonzero(flags & UNSORTED)
    for i in unsorted:  # unsorted or repeated column indices: rare, mended row by row on a copy
        row = sparse.csr_matrix(X[[i]])
        row.sum_duplicates()
        data = _as_float(row.data)
        args = (keys, hashes, mask, by_content, k, out[i : i + 1], flags[i : i + 1])
        rank_csr(data, row.indices, row.indptr, 0, 1, *args)
    _refuse(flags)
    n_used = int((out >= 0).sum(axis=1).max(initial=0))
    return out[:, : max(1, n_used)] if n_used < k else out


def _tie_keys(tie_break: TieBreak, hashes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    if tie_break == "hash":
        return hashes
    order = np.arange(len(names), dtype=np.uint64)
    if tie_break == "var_order":
        return order
    if tie_break == "name":
        keys = np.empty_like(order)
        keys[np.argsort(np.asarray(names, dtype=object), kind="stable")] = order
        return keys
    msg = f"tie_break={tie_break!r} is not known; pass 'hash', 'name' or 'var_order'"
    raise ValueError(msg)


def _as_float(data: np.ndarray) -> np.ndarray:
    """float32 and float64 as they are; anything else to the smaller of the two that holds it exactly."""
    if data.dtype in (np.float32, np.float64):
        return data
    if data.dtype.kind not in "fiub":
        msg = f"X has dtype {data.dtype}; pass numbers, e.g. adata.X = adata.X.astype('float32')"
        raise TypeError(msg)
    return data.astype(np.float32 if data.dtype.itemsize <= 2 else np.float64)


def _block(X: np.ndarray | sparse.spmatrix | sparse.sparray, start: int, stop: int) -> tuple:
    """Rows as the kernel reads them, and the row at which they begin there."""
    if isinstance(X, np.ndarray):
        return np.ascontiguousarray(_as_float(X[start:stop])), 0
    if X.format == "csr" and X.dtype in (np.float32, np.float64):
        return X, start
    block = X.tocsr()[start:stop] if X.format == "coo" else X[start:stop].tocsr()
    return sparse.csr_matrix((_as_float(block.data), block.indices, block.indptr), shape=block.shape), 0


def _most_expressed(X: np.ndarray | sparse.spmatrix | sparse.sparray) -> int:
    if isinstance(X, np.ndarray):
        return max((int((X[i : i + 1000] > 0).sum(axis=1).max(initial=0)) for i in range(0, len(X), 1000)), default=0)
    if X.format == "csr":
        return int(np.diff(X.indptr).max(initial=0))
    return int(np.bincount(X.tocoo().coords[0] if hasattr(X, "coords") else X.tocoo().row).max(initial=0))


def _refuse(flags: np.ndarray) -> None:
    for bit, what in ((NOT_FINITE, "NaN or infinite values"), (NEGATIVE, "negative values (scaled data?)")):
        bad = np.flatnonzero(flags & bit)
        if len(bad):
            msg = f"{what} in {len(bad)} of {len(flags)} cells (first: row {bad[0]}): they have no place in a ranking"
            raise InvalidValuesError(msg)
