"""What the numbers of a matrix are: counts, normalised, log-transformed or scaled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from scc2s.sentences._blocks import as_float

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scc2s._cells.expression import Expression

Kind = Literal["counts", "normalised", "log1p", "scaled", "not finite", "empty"]

_NOTHING_TO_LOG = {
    "scaled": "negative values (scaled data?)",
    "not finite": "NaN or infinite values",
    "empty": "no values above 0",
}
_BASES = (math.e, 2.0, 10.0)
_SAMPLE = 64
"""Cells of a block that are looked at more closely."""
_LARGEST_LOG = 30.0
"""No logarithm of a count reaches this, in any usual base."""


@dataclass(frozen=True)
class Values:
    """Verdict on a matrix."""

    kind: Kind
    """``"normalised"``: not negative, no whole numbers, and not logarithms."""
    target_sum: float | None
    """Total of each cell before the logarithm, where all have the same (within 0.1 %)."""
    base: float | None
    """Base of the logarithm, for ``"log1p"``; e where the data does not tell."""
    n_cells: int
    n_negative: int
    n_not_finite: int
    n_stored_zeros: int
    """Zeros kept in a sparse matrix."""
    n_empty: int
    """Cells without a value above 0."""
    certain: bool = True
    """Whether the values themselves tell their kind; else only their size does."""


def describe(blocks: Iterable[tuple[int, np.ndarray | sparse.csr_matrix]]) -> Values:
    """Look at all values once, and at some cells closely.

    Normalised counts are recognised by their ratios within a cell, which are whole where the smallest value stands for
    one count; log-transformed ones by the same after the inverse, which also tells the base. Where ratios do not tell
    (TPM, corrected counts), values that never pass 30 are taken for logarithms (scc2s definition).
    """
    n_cells = n_negative = n_not_finite = n_zeros = n_empty = 0
    whole, largest = True, 0.0
    rows: list[np.ndarray] = []
    for _, block in blocks:
        data = as_float(block.ravel() if isinstance(block, np.ndarray) else block.data)
        finite = np.isfinite(data)
        if not finite.all():
            n_not_finite += int((~finite).sum())
            data = data[finite]
        n_cells += block.shape[0]
        n_negative += int((data < 0).sum())
        n_zeros += 0 if isinstance(block, np.ndarray) else int((data == 0).sum())
        n_empty += _n_empty(block)
        whole = whole and bool((data == np.rint(data)).all())
        largest = max(largest, float(data.max(initial=0)))
        rows += _some_rows(block)
    kind, total, base, certain = _verdict(rows, whole, largest, n_negative, n_not_finite)
    return Values(kind, total, base, n_cells, n_negative, n_not_finite, n_zeros, n_empty, certain)


def log_blocks(
    expressed: Expression, values: Values, target_sum: float, base: float
) -> Iterator[np.ndarray | sparse.csr_matrix]:
    """Log-normalised values of the genes that are used; totals are over all genes."""
    if values.kind in _NOTHING_TO_LOG:
        what = _NOTHING_TO_LOG[values.kind]
        msg = f"{expressed.source} holds {what}; pass layer= or use_raw= with counts or log-normalised values"
        raise ValueError(msg)
    for _, block in expressed.blocks(2048):
        if values.kind == "log1p":
            logged = block * (math.log(values.base or math.e) / math.log(base))
        else:
            total = np.asarray(block.sum(axis=1, dtype=np.float64)).ravel()
            factor = np.divide(target_sum, total, out=np.zeros_like(total), where=total > 0)
            if isinstance(block, np.ndarray):
                logged = np.log1p(block * factor[:, None]) / math.log(base)
            else:
                logged = (sparse.diags_array(factor) @ block).log1p() / math.log(base)
        yield logged if expressed.allowed is None else logged[:, expressed.allowed]


def _verdict(
    rows: list[np.ndarray], whole: bool, largest: float, n_negative: int, n_not_finite: int
) -> tuple[Kind, float | None, float | None, bool]:
    if n_not_finite:
        return "not finite", None, None, True
    if n_negative:
        return "scaled", None, None, True
    if largest == 0:
        return "empty", None, None, True
    if whole:
        return "counts", _common_total(rows), None, True
    bases = (None,) if largest > _LARGEST_LOG else (None, *_BASES)
    shares = {base: _whole_ratios(rows, base) for base in bases}
    best = max(shares, key=lambda b: shares[b])
    certain = shares[best] >= 0.5
    if not certain:
        best = None if largest > _LARGEST_LOG else math.e
    return "normalised" if best is None else "log1p", _common_total([_unlog(r, best) for r in rows]), best, certain


def _n_empty(block: np.ndarray | sparse.csr_matrix) -> int:
    if isinstance(block, np.ndarray):
        return int((~(block > 0).any(axis=1)).sum())
    # block > 0 would first sort the arrays of the block, which are those of the user's matrix
    positive = np.r_[0, np.cumsum(block.data > 0)]
    return int((positive[block.indptr[1:]] == positive[block.indptr[:-1]]).sum())


def _some_rows(block: np.ndarray | sparse.csr_matrix) -> list[np.ndarray]:
    """Values above 0 of some cells, evenly spread."""
    n_rows = block.shape[0]
    rows = []
    for i in np.unique(np.linspace(0, n_rows - 1, min(_SAMPLE, n_rows)).astype(int)):
        row = block[i] if isinstance(block, np.ndarray) else block.data[block.indptr[i] : block.indptr[i + 1]]
        row = np.asarray(row, dtype=np.float64)
        rows.append(row[row > 0])
    return rows


def _unlog(row: np.ndarray, base: float | None) -> np.ndarray:
    if base is None:
        return row
    with np.errstate(over="ignore"):
        linear = np.expm1(row * math.log(base))
    return linear[np.isfinite(linear)]  # too large for this to be the base


def _whole_ratios(rows: list[np.ndarray], base: float | None) -> float:
    """Share of cells whose small values are whole multiples of the smallest; 0 where no cell tells."""
    votes = []
    for row in rows:
        linear = _unlog(row, base)
        with np.errstate(over="ignore"):
            ratio = linear / linear.min(initial=np.inf)
        ratio = ratio[(ratio > 1.5) & (ratio < 10)]
        if len(ratio):
            votes.append(np.mean(np.abs(ratio - np.rint(ratio)) < 0.02) > 0.8)
    return float(np.mean(votes)) if votes else 0.0


def _common_total(rows: list[np.ndarray]) -> float | None:
    totals = np.array([r.sum() for r in rows if len(r)])
    middle = float(np.median(totals))
    return middle if np.ptp(totals) <= 1e-3 * middle else None
