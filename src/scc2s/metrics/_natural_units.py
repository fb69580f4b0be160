"""Expression in units that are stated, not guessed: counts, or shares of a cell's total."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from scipy import sparse

Units = Literal["counts", "log1p_cp10k", "log10_cp10k"]

_BASE = {"log1p_cp10k": math.e, "log10_cp10k": 10.0}
_TOTAL = 1e4
_TYPICAL, _LARGEST = 3.0, 10.0
"""Times the stated total that the median cell and any cell may reach: put back from sentences they do not have it
exactly. Counts among logarithms, by which a guess of the units can be misled, are far above."""
_OTHERS = (
    "state what they are: units='counts'; units='log1p_cp10k', after sc.pp.normalize_total(adata, target_sum=1e4) and "
    "sc.pp.log1p(adata); or units='log10_cp10k', after sc.pp.log1p(adata, base=10)"
)


def refuse_unnatural(X: Any, name: str) -> sparse.csr_matrix:
    """As CSR of float64 without stored zeros.

    Raises
    ------
    ValueError
        Not a matrix, or values that are negative or not finite.
    """
    if not sparse.issparse(X):
        X = np.asarray(X, dtype=np.float64)
        if X.ndim != 2:
            msg = f"{name} has {X.ndim} dimensions; pass a matrix of cells x genes, e.g. adata.X"
            raise ValueError(msg)
    Y = sparse.csr_matrix(X, dtype=np.float64, copy=True)
    Y.sum_duplicates()
    Y.eliminate_zeros()
    if not np.isfinite(Y.data).all():
        msg = f"{name} has values that are not finite; leave these cells out, or pass counts"
        raise ValueError(msg)
    if Y.nnz and Y.data.min() < 0:
        msg = f"{name} has negative values, as scaled data have; pass counts, or expression before scaling"
        raise ValueError(msg)
    return Y


def natural(X: Any, units: Units, name: str) -> sparse.csr_matrix:
    """Counts as they are; of logarithms the share of each gene in its cell's total.

    Raises
    ------
    ValueError
        Unknown units, or values that cannot be in the units stated.
    """
    if units not in get_args(Units):
        msg = f"units={units!r} are not known; {_OTHERS}"
        raise ValueError(msg)
    Y = refuse_unnatural(X, name)
    whole = bool((Y.data == np.rint(Y.data)).all())
    if units == "counts":
        if not whole:
            msg = f"{name} was said to hold counts and has values that are not whole numbers; {_OTHERS}"
            raise ValueError(msg)
        return Y
    if whole and Y.nnz and Y.data.max() > 1:
        msg = f"{name} was said to hold logarithms and holds whole numbers, as counts are; {_OTHERS}"
        raise ValueError(msg)
    with np.errstate(over="ignore"):
        Y.data = np.expm1(Y.data * math.log(_BASE[units]))
    totals = np.asarray(Y.sum(axis=1)).ravel()
    typical = float(np.median(totals[totals > 0])) if (totals > 0).any() else 0.0
    largest = float(totals.max(initial=0.0))
    if not (typical <= _TYPICAL * _TOTAL and largest <= _LARGEST * _TOTAL):
        found = typical if typical > _TYPICAL * _TOTAL else largest
        msg = (
            f"{name} was said to be {units}, but {'its' if found == typical else 'some'} cells would have {found:.3g} "
            f"instead of 10000 in total, so the logarithm has another base or the values another total; {_OTHERS}"
        )
        raise ValueError(msg)
    return shares(Y)


def shares(Y: sparse.csr_matrix) -> sparse.csr_matrix:
    """Each gene's share of its cell's total; cells without any stay empty."""
    return per_cell(Y, 1.0)


def per_cell(Y: sparse.csr_matrix, total: float) -> sparse.csr_matrix:
    """Cells brought to one total. Equal ratios give equal numbers, so that ties stay ties."""
    out = Y.copy()
    totals = np.asarray(Y.sum(axis=1), dtype=np.float64).ravel()
    out.data = out.data * total / np.repeat(totals, np.diff(out.indptr))
    return out
