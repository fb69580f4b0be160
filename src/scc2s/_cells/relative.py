"""Expression above a reference: log-normalised values less a mean, where they are higher."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from scc2s._cells.access import expression, get_adata
from scc2s._cells.columns import column
from scc2s._cells.pooling import group_sums
from scc2s._cells.provenance import file_names
from scc2s._cells.values import describe, log_blocks
from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scc2s._cells.access import WhichFeatures
    from scc2s._cells.expression import Expression
    from scc2s._cells.values import Values

TARGET_SUM = 1e4
"""Total of a cell before the logarithm, as scanpy's users have it."""
_BLOCK = 2048
_ROUNDING = 1e-6
"""A gene that differs from its reference by less is at it: float32 holds no more."""


@dataclass(frozen=True)
class Relative:
    """An :class:`~scc2s._cells.expression.Expression` less a reference, in its place."""

    expressed: Expression
    values: Values
    names: list[str]
    """Word of each gene that is used."""
    means: np.ndarray
    """Reference, one row a group: mean of ``log(1 + x)``, x of a total of :data:`TARGET_SUM`; NaN: has no such gene."""
    groups: list[str]
    """Name of each row of `means`."""
    codes: np.ndarray
    """Row of `means` of each cell."""
    said: str
    """What the reference is, for the record."""
    allowed: None = None

    @property
    def n_cells(self) -> int:
        """Rows of the matrix."""
        return self.expressed.n_cells

    @property
    def source(self) -> str:
        """Where the matrix stands in the AnnData."""
        return self.expressed.source

    @property
    def table(self) -> pd.DataFrame:
        """The reference: genes x groups."""
        columns = file_names(self.groups)
        return pd.DataFrame(self.means.T, index=pd.Index(self.names, dtype=object), columns=columns)

    def blocks(self, size: int = _BLOCK) -> Iterator[tuple[int, sparse.csr_matrix]]:
        """Differences above 0, in blocks of rows, each with the row it begins at; `size` is a block of logarithms."""
        del size
        for start, block in _numbered(self.expressed, self.values):
            found = sparse.csr_matrix(block, dtype=np.float64, copy=True)
            rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
            difference = found.data - self.means[self.codes[start + rows], found.indices]
            with np.errstate(invalid="ignore"):
                found.data = np.where(difference > _ROUNDING, difference, 0.0).astype(np.float32)
            found.eliminate_zeros()
            yield start, found


def relative_to(
    adata: AnnData, expressed: Expression, reference: Any, *, mod: str, features: WhichFeatures = "genes"
) -> Relative:
    """The expression above a reference.

    Parameters
    ----------
    adata
        Cells.
    expressed
        Their expression.
    reference
        ``"mean"``: mean of all cells. Another text: a column of ``.obs``, mean of the cells of the cell's own group. A
        Series by gene, or an array with one value a gene of the matrix: log-normalised values. An AnnData: the mean of
        its rows.
    mod
        Modality, where the reference is a MuData.
    features
        As in :func:`scc2s._cells.access.expression`, for a reference that is an AnnData.

    Raises
    ------
    KeyError
        If there is no such column.
    TypeError
        If it is something else.
    ValueError
        If the values have no logarithm, or no gene has a reference, or values of it are negative or not finite.
    """
    values = describe(expressed.blocks(_BLOCK))
    kept = np.ones(len(expressed.names), dtype=bool) if expressed.allowed is None else expressed.allowed
    names = [name for name, used in zip(expressed.names, kept, strict=True) if used]
    codes = np.zeros(expressed.n_cells, dtype=np.int64)
    if isinstance(reference, str) and reference == "mean":
        means, groups, said = _means(expressed, values, codes, 1), ["mean"], "mean"
    elif isinstance(reference, str):
        column_of = column(adata, reference, "reference", missing=False).astype("category")
        column_of = column_of.cat.remove_unused_categories()
        codes = column_of.cat.codes.to_numpy().astype(np.int64)
        groups, said = [str(name) for name in column_of.cat.categories], f"obs[{reference!r}]"
        means = _means(expressed, values, codes, len(groups))
    else:
        given, said = _given(reference, expressed, kept, mod, features)
        means, groups = given.reindex(names).to_numpy(dtype=np.float64)[None, :], ["mean"]
        _refuse_unlike(means, len(names))
    # float32, so that the order in which cells were added up does not decide between genes
    return Relative(expressed, values, names, means.astype(np.float32), groups, codes, said)


def _means(expressed: Expression, values: Values, codes: np.ndarray, n_groups: int) -> np.ndarray:
    n_genes = len(expressed.names) if expressed.allowed is None else int(expressed.allowed.sum())
    sums = group_sums(_numbered(expressed, values), codes, n_groups, n_genes).toarray()
    return np.asarray(sums / np.maximum(np.bincount(codes, minlength=n_groups), 1)[:, None])


def _numbered(expressed: Expression, values: Values) -> Iterator[tuple[int, np.ndarray | sparse.csr_matrix]]:
    start = 0
    for block in log_blocks(expressed, values, TARGET_SUM, math.e):
        yield start, block
        start += block.shape[0]


def _given(
    reference: Any, expressed: Expression, kept: np.ndarray, mod: str, features: WhichFeatures
) -> tuple[pd.Series[Any], str]:
    """Reference by the words of its genes."""
    if isinstance(reference, pd.Series):
        if reference.index.has_duplicates:
            twice = reference.index[reference.index.duplicated()][0]
            msg = f"reference= has several values of {twice!r}; pass one a gene: reference.groupby(level=0).mean()"
            raise ValueError(msg)
        return reference.set_axis(reference.index.astype(str)), "a Series"
    if isinstance(reference, AnnData) or hasattr(reference, "mod"):
        theirs = expression(get_adata(reference, mod), features=features)
        values = describe(theirs.blocks(_BLOCK))
        means = _means(theirs, values, np.zeros(theirs.n_cells, dtype=np.int64), 1)[0]
        names = [n for i, n in enumerate(theirs.names) if theirs.allowed is None or theirs.allowed[i]]
        return pd.Series(means, index=names), f"an AnnData of {theirs.n_cells} rows"
    array = np.asarray(reference)
    if array.dtype.kind not in "fiu" or array.ndim != 1:
        msg = (
            f"reference={type(reference).__name__} is no reference; pass reference='mean', a column of adata.obs, a "
            "Series of log-normalised values by gene, an array of them, or an AnnData"
        )
        raise TypeError(msg)
    if len(array) != len(kept):
        msg = f"reference= has {len(array)} values for {len(kept)} genes; pass one a gene, or a Series by gene"
        raise ValueError(msg)
    names = [name for name, used in zip(expressed.names, kept, strict=True) if used]
    return pd.Series(array[kept], index=names), "an array"


def _refuse_unlike(means: np.ndarray, n: int) -> None:
    there = ~np.isnan(means)
    if not there.any():
        msg = f"none of {n} genes has a value in reference=; pass one with the same kind of gene names"
        raise ValueError(msg)
    if (means[there] < 0).any() or not np.isfinite(means[there]).all():
        msg = (
            "reference= holds negative or infinite values; pass means of log-normalised expression (log1p of a total "
            f"of {TARGET_SUM:g}), which are not scaled"
        )
        raise ValueError(msg)
    if n_none := int((~there).sum()):
        logger.warning("%d of %d genes have no value in reference=, and are left out of sentences", n_none, n)
