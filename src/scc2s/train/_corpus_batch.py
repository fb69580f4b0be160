"""A batch of cells, as it comes: what is read from it, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s.sentences._blocks import InvalidValuesError, as_float, refuse_damaged

from ._corpus_kernels import find_plain

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class CellBatch:
    """Some cells of one data set, for :func:`scc2s.train.corpus`.

    Parameters
    ----------
    X
        Expression, cells x genes: dense or scipy sparse; counts are best.
    obs
        One row a cell: its name as index, labels and groups as columns.
    names
        Name of each gene; ``None`` takes `names` of the call.
    study
        Name of the data set.

    Examples
    --------
    >>> batch = CellBatch(np.eye(2), pd.DataFrame({"cell_type": ["B cell", "T cell"]}), ["CD19", "CD3D"], "blood")
    >>> batch.X.shape
    (2, 2)
    """

    X: Any
    obs: pd.DataFrame
    names: Sequence[str] | None = None
    study: str | None = None


SMALL = 2**16
"""Numbers of genes and values below this are kept in 16 bits."""

Batch: TypeAlias = CellBatch | tuple[Any, pd.DataFrame] | Mapping[str, Any]
"""What a batch may be: also ``(X, obs)``, or a mapping with these and perhaps ``"var"``, as annbatch yields them."""


@dataclass(frozen=True)
class Counted:
    """A batch whose form has been looked at."""

    X: Any
    obs: pd.DataFrame
    names: list[str]
    study: str
    first: int
    """Number of its first cell among all cells that have come."""

    def after(self, n: int) -> Counted:
        """Without the first `n` cells."""
        X = self.X if isinstance(self.X, np.ndarray) else self.X.tocsr()
        return Counted(X[n:], self.obs.iloc[n:], self.names, self.study, self.first + n)


def opened(batch: Any, names: Sequence[str] | None, first: int) -> Counted:
    """The parts of a batch.

    Raises
    ------
    TypeError
        If it is none, or its parts are of another type.
    ValueError
        If cells or genes are not as many as their names.
    """
    if isinstance(batch, Mapping) and "X" in batch and "obs" in batch:
        var = batch.get("var")
        batch = CellBatch(batch["X"], batch["obs"], None if var is None or names is not None else var.index.tolist())
    elif isinstance(batch, tuple) and len(batch) == 2:
        batch = CellBatch(*batch)
    if not isinstance(batch, CellBatch):
        msg = (
            f"a batch is of type {type(batch).__name__}; pass batches= of (X, obs), of train.CellBatch(X, obs, names, "
            "study), or for an AnnData scc2s.pp.batches(adata)"
        )
        raise TypeError(msg)
    X, obs, own, study = batch.X, batch.obs, batch.names, batch.study
    if not isinstance(obs, pd.DataFrame):
        msg = f"obs of the batch at cell {first} is of type {type(obs).__name__}; pass a pandas DataFrame, a row a cell"
        raise TypeError(msg)
    if not (isinstance(X, np.ndarray) or sparse.issparse(X)) or X.ndim != 2:
        msg = (
            f"X of the batch at cell {first} is of type {type(X).__name__}; pass numpy or scipy.sparse, cells x genes "
            "(with annbatch: to=None, preload_to_gpu=False)"
        )
        raise TypeError(msg)
    if len(obs) != X.shape[0]:
        msg = f"the batch at cell {first} has {X.shape[0]} cells in X and {len(obs)} in obs; pass one row of obs a cell"
        raise ValueError(msg)
    own = names if own is None else own
    if own is None:
        msg = f"the batch at cell {first} has no names of genes; pass names=, or batches of train.CellBatch"
        raise ValueError(msg)
    if len(own) != X.shape[1]:
        msg = f"{len(own)} names for {X.shape[1]} genes in the batch at cell {first}; pass one name a column of X"
        raise ValueError(msg)
    return Counted(X, obs, list(own), "" if study is None else str(study), first)


def counts_of(X: Any, first: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Expression as CSR of floats, without zeros and with each gene once; what was given is not changed.

    Returns
    -------
    The matrix, and which cells have a value that is no whole number up to 65,535.

    Raises
    ------
    InvalidValuesError
        If a value is negative or not finite.
    ValueError
        If the arrays of a sparse matrix do not fit each other.
    """
    if sparse.issparse(X):
        refuse_damaged(X)
        found = X.tocsr()
        found = sparse.csr_matrix((as_float(found.data), found.indices, found.indptr), shape=found.shape)
    else:
        found = sparse.csr_matrix(as_float(np.asarray(X)))
    plain = np.empty(found.shape[0], dtype=bool)
    find_plain(found.indptr, found.indices, found.data, plain)
    if plain.all():
        return found, ~plain
    # a minimum that is NaN or below 0, or a maximum that is infinite
    low, high = (float(f(found.data, initial=0)) for f in (np.min, np.max))
    if not (low >= 0 and np.isfinite(high)):
        with np.errstate(invalid="ignore"):
            bad = _rows_of(found)[~((found.data >= 0) & (found.data < np.inf))]
        msg = (
            f"negative, NaN or infinite values in {len(np.unique(bad))} of {found.shape[0]} cells (first: cell "
            f"{first + int(bad[0])}) have no place in a ranking; pass counts or log-normalised values, e.g. "
            "layer='counts'"
        )
        raise InvalidValuesError(msg)
    if not found.has_canonical_format:
        found = found.copy()
        found.sum_duplicates()
    if (found.data == 0).any():
        found = found.copy()
        found.eliminate_zeros()
    wide = np.zeros(found.shape[0], dtype=bool)
    wide[_rows_of(found)[(found.data >= SMALL) | (found.data != np.rint(found.data))]] = True
    return found, wide


def _rows_of(X: sparse.csr_matrix) -> np.ndarray:
    """Row of each value."""
    return np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
