"""Bootstrap intervals of a perturbation report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._bootstrap import draws
from ._pearson import correlation

if TYPE_CHECKING:
    from ._report_sides import SideCells


def correlations(shift: np.ndarray, true: np.ndarray, top: np.ndarray) -> dict[str, float]:
    """Correlation of two shifts, over all genes and over the top genes."""
    return {"delta_pearson": correlation(shift, true), "delta_pearson_top": correlation(shift[top], true[top])}


def intervals(
    row: dict[str, Any],
    cells: SideCells,
    real: SideCells,
    base: SideCells,
    top: np.ndarray | None,
    program: np.ndarray | None,
    rng: np.random.Generator,
    n_boot: int,
) -> dict[str, float]:
    """Intervals of the numbers of a row: 1.96 bootstrap standard deviations, of correlations on Fisher's z scale."""
    bases, predicted, trues = _means([base, cells, real], rng, n_boot)
    samples: dict[str, list[float]] = {"delta_pearson": [], "delta_pearson_top": [], "program_shift": []}
    for before, after, truth in zip(bases, predicted, trues, strict=True):
        shift = after - before
        if program is not None and len(program):
            samples["program_shift"].append(float(shift[program].mean()))
        if top is not None and len(real.X) > 1:
            for name, value in correlations(shift, truth - before, top).items():
                samples[name].append(value)
    out = {}
    for name, values in samples.items():
        found, middle = np.array(values)[np.isfinite(values)], row[name]
        if name != "program_shift":
            found, middle = _z(found), _z(middle)
        error = found.std(ddof=1) if len(found) > 1 else np.nan
        ends = middle + np.array([-1.96, 1.96]) * error
        out[f"{name}_low"], out[f"{name}_high"] = map(float, ends if name == "program_shift" else np.tanh(ends))
    return out


def _z(correlation: Any) -> Any:
    return np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12))


def _means(sides: list[SideCells], rng: np.random.Generator, n_boot: int) -> list[np.ndarray]:
    """Mean of each side in each sample, which is a weighted mean of its cells: samples x genes.

    Cells are drawn on each side alone, donors for all sides together. NaN where none was drawn.
    """
    if any(side.donors is None for side in sides if len(side.X)):
        places = [np.arange(len(side.X)) for side in sides]
        counts = [_counts(rng, len(side.X), n_boot) for side in sides]
    else:
        names = sorted({donor for side in sides if side.donors is not None for donor in side.donors}, key=str)
        number = {name: i for i, name in enumerate(names)}
        places = [np.array([number[d] for d in (() if s.donors is None else s.donors)], dtype=int) for s in sides]
        drawn = _counts(rng, len(names), n_boot) if len(names) > 1 else np.zeros((n_boot, len(names)))
        counts = [drawn] * len(sides)
    out = []
    for side, place, times in zip(sides, places, counts, strict=True):
        weights = times[:, place]
        total = weights.sum(axis=1, keepdims=True)
        out.append(np.where(total > 0, weights @ side.X / np.maximum(total, 1), np.nan))
    return out


def _counts(rng: np.random.Generator, n: int, n_boot: int) -> np.ndarray:
    """How often each of n is drawn: samples x n."""
    if not n:
        return np.zeros((n_boot, 0))
    return np.stack([np.bincount(row, minlength=n) for row in draws(rng, n, n_boot)])
