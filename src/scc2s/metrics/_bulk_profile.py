from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from ._cell_kernels import jackknife
from ._natural_units import refuse_unnatural

if TYPE_CHECKING:
    from collections.abc import Sequence

BULK_TARGET_SUM = 5e4
"""Total of a summed profile before the logarithm (profile vcc2026 of cell-eval 2)."""


class BulkProfile(NamedTuple):
    """Cells of a group as one profile."""

    profile: np.ndarray
    """Natural logarithm of 1 + the gene's share of all counts, of a total of `target_sum`."""
    variance: float
    """What sampling of these cells adds to the squared distance of the profile from anything, over all genes."""


def bulk_profile(X: Any, *, target_sum: float = BULK_TARGET_SUM) -> BulkProfile:
    """Profile of the summed counts of cells, with the part of a squared distance that is their sampling noise.

    The noise is the jackknife estimate ``(n - 1) / n * sum((v_i - mean(v))**2)`` over genes and cells, where ``v_i`` is
    the profile without cell i (Efron & Stein 1981, Annals of Statistics 9:586; in cell-eval2 0.20.0 the sampling
    correction of its expression error). A formula for the variance of a mean would miss that each cell moves the
    total, and with it every gene.

    Parameters
    ----------
    X
        Cells x genes: counts, or shares of a cell's total, where each cell is to weigh the same.
    target_sum
        Total before the logarithm.

    Raises
    ------
    ValueError
        Values that are negative or not finite, or no cells.

    Examples
    --------
    >>> found = bulk_profile([[1, 0], [0, 1], [1, 1]], target_sum=10)
    >>> found.profile.round(3).tolist(), round(found.variance, 3)
    ([1.792, 1.792], 0.218)
    """
    Y = refuse_unnatural(X, "X")
    n = Y.shape[0]
    if not n:
        msg = "X has no cells; pass the cells of one group"
        raise ValueError(msg)
    totals, sums = (np.asarray(Y.sum(axis=axis), dtype=np.float64).ravel() for axis in (1, 0))
    whole = totals.sum()
    shares = np.divide(sums, whole, out=np.zeros_like(sums), where=whole > 0)
    profile = np.log1p(target_sum * shares)
    if n < 2 or not whole > 0:
        return BulkProfile(profile, 0.0)
    columns = sparse.csc_matrix(Y)
    indptr, cells = columns.indptr.astype(np.int64), columns.indices.astype(np.int64)
    spread = jackknife(columns.data, cells, indptr, totals, sums, float(target_sum))
    return BulkProfile(profile, (n - 1) / n * max(spread, 0.0))


def keep_mask(leave_out: Sequence[Sequence[int]] | None, shape: tuple[int, int]) -> np.ndarray:
    """Perturbations x genes: whether a gene takes part."""
    keep = np.ones(shape, dtype=bool)
    if leave_out is None:
        return keep
    if len(leave_out) != shape[0]:
        msg = f"leave_out has {len(leave_out)} entries for {shape[0]} perturbations; pass one list of columns for each"
        raise ValueError(msg)
    for row, columns in zip(keep, leave_out, strict=True):
        row[np.asarray(columns, dtype=np.int64)] = False
    return keep
