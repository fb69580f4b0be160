from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeAlias

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


def refuse_damaged(X: sparse.spmatrix | sparse.sparray) -> None:
    """Raise if the arrays of a sparse matrix do not fit each other or its shape; compiled code would read beyond them.

    scipy looks at this only in part, and only where a matrix is built, not where its arrays are set or read from a
    file. One pass over the indices, and nothing is copied. A gene that comes twice in a row is allowed: as everywhere
    in scipy, its values are summed.

    Raises
    ------
    ValueError
        If an index lies outside of the matrix, index pointers fall or are too few, or an array is too short.
    """
    if X.format in ("csr", "csc"):
        n_major, n_minor = X.shape if X.format == "csr" else X.shape[::-1]
        refuse_wrong_pointers(X.indptr, n_major, len(X.indices), len(X.data))
        _refuse_outside(X.indices[: X.indptr[-1]], n_minor)
    elif X.format == "coo":
        for index, size in zip((X.row, X.col), X.shape, strict=True):
            if len(index) != len(X.data):
                _damaged(f"{len(X.data)} values for {len(index)} indices")
            _refuse_outside(index, size)


def refuse_wrong_pointers(indptr: np.ndarray, n_major: int, n_indices: int, n_values: int) -> None:
    """Raise if rows (of CSR; columns of CSC) do not begin and end where there are values; also for arrays on disk."""
    if indptr.ndim != 1 or indptr.dtype.kind not in "iu" or len(indptr) != n_major + 1:
        _damaged(f"indptr has shape {indptr.shape} and dtype {indptr.dtype}, where {n_major + 1} integers are needed")
    if indptr[0] != 0 or (indptr[1:] < indptr[:-1]).any():
        _damaged("indptr does not rise from 0")
    if int(indptr[-1]) > min(n_indices, n_values):
        _damaged(f"indptr ends at {indptr[-1]}, but there are {n_indices} indices and {n_values} values")


def _refuse_outside(indices: np.ndarray, size: int) -> None:
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        _damaged(f"indices have shape {indices.shape} and dtype {indices.dtype}, where a row of integers is needed")
    # read as unsigned, a negative index is larger than all others: one pass finds both
    if indices.size and int(indices.view(f"u{indices.dtype.itemsize}").max()) >= size:
        _damaged(f"an index is {_first_outside(indices, size)}, where 0 to {size - 1} are allowed")


def _first_outside(indices: np.ndarray, size: int) -> int:
    return int(indices[np.flatnonzero((indices < 0) | (indices >= size))[0]])


def _damaged(what: str) -> NoReturn:
    msg = (
        f"the sparse matrix is damaged: {what}; read the file again, or build the matrix again, e.g. "
        "X = scipy.sparse.csr_matrix((values, (rows, columns)), shape=shape)"
    )
    raise ValueError(msg)


def csr_rows(X: sparse.csr_matrix, start: int, stop: int) -> sparse.csr_matrix:
    """Rows of a CSR matrix that share its memory."""
    if start == 0 and stop == X.shape[0]:
        return X
    first, last = X.indptr[start], X.indptr[stop]
    rows = sparse.csr_matrix((stop - start, X.shape[1]), dtype=X.dtype)
    rows.data, rows.indices, rows.indptr = X.data[first:last], X.indices[first:last], X.indptr[start : stop + 1] - first
    return rows


def row_parts(
    X: Matrix, size: int | None = None, *, checked: bool = False
) -> Iterator[tuple[int, np.ndarray | sparse.csr_matrix]]:
    """The matrix in parts of at most `size` rows (``None``: no limit), dense or CSR, each with the row it begins at.

    Dense and CSR matrices are not copied. CSC is brought to CSR part by part, other formats as a whole. A damaged
    matrix is refused (:func:`refuse_damaged`), unless it is `checked`.
    """
    n_rows = X.shape[0]
    size = size or max(1, n_rows)
    if isinstance(X, np.ndarray):
        for start in range(0, n_rows, size):
            yield start, X[start : start + size]
        return
    if not checked:
        refuse_damaged(X)
    if X.format == "csc":
        step = max(min(size, 2048), -(-n_rows // _CSC_PARTS))
        for first in range(0, n_rows, step):
            for start, part in row_parts(X[first : first + step].tocsr(), size, checked=True):
                yield first + start, part
    else:
        rows = X.tocsr()
        for start in range(0, n_rows, size):
            yield start, csr_rows(rows, start, min(start + size, n_rows))
