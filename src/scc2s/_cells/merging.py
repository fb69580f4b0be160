"""Columns of one gene made one column: their largest value, or the sum of what was counted."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from scipy import sparse

from scc2s.sentences._blocks import InvalidValuesError

_ROUNDING = {np.dtype(np.float32): 4e-6, np.dtype(np.float64): 1e-11}
"""Relative difference of linear values that rounding of their logarithms explains (scc2s definition)."""


class Merge(NamedTuple):
    """How columns become genes."""

    how: Literal["max", "sum"]
    gene_of_column: np.ndarray
    """Gene of each column, -1 for one that is not used."""
    n_genes: int
    base: float | None = None
    """Base of the logarithm that the values are, ``log(1 + x)``; ``None``: they are not logarithms."""


def merge_columns(block: np.ndarray | sparse.csr_matrix, merge: Merge) -> sparse.csr_matrix:
    """The block with one column a gene; the block itself stays as it is.

    Logarithms are summed as what they are logarithms of. Sums that differ from another value of their cell by no more
    than rounding are made that value, so that genes are tied in logarithms where they are tied in counts.

    Raises
    ------
    InvalidValuesError
        If there are negative or non-finite values, which merging could hide.
    """
    coo = sparse.coo_matrix(block.astype(np.float32) if block.dtype == np.float16 else block)
    coo.sum_duplicates()
    if not np.isfinite(coo.data).all() or (coo.data.dtype.kind in "if" and coo.data.min(initial=0) < 0):
        msg = (
            "negative values (scaled data?), NaN or infinite values have no place in a ranking, and genes of one name "
            "cannot be merged by them; pass counts or log-normalised values, e.g. layer='counts'"
        )
        raise InvalidValuesError(msg)
    column = merge.gene_of_column[coo.col]
    used = column >= 0
    row, column, data = coo.row[used], column[used], coo.data[used]
    order = np.lexsort((column, row))
    row, column, data = row[order], column[order], data[order]
    first = np.flatnonzero(np.r_[True, (np.diff(row) != 0) | (np.diff(column) != 0)][: len(row)])
    if len(data):
        data = np.maximum.reduceat(data, first) if merge.how == "max" else _sums(row, data, first, merge.base)
    return sparse.csr_matrix((data, (row[first], column[first])), shape=(block.shape[0], merge.n_genes))


def _sums(row: np.ndarray, data: np.ndarray, first: np.ndarray, base: float | None) -> np.ndarray:
    """Sum of each run of values that begins at one of `first`, in a type that holds it."""
    if data.dtype.kind in "biu":  # counts: small types would run over, and True + True is True
        return np.asarray(np.add.reduceat(data.astype(np.float64), first))
    kept = data.dtype if data.dtype in _ROUNDING else np.dtype(np.float32)
    scale = math.log(base) if base else 1.0
    linear = data.astype(np.float64)
    if base:
        linear = np.expm1(linear * scale)
    linear = np.add.reduceat(linear, first)
    several = np.diff(np.r_[first, len(data)]) > 1
    values = (np.log1p(linear) / scale if base else linear).astype(kept)
    values[~several] = data[first][~several].astype(kept)
    return _tied(row[first], linear, values, several, _ROUNDING[kept])


def _tied(row: np.ndarray, linear: np.ndarray, values: np.ndarray, several: np.ndarray, rounding: float) -> np.ndarray:
    """Values with each sum moved to a value beside it in its cell that only rounding tells apart from it."""
    order = np.lexsort((linear, row))
    apart = np.diff(linear[order]) > rounding * linear[order][1:]
    group = np.cumsum(np.r_[True, (np.diff(row[order]) != 0) | apart])
    single = ~several[order]
    if single.all():
        return values
    # the value of a group: that of a gene of one column where there is one, else that of its first
    place = np.arange(len(order))
    start = np.full(int(group[-1]) + 1, len(order))
    np.minimum.at(start, group, place)
    one = start.copy()
    one[group[single][::-1]] = place[single][::-1]
    out = values.copy()
    out[order[~single]] = values[order[one[group[~single]]]]
    return out
