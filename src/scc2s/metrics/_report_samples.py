"""Bootstrap samples of a perturbation report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import cdist

from ._bootstrap import MIN_CLUSTERS, draws
from ._report_halves import Halves, Weights, normed, shift_rows, shift_weights, true_weights
from ._report_sides import CEILING, SideCells, Stratum

if TYPE_CHECKING:
    from ._report_sides import Predictor

N_WAYS = 4
"""Ways of halving in each bootstrap sample: fewer than in the estimate, which makes intervals a little too wide."""
MOST = 1000
"""Cells of a side that are drawn from; of more, intervals are those of so many, and too wide."""
CORRELATIONS = ("delta_pearson", "delta_pearson_top")


class Resampled:
    """Bootstrap samples of the numbers of each predictor of a group, with the same draws for all of them.

    A sample of cells is a weight for each cell, and a number is one of weighted means: correlations come from products
    of cells, computed once, so that a sample costs cells x cells and not cells x genes.
    """

    def __init__(
        self,
        stratum: Stratum,
        halves: Halves,
        top: np.ndarray | None,
        program: np.ndarray | None,
        rng: np.random.Generator,
        n_boot: int,
    ) -> None:
        self._n_base, self._n_real = n_clusters(stratum.base), n_clusters(stratum.real)
        stratum, halves = _first(stratum, halves)
        self._stratum, self._halves, self._top, self._program = stratum, halves, top, program
        apart = [p for p in stratum.predictors if not p.paired and p.name != CEILING]
        sides = [stratum.base, stratum.real, *(p.cells for p in apart)]
        base, real, *own = _counts_of(sides, rng, n_boot)
        self._drawn = {p.name: Weights(base, real, w) for p, w in zip(apart, own, strict=True)}
        self._every = Weights(base, real)
        self._products: dict[str, tuple[np.ndarray, ...]] = {}
        self._own = {predictor.name: predictor for predictor in stratum.predictors}

    def n_clusters(self, predictor: Predictor, name: str) -> int:
        """Donors, or cells, of the side that has the fewest of them."""
        n = self._n_base if predictor.paired else min(self._n_base, n_clusters(predictor.cells))
        return n if name == "program_shift" else min(n, self._n_real)

    def fewest(self, predictor: Predictor) -> int:
        """Donors, or cells, of the side that has the fewest of them, of those that have cells."""
        n = [n_clusters(side) for side in (predictor.cells, self._stratum.base, self._stratum.real) if len(side.X)]
        return min(n, default=0)

    def samples(self, predictor: Predictor) -> dict[str, np.ndarray]:
        """Numbers of a predictor in each sample."""
        predictor = self._own[predictor.name]
        drawn = self._drawn.get(predictor.name, self._every)
        rows = shift_rows(predictor, self._stratum.base.X)
        out = {}
        if self._program is not None and len(self._program):
            out["program_shift"] = shift_weights(predictor, drawn) @ rows[:, self._program].mean(axis=1)
        if self._top is None or min(self._n_base, self._n_real) < MIN_CLUSTERS:
            return out
        sets: tuple[Any, ...] = (slice(None), self._top)
        for name, genes in zip(CORRELATIONS, sets, strict=True):
            out[name] = self._correlations(predictor, rows[:, genes], drawn, name, genes)
        if predictor.name != CEILING:
            out["energy_distance"] = self._distances(predictor, drawn)
        return out

    def _correlations(
        self, predictor: Predictor, rows: np.ndarray, drawn: Weights, name: str, genes: Any
    ) -> np.ndarray:
        if name not in self._products:
            real, base = (_centred(side.X[:, genes]) for side in (self._stratum.real, self._stratum.base))
            rr = real @ real.T
            within = _form(weights := normed(drawn.real), rr, weights)
            self._products[name] = (real, base, rr, real @ base.T, base @ base.T, within)
        real, base, rr, rb, bb, within = self._products[name]
        rows = _centred(rows)
        own, with_real, with_base = rows @ rows.T, rows @ real.T, rows @ base.T
        found = []
        for way in range(N_WAYS):
            said = shift_weights(predictor, drawn.of_halves(self._halves, way))
            r, b = true_weights(predictor, drawn.of_others(self._halves, way), drawn.real)
            across = _form(said, with_real, r) - _form(said, with_base, b)
            alone = _form(r, rr, r) if predictor.name == CEILING else within
            true = alone - 2 * _form(r, rb, b) + _form(b, bb, b)
            scale = np.sqrt(np.maximum(_form(said, own, said), 0) * np.maximum(true, 0))
            found.append(np.where(scale > 1e-9, across / np.maximum(scale, 1e-300), np.nan))
        return _mean(np.array(found))

    def _distances(self, predictor: Predictor, drawn: Weights) -> np.ndarray:
        real = self._stratum.real.X[:, self._top]
        if "energy" not in self._products:
            weights = normed(drawn.real)
            self._products["energy"] = (_form(weights, cdist(real, real), weights),)
        cells = predictor.cells.X[:, self._top]
        own = drawn.base if predictor.paired else drawn.pred
        if own is None:
            own = np.ones((len(drawn.base), len(cells)))
        p, r = normed(own), normed(drawn.real)
        within = _form(p, cdist(cells, cells), p) + self._products["energy"][0]
        return np.asarray(2 * _form(p, cdist(cells, real), r) - within)


def _first(stratum: Stratum, halves: Halves) -> tuple[Stratum, Halves]:
    """The first cells of each side, in an order of chance, where there are more than are drawn from."""
    sides = [stratum.base, stratum.real, *(predictor.cells for predictor in stratum.predictors)]
    if max(len(side.X) for side in sides) <= MOST:
        return stratum, halves
    base, real, *cells = (
        SideCells(side.X[:MOST], None if side.donors is None else side.donors[:MOST]) for side in sides
    )
    predictors = [predictor._replace(cells=own) for predictor, own in zip(stratum.predictors, cells, strict=True)]
    return Stratum(base, real, predictors), Halves(halves.base[:, :MOST], halves.real[:, :MOST])


def _form(left: np.ndarray, matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Left x matrix x right of each sample."""
    return np.asarray(((left @ matrix) * right).sum(axis=1))


def _centred(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows - rows.mean(axis=1, keepdims=True))


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is finite; NaN where nothing is."""
    there = np.isfinite(values)
    n = there.sum(axis=0)
    return np.where(n > 0, np.where(there, values, 0).sum(axis=0) / np.maximum(n, 1), np.nan)


def n_clusters(side: SideCells) -> int:
    """Donors of a side, or cells where none are known."""
    return len(side.X) if side.donors is None else len(set(side.donors.tolist()))


def _counts_of(sides: list[SideCells], rng: np.random.Generator, n_boot: int) -> list[np.ndarray]:
    """How often each cell of a side is drawn: samples x cells.

    Cells are drawn on each side alone. Donors are drawn for all sides together that share some of them, and for a side
    with donors of its own alone.
    """
    out = [np.empty(0)] * len(sides)
    for together in _linked(sides):
        labels = [_labels(sides[i]) for i in together]
        names = sorted(set().union(*labels), key=str)
        number = {name: i for i, name in enumerate(names)}
        counts = _counts(rng, len(names), n_boot)
        for i, own in zip(together, labels, strict=True):
            out[i] = counts[:, np.array([number[label] for label in own], dtype=int)].astype(np.float64)
    return out


def _labels(side: SideCells) -> list[Any]:
    return list(range(len(side.X))) if side.donors is None else list(side.donors.tolist())


def _linked(sides: list[SideCells]) -> list[list[int]]:
    """Sides by number, those together that share donors, directly or through another side."""
    found: list[tuple[set[Any], list[int]]] = []
    for i, side in enumerate(sides):
        donors = set() if side.donors is None else set(side.donors.tolist())
        apart = [one for one in found if not one[0] & donors]
        shared = [one for one in found if one[0] & donors]
        merged = (donors.union(*(one[0] for one in shared)), sorted([i, *(j for one in shared for j in one[1])]))
        found = [*apart, merged]
    return [members for _, members in found]


def _counts(rng: np.random.Generator, n: int, n_boot: int) -> np.ndarray:
    """How often each of n is drawn: samples x n."""
    if not n:
        return np.zeros((n_boot, 0))
    return np.stack([np.bincount(row, minlength=n) for row in draws(rng, n, n_boot)])
