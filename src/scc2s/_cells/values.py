"""What the numbers of a matrix are: counts, normalised, log-transformed or scaled."""

from __future__ import annotations

import math
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from scc2s.sentences._blocks import as_float

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scc2s._cells.expression import Expression

Kind = Literal["counts", "normalised", "log1p", "scaled", "not finite", "empty"]

_NOTHING_TO_LOG = {
    "scaled": "negative values (scaled data?)",
    "not finite": "NaN or infinite values",
    "empty": "no values above 0",
}
_ALL_BASES = (None, math.e, 2.0, 10.0)
"""``None``: no logarithm."""
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
    if (known := _WHOLE.get()) is not None:
        return known
    facts = Facts()
    for _, block in blocks:
        facts.add(block, evenly(block.shape[0]))
    return facts.verdict()


_WHOLE: ContextVar[Values | None] = ContextVar("values of the data set that cells are a part of", default=None)


@contextmanager
def as_whole(values: Values | None) -> Iterator[None]:
    """Within, cells are a part of a data set with these values, and :func:`describe` says what they are there."""
    token = _WHOLE.set(values)
    try:
        yield
    finally:
        _WHOLE.reset(token)


def evenly(n_rows: int) -> np.ndarray:
    """Rows of a block that are looked at more closely."""
    return np.unique(np.linspace(0, n_rows - 1, min(_SAMPLE, n_rows)).astype(int))


class Facts:
    """What is known of the values so far; facts of parts can be put together."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys(
            ("n_cells", "n_negative", "n_not_finite", "n_stored_zeros", "n_empty", "n_positive"), 0
        )
        self.whole, self.largest = True, 0.0
        self._shares: list[np.ndarray] = []
        self._totals: list[np.ndarray] = []

    def add(self, block: np.ndarray | sparse.csr_matrix, rows: np.ndarray) -> None:
        """Look at all values of some cells, and more closely at those in `rows`."""
        data = as_float(block.ravel() if isinstance(block, np.ndarray) else block.data)
        finite = np.isfinite(data)
        if not finite.all():
            self.counts["n_not_finite"] += int((~finite).sum())
            data = data[finite]
        self.counts["n_cells"] += block.shape[0]
        self.counts["n_negative"] += int((data < 0).sum())
        self.counts["n_positive"] += int((data > 0).sum())
        self.counts["n_stored_zeros"] += 0 if isinstance(block, np.ndarray) else int((data == 0).sum())
        self.counts["n_empty"] += _n_empty(block)
        self.whole = self.whole and bool((data == np.rint(data)).all())
        self.largest = max(self.largest, float(data.max(initial=0)))
        for row in _values_of(block, rows):
            share, total = zip(*(_share_and_total(_unlog(row, base)) for base in _ALL_BASES), strict=True)
            self._shares.append(np.array(share))
            self._totals.append(np.array(total))

    def state(self) -> dict[str, np.ndarray]:
        """Everything, as arrays."""
        return {
            **{name: np.array(n) for name, n in self.counts.items()},
            "whole": np.array(self.whole),
            "largest": np.array(self.largest),
            "shares": np.array(self._shares).reshape(-1, len(_ALL_BASES)),
            "totals": np.array(self._totals).reshape(-1, len(_ALL_BASES)),
        }

    def add_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take in the facts of other cells."""
        for name in self.counts:
            self.counts[name] += int(state[name])
        self.whole = self.whole and bool(state["whole"])
        self.largest = max(self.largest, float(state["largest"]))
        self._shares += list(state["shares"])
        self._totals += list(state["totals"])

    def verdict(self) -> Values:
        """What the numbers are."""
        state = self.state()
        shares = dict(zip(_ALL_BASES, state["shares"].T, strict=True))
        totals = dict(zip(_ALL_BASES, state["totals"].T, strict=True))
        n = self.counts
        kind, total, base, certain = _verdict(
            shares, totals, self.whole, self.largest, n["n_negative"], n["n_not_finite"]
        )
        return Values(
            kind, total, base, n["n_cells"], n["n_negative"], n["n_not_finite"], n["n_stored_zeros"], n["n_empty"],
            certain,
        )  # fmt: skip


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
    shares: Mapping[float | None, np.ndarray],
    totals: Mapping[float | None, np.ndarray],
    whole: bool,
    largest: float,
    n_negative: int,
    n_not_finite: int,
) -> tuple[Kind, float | None, float | None, bool]:
    """Of votes and totals of cells, by base of the logarithm."""
    if n_not_finite:
        return "not finite", None, None, True
    if n_negative:
        return "scaled", None, None, True
    if largest == 0:
        return "empty", None, None, True
    if whole:
        return "counts", _common_total(totals[None]), None, True
    bases = _ALL_BASES[:1] if largest > _LARGEST_LOG else _ALL_BASES
    votes = {base: shares[base][~np.isnan(shares[base])] for base in bases}
    share = {base: float(np.mean(found)) if len(found) else 0.0 for base, found in votes.items()}
    best = max(share, key=lambda b: share[b])
    certain = share[best] >= 0.5
    if not certain:
        best = None if largest > _LARGEST_LOG else math.e
    return "normalised" if best is None else "log1p", _common_total(totals[best]), best, certain


def _n_empty(block: np.ndarray | sparse.csr_matrix) -> int:
    if isinstance(block, np.ndarray):
        return int((~(block > 0).any(axis=1)).sum())
    # block > 0 would first sort the arrays of the block, which are those of the user's matrix
    positive = np.r_[0, np.cumsum(block.data > 0)]
    return int((positive[block.indptr[1:]] == positive[block.indptr[:-1]]).sum())


def _values_of(block: np.ndarray | sparse.csr_matrix, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Values above 0 of some cells."""
    for i in rows:
        row = block[i] if isinstance(block, np.ndarray) else block.data[block.indptr[i] : block.indptr[i + 1]]
        row = np.asarray(row, dtype=np.float64)
        yield row[row > 0]


def _unlog(row: np.ndarray, base: float | None) -> np.ndarray:
    if base is None:
        return row
    with np.errstate(over="ignore"):
        linear = np.expm1(row * math.log(base))
    return linear[np.isfinite(linear)]  # too large for this to be the base


def _share_and_total(linear: np.ndarray) -> tuple[float, float]:
    """Whether the small values of a cell are whole multiples of its smallest, 1 or 0, and its total; NaN: untold."""
    if not len(linear):
        return math.nan, math.nan
    with np.errstate(over="ignore", invalid="ignore"):
        ratio, total = linear / linear.min(), float(linear.sum())
    ratio = ratio[(ratio > 1.5) & (ratio < 10)]
    return float(np.mean(np.abs(ratio - np.rint(ratio)) < 0.02) > 0.8) if len(ratio) else math.nan, total


def _common_total(totals: np.ndarray) -> float | None:
    totals = totals[~np.isnan(totals)]
    if not len(totals):
        return None
    middle = float(np.median(totals))
    return middle if np.ptp(totals) <= 1e-3 * middle else None
