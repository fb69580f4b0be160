"""Intervals of a perturbation report: of donors, or of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._bootstrap import MIN_CLUSTERS, draws, few_clusters_factor, interval_ends
from ._report_gains import GAINS
from ._report_samples import CORRELATIONS
from ._report_sides import PREDICTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._report_samples import Resampled
    from ._report_sides import Predictor

_NUMBERS = (*CORRELATIONS, "program_shift")


class OfDonors:
    """Of means over donors: whole donors are drawn, each with its own numbers."""

    def __init__(self, values: dict[str, dict[str, np.ndarray]], rng: np.random.Generator, n_boot: int) -> None:
        self._values, self._rng, self._n_boot = values, rng, n_boot
        self.fewest = len(values[PREDICTION]["shift_size"])

    def ends(self, predictor: str) -> dict[str, float]:
        """Intervals of the numbers of a predictor."""
        return _columns({name: self._interval(self._values[predictor][name]) for name in _NUMBERS})

    def gain_ends(self, differences: np.ndarray, floor: str, number: str) -> tuple[float, float]:  # noqa: ARG002
        """Interval of the mean of differences, one a donor."""
        return self._interval(differences)

    def _interval(self, values: np.ndarray) -> tuple[float, float]:
        found = values[np.isfinite(values)]
        if len(found) < MIN_CLUSTERS:
            return float("nan"), float("nan")
        samples = found[draws(self._rng, len(found), self._n_boot)].mean(axis=1)
        low, high = interval_ends(found.mean(), samples, len(found), 0.95)
        return float(low), float(high)


class OfCells:
    """Of a group as a whole: cells are drawn, or donors where prediction and truth have none in common."""

    def __init__(
        self, resampled: Resampled, predictors: Mapping[str, Predictor], values: dict[str, dict[str, np.ndarray]]
    ) -> None:
        self._resampled, self._predictors, self._values = resampled, predictors, values
        enough = {name for name in predictors if np.isfinite(values[name]["shift_size"]).all()}
        self._samples = {name: resampled.samples(predictors[name]) if name in enough else {} for name in predictors}
        self.fewest = min(resampled.fewest(predictors[name]) for name in predictors)

    def ends(self, predictor: str) -> dict[str, float]:
        """Intervals of the numbers of a predictor, of correlations on Fisher's z scale."""
        out = {}
        for name in _NUMBERS:
            samples = self._samples[predictor].get(name, np.empty(0))
            middle = float(self._values[predictor][name][0])
            n = self._resampled.n_clusters(self._predictors[predictor], name)
            if name == "program_shift":
                out[name] = _spread(middle, samples, n)
            else:
                low, high = _spread(float(_z(middle)), _z(samples), n)
                out[name] = float(np.tanh(low)), float(np.tanh(high))
        return _columns(out)

    def gain_ends(self, differences: np.ndarray, floor: str, number: str) -> tuple[float, float]:
        """Interval of a difference between the prediction and a floor, of the same draws."""
        ours, theirs = (self._samples[name].get(number) for name in (PREDICTION, floor))
        if ours is None or theirs is None:
            return float("nan"), float("nan")
        if number == "delta_pearson":
            ours, theirs = np.nan_to_num(ours), np.nan_to_num(theirs)
        n = min(self._resampled.n_clusters(self._predictors[name], number) for name in (PREDICTION, floor))
        return _spread(float(differences[0]), GAINS[number] * (ours - theirs), n)


def _spread(middle: float, samples: np.ndarray, n: int) -> tuple[float, float]:
    """1.96 bootstrap standard deviations to each side, widened for few clusters; NaN for fewer than 3."""
    found = samples[np.isfinite(samples)]
    error = found.std(ddof=1) if len(found) > 1 else float("nan")
    half = 1.96 * error * few_clusters_factor(n, 0.95)
    return float(middle - half), float(middle + half)


def _columns(found: dict[str, tuple[float, float]]) -> dict[str, float]:
    return {
        f"{name}_{end}": value for name, ends in found.items() for end, value in zip(("low", "high"), ends, strict=True)
    }


def _z(correlation: Any) -> Any:
    return np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12))
