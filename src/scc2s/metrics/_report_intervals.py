"""Bootstrap intervals of a perturbation report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._bootstrap import MIN_CLUSTERS, draws, few_clusters_factor
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
    """Intervals of the numbers of a row, of correlations on Fisher's z scale.

    1.96 bootstrap standard deviations to each side, widened for the number of donors (or cells) that the side with the
    fewest of them has.
    """
    bases, predicted, trues = _means([base, cells, real], rng, n_boot)
    n_shift = min(n_clusters(side) for side in (base, cells))
    n_all = min(n_shift, n_clusters(real))
    samples: dict[str, list[float]] = {"delta_pearson": [], "delta_pearson_top": [], "program_shift": []}
    for before, after, truth in zip(bases, predicted, trues, strict=True):
        shift = after - before
        if program is not None and len(program):
            samples["program_shift"].append(float(shift[program].mean()))
        if top is not None and n_all >= MIN_CLUSTERS:
            for name, value in correlations(shift, truth - before, top).items():
                samples[name].append(value)
    out = {}
    for name, values in samples.items():
        found, middle = np.array(values)[np.isfinite(values)], row[name]
        if name != "program_shift":
            found, middle = _z(found), _z(middle)
        error = found.std(ddof=1) if len(found) > 1 else np.nan
        error *= 1.96 * few_clusters_factor(n_shift if name == "program_shift" else n_all, 0.95)
        ends = middle + np.array([-1.0, 1.0]) * error
        out[f"{name}_low"], out[f"{name}_high"] = map(float, ends if name == "program_shift" else np.tanh(ends))
    return out


def n_clusters(side: SideCells) -> int:
    """Donors of a side, or cells where none are known."""
    return len(side.X) if side.donors is None else len(set(side.donors.tolist()))


def _z(correlation: Any) -> Any:
    return np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12))


def _means(sides: list[SideCells], rng: np.random.Generator, n_boot: int) -> list[np.ndarray]:
    """Mean of each side in each sample, which is a weighted mean of its cells: samples x genes.

    Cells are drawn on each side alone. Donors are drawn for all sides together that share some of them, and for a side
    with donors of its own alone. NaN where none was drawn.
    """
    out = [np.empty(0)] * len(sides)
    for together in _linked(sides):
        labels = [_labels(sides[i]) for i in together]
        names = sorted(set().union(*labels), key=str)
        number = {name: i for i, name in enumerate(names)}
        counts = _counts(rng, len(names), n_boot)
        for i, own in zip(together, labels, strict=True):
            weights = counts[:, np.array([number[label] for label in own], dtype=int)]
            total = weights.sum(axis=1, keepdims=True)
            out[i] = np.where(total > 0, weights @ sides[i].X / np.maximum(total, 1), np.nan)
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
