from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

Matrix: TypeAlias = np.ndarray | sparse.spmatrix | sparse.sparray

_CSC_PARTS = 16
"""A row block of CSC costs a walk over all of it, so there are few."""


class InvalidValuesError(ValueError):
    """The matrix holds values that have no rank: negative, NaN or infinite."""


def as_float(data: np.ndarray) -> np.ndarray:
    """float32 and float64 as they are; anything else to the smaller of the two that holds it exactly."""
    if data.dtype in (np.float32, np.float64):
        return data
    if data.dtype.kind not in "fiub":
        msg = f"the matrix has dtype {data.dtype}; pass numbers, e.g. adata.X = adata.X.astype('float32')"
        raise TypeError(msg)
    return data.astype(np.float32 if data.dtype.itemsize <= 2 else np.float64)


def csr_rows(X: sparse.csr_matrix, start: int, stop: int) -> sparse.csr_matrix:
    """Rows of a CSR matrix that share its memory."""
    if start == 0 and stop == X.shape[0]:
        return X
    first, last = X.indptr[start], X.indptr[stop]
    rows = sparse.csr_matrix((stop - start, X.shape[1]), dtype=X.dtype)
    rows.data, rows.indices, rows.indptr = X.data[first:last], X.indices[first:last], X.indptr[start : stop + 1] - first
    return rows


def row_parts(X: Matrix, size: int | None = None) -> Iterator[tuple[int, np.ndarray | sparse.csr_matrix]]:
    """The matrix in parts of at most `size` rows (``None``: no limit), dense or CSR, each with the row it begins at.

    Dense and CSR matrices are not copied. CSC is brought to CSR part by part, other formats as a whole.
    """
    n_rows = X.shape[0]
    size = size or max(1, n_rows)
    if isinstance(X, np.ndarray):
        for start in range(0, n_rows, size):
            yield start, X[start : start + size]
    elif X.format == "csc":
        step = max(min(size, 2048), -(-n_rows // _CSC_PARTS))
        for first in range(0, n_rows, step):
            for start, part in row_parts(X[first : first + step].tocsr(), size):
                yield first + start, part
    else:
        rows = X.tocsr()
        for start in range(0, n_rows, size):
            yield start, csr_rows(rows, start, min(start + size, n_rows))
