from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Interval:
    """An estimate and its bootstrap interval; arrays where the statistic gives several values."""

    estimate: Any
    low: Any
    high: Any
    samples: np.ndarray
    """Bootstrap samples x values."""


def bootstrap(
    values: Any,
    *,
    clusters: Sequence[Any] | None = None,
    statistic: Callable[[np.ndarray], Any] | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    random_state: int = 0,
) -> Interval:
    """Percentile bootstrap interval that draws whole clusters, e.g. donors.

    Cells of a donor are no independent observations: an interval over cells is too narrow. Drawing donors with
    replacement, all cells of a drawn donor together, keeps what they share (Davison & Hinkley 1997, section 3.8). With
    few clusters (under about 10) such an interval is too narrow too; with one it cannot be had.

    Parameters
    ----------
    values
        One value, or one row, for each cell.
    clusters
        Cluster of each cell; ``None``: each is its own.
    statistic
        Of the drawn rows; ``None``: their mean.
    n_boot
        Samples.
    level
        Of the interval.
    random_state
        Seed.

    Returns
    -------
    The statistic of all rows with its interval; the interval is NaN where there is only one cluster.

    Raises
    ------
    ValueError
        No values, values that are not finite, a cell without a cluster, or arguments out of range.

    Examples
    --------
    >>> found = bootstrap([1.0, 2.0, 3.0, 6.0], clusters=["a", "a", "b", "b"], n_boot=200)
    >>> found.estimate, float(found.low), float(found.high)
    (3.0, 1.5, 4.5)
    """
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim == 0 or not len(rows):
        msg = "there are no values to draw from; pass one for each cell"
        raise ValueError(msg)
    if not np.isfinite(rows).all():
        msg = "values are not finite; leave these cells out: values[np.isfinite(values)]"
        raise ValueError(msg)
    if n_boot < 1 or not 0 < level < 1:
        msg = f"n_boot={n_boot} and level={level} are out of range; pass n_boot= from 1 and level= between 0 and 1"
        raise ValueError(msg)
    labels = list(range(len(rows))) if clusters is None else list(clusters)
    if len(labels) != len(rows):
        msg = f"{len(labels)} clusters for {len(rows)} values; pass one for each"
        raise ValueError(msg)
    measure = _mean if statistic is None else statistic
    estimate = measure(rows)
    members = _members(labels)
    if len(members) < 2:
        nothing = np.full_like(np.asarray(estimate, dtype=np.float64), np.nan)
        return Interval(estimate, nothing[()], nothing[()], np.empty((0, *np.shape(estimate))))
    rng = np.random.default_rng(random_state)
    samples = np.array(
        [measure(rows[np.concatenate([members[i] for i in drawn])]) for drawn in draws(rng, len(members), n_boot)]
    )
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Interval(estimate, low, high, samples)


def draws(rng: np.random.Generator, n: int, n_boot: int) -> np.ndarray:
    """Clusters of each bootstrap sample: samples x clusters."""
    return rng.integers(0, n, (n_boot, n))


def _members(labels: list[Any]) -> list[np.ndarray]:
    places: dict[Any, list[int]] = {}
    for i, label in enumerate(labels):
        if label is None or label != label:
            msg = f"the cell in row {i} has no cluster; leave it out, or give it one of its own"
            raise ValueError(msg)
        places.setdefault(label, []).append(i)
    return [np.array(found) for found in places.values()]


def _mean(rows: np.ndarray) -> Any:
    mean = rows.mean(axis=0)
    return float(mean) if mean.ndim == 0 else mean
