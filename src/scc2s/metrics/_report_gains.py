"""How far a prediction is above each simple one: differences of the same cells, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._report_sides import CEILING, PREDICTION

if TYPE_CHECKING:
    from collections.abc import Callable

GAINS = {"delta_pearson": 1.0, "energy_distance": -1.0}
"""Numbers that are compared, and the sign of what is better."""
COLUMNS = tuple(f"{name}_gain{end}" for name in GAINS for end in ("", "_low", "_high"))


def gains(
    values: dict[str, dict[str, np.ndarray]], ends: Callable[[np.ndarray, str, str], tuple[float, float]] | None
) -> dict[str, dict[str, Any]]:
    """Differences between the prediction and each floor, and in the row of the prediction to the best one.

    Parameters
    ----------
    values
        Number by predictor and name: one a stratum.
    ends
        Interval of the mean of such differences, of the predictor and number named; ``None``: there is none.

    Returns
    -------
    Columns by predictor. A shift of zero has no correlation and counts as one of 0 here.
    """
    nothing: dict[str, Any] = dict.fromkeys(COLUMNS, float("nan"))
    out = {name: nothing | {"best_floor": ""} for name in values}
    floors = [name for name in values if name not in (PREDICTION, CEILING)]
    for number, sign in GAINS.items():
        here = {name: comparable(values[name], number) for name in values}
        best, most = "", -np.inf
        for floor in floors:
            difference = sign * (here[PREDICTION] - here[floor])
            if not np.isfinite(difference).any():
                continue
            low, high = (float("nan"), float("nan")) if ends is None else ends(difference, floor, number)
            found = dict(zip(_names(number), (float(np.nanmean(difference)), low, high), strict=True))
            out[floor] |= found
            if (height := float(sign * np.nanmean(here[floor]))) > most:
                best, most = floor, height
                out[PREDICTION] |= found
        if number == "delta_pearson":
            out[PREDICTION]["best_floor"] = best
    return out


def comparable(values: dict[str, np.ndarray], number: str) -> np.ndarray:
    """A number of which a correlation is 0 where the truth is known and nothing is shifted."""
    found = values[number]
    if number != "delta_pearson":
        return found
    return np.where(np.isnan(found) & np.isfinite(values["rmse"]), 0.0, found)


def _names(number: str) -> tuple[str, ...]:
    return tuple(f"{number}_gain{end}" for end in ("", "_low", "_high"))
