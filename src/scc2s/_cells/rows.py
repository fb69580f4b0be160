"""Row blocks of whatever an AnnData may hold as a matrix: in memory, on disk, or a dask array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from anndata.abc import CSCDataset, CSRDataset
from scipy import sparse

from scc2s.sentences._blocks import refuse_damaged, refuse_wrong_pointers, row_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 16_384
_ON_DISK = 4_096


def row_blocks(X: Any, size: int = BLOCK) -> Iterator[tuple[int, np.ndarray | sparse.csr_matrix]]:
    """The matrix in blocks of at most `size` rows, in memory, dense or CSR, each with the row it begins at.

    What is on disk is read block by block; a dask array is computed one row of chunks at a time.
    """
    if isinstance(X, np.ma.MaskedArray):
        X = _without_mask(X)
    if isinstance(X, CSRDataset | CSCDataset):
        on_disk = X.group
        n_major = X.shape[0 if isinstance(X, CSRDataset) else 1]
        refuse_wrong_pointers(on_disk["indptr"][:], n_major, *(on_disk[name].shape[0] for name in ("indices", "data")))
    if isinstance(X, np.ndarray) or sparse.issparse(X):
        yield from row_parts(X, size)
    elif isinstance(X, CSCDataset):
        yield from _from_columns_on_disk(X)
    elif hasattr(X, "dask"):
        start = 0
        for chunk in X.rechunk({1: -1}).blocks if 0 not in X.shape else ():
            part = chunk.compute()
            for first, block in row_parts(part, size):
                yield start + first, block
            start += part.shape[0]
    elif isinstance(X, CSRDataset) or hasattr(X, "chunks"):  # h5py and zarr name the chunks of a dense array
        for start in range(0, X.shape[0], min(size, _ON_DISK)):
            block = X[start : start + min(size, _ON_DISK)]
            if sparse.issparse(block):
                refuse_damaged(block)
            yield start, block
    else:
        msg = (
            f"cannot read a matrix of type {type(X).__name__}; make it numpy, scipy.sparse or dask, e.g. np.asarray(X)"
        )
        raise TypeError(msg)


def _without_mask(X: np.ma.MaskedArray[Any, Any]) -> np.ndarray:
    if n := int(np.count_nonzero(np.ma.getmaskarray(X))):
        msg = f"{n} values of the matrix are masked; set them, e.g. adata.X = adata.X.filled(0)"
        raise ValueError(msg)
    return np.asarray(X.data)


def _from_columns_on_disk(X: CSCDataset) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Rows of a CSC matrix on disk: a few passes over its columns, so that only a part of it is ever in memory."""
    n_rows, n_columns = X.shape
    step = max(_ON_DISK, -(-n_rows // 8))
    slab = max(1, n_columns // 16)
    for start in range(0, n_rows, step):
        parts = []
        for column in range(0, max(1, n_columns), slab):
            part = X[:, column : column + slab]
            refuse_damaged(part)
            parts.append(part.tocsr()[start : start + step])
        yield start, sparse.hstack(parts, format="csr")
