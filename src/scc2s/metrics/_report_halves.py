"""Shifts of which prediction and truth are measured against different control cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ._report_sides import CEILING

if TYPE_CHECKING:
    from ._report_sides import Predictor, Stratum

N_HALVES = 10
"""Ways in which control cells (and, for the ceiling, real cells) are halved; each half has both parts in turn."""


class Halves(NamedTuple):
    """Which control cells are the prediction's and which real ones are its truth: two rows for each way, cells."""

    base: np.ndarray
    """Control cells of the prediction; those of the truth are the others."""
    real: np.ndarray
    """For the ceiling: real cells taken as prediction; the truth are the others."""

    @classmethod
    def of(cls, stratum: Stratum, rng: np.random.Generator) -> Halves:
        """Drawn for the cells in the order they have."""
        return cls(*(_halved(len(side.X), rng) for side in (stratum.base, stratum.real)))


class Weights(NamedTuple):
    """How much each cell counts in the means of a side: draws x cells."""

    base: np.ndarray
    real: np.ndarray
    pred: np.ndarray | None = None
    """Of a prediction that is of other cells than the control; ``None``: each as much."""

    def of_halves(self, halves: Halves, way: int) -> Weights:
        """Cells of the other half count nothing: those of the prediction, and of the ceiling."""
        return Weights(self.base * halves.base[way], self.real * halves.real[way], self.pred)

    def of_others(self, halves: Halves, way: int) -> Weights:
        """What :meth:`of_halves` leaves out."""
        return Weights(self.base * ~halves.base[way], self.real * ~halves.real[way], self.pred)


def _halved(n: int, rng: np.random.Generator) -> np.ndarray:
    first = np.zeros((N_HALVES, n), dtype=bool)
    for row in first:
        row[rng.permutation(n)[: n // 2]] = True
    return np.stack([first, ~first], axis=1).reshape(2 * N_HALVES, n)


def shift_rows(predictor: Predictor, base: np.ndarray) -> np.ndarray:
    """Rows whose weighted sum is the predicted shift (:func:`shift_weights`)."""
    if predictor.shift is not None:
        return predictor.shift
    return predictor.cells.X - base if predictor.paired else np.vstack([predictor.cells.X, -base])


def shift_weights(predictor: Predictor, mine: Weights) -> np.ndarray:
    """Weights of :func:`shift_rows`, draws x rows; NaN where no cell counts."""
    base = normed(mine.base)
    if predictor.shift is not None:
        return np.ones((len(base), 1))
    if predictor.paired:
        return base
    if predictor.name == CEILING:
        own = mine.real
    else:
        own = np.ones((len(base), len(predictor.cells.X))) if mine.pred is None else mine.pred
    return np.hstack([normed(own), base])


def true_weights(predictor: Predictor, others: Weights, real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the real and of the control cells in the true shift."""
    return normed(others.real if predictor.name == CEILING else real), normed(others.base)


def normed(weights: np.ndarray) -> np.ndarray:
    """Weights that add up to 1 in each draw; NaN where no cell counts."""
    total = weights.sum(axis=1, keepdims=True)
    return np.where(total > 0, weights / np.maximum(total, 1e-300), np.nan)


def shifts(stratum: Stratum, predictor: Predictor, halves: Halves) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true shift, ways x genes: against two halves of the control cells that share none."""
    n = len(halves.base)
    every = Weights(np.ones((n, len(stratum.base.X))), np.ones((n, len(stratum.real.X))))
    mine = Weights(every.base * halves.base, every.real * halves.real)
    others = Weights(every.base * ~halves.base, every.real * ~halves.real)
    real, base = true_weights(predictor, others, every.real)
    said = shift_weights(predictor, mine) @ shift_rows(predictor, stratum.base.X)
    return said, real @ stratum.real.X - base @ stratum.base.X


def mean_correlation(said: np.ndarray, true: np.ndarray) -> float:
    """Mean over the ways of halving; NaN where a shift does not vary."""
    a, b = (rows - rows.mean(axis=1, keepdims=True) for rows in (said, true))
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    there = scale > 1e-12 * a.shape[1]  # as in the correlation of two profiles
    if not there.any():
        return float("nan")
    return float(np.clip(((a * b).sum(axis=1)[there] / scale[there]).mean(), -1, 1))
