"""Scores of a panel of perturbations as a table: each between its floor and its ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._bootstrap import MIN_CLUSTERS, bootstrap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PANEL = "mean over perturbations"
MEAN_SCORE = "mean of scaled scores"
YARDSTICKS = {
    "pds_cosine": "higher",
    "expr_mse_unbiased_capped_norm": "lower",
    "direction_fidelity_yield": "higher",
    "direction_reach": "higher",
    "sig_jaccard": "higher",
    "lfc_nmae": "lower",
}
"""Names of the scores, and which values are better."""
_CLAMPS = {"expr_mse_unbiased_capped_norm": (0.0, 1.0), "lfc_nmae": (-6.0, np.inf)}
_WHY = {
    "pds_cosine": "needs 2 perturbations to tell apart",
    "expr_mse_unbiased_capped_norm": "the real effects do not rise above their sampling noise",
    "direction_fidelity_yield": "no gene is significant, predicted or real",
    "direction_reach": "no gene is significant in truth",
    "lfc_nmae": "fewer than 10 genes are significant in truth",
}
_COLUMNS = ("value", "floor", "floor_control", "ceiling")
_NO_FLOOR = "one perturbation is its own mean response, so there is no floor"
_NO_SPAN = "a replicate is not better than the mean response, so nothing is scaled"


class Panel(NamedTuple):
    """Values of all scores of one prediction."""

    each: Mapping[str, np.ndarray]
    """Of each perturbation."""
    whole: Mapping[str, float]
    """Mean over the perturbations that have one."""

    @classmethod
    def of(cls, scores: Mapping[str, np.ndarray]) -> Panel:
        """With the means."""
        return cls(scores, {name: float(_mean(values)) for name, values in scores.items()})

    @classmethod
    def mean(cls, panels: Sequence[Panel]) -> Panel:
        """Of several draws."""
        each = {name: _mean(np.stack([panel.each[name] for panel in panels])) for name in panels[0].each}
        return cls(each, {name: float(_mean(np.array([panel.whole[name] for panel in panels]))) for name in each})


def panel_rows(
    panels: Mapping[str, Panel], sizes: Mapping[Any, tuple[int, int, int]], n_boot: int, random_state: int
) -> list[dict[str, Any]]:
    """Rows of :func:`scc2s.metrics.perturbation_yardsticks`.

    Parameters
    ----------
    panels
        By column: ``"value"``, ``"floor"``, ``"floor_control"``, ``"ceiling"``; some may lack.
    sizes
        Predicted, real and control cells of each perturbation.
    n_boot, random_state
        Samples and seed of the intervals.
    """
    rows: list[dict[str, Any]] = []
    scaled = []
    counts = [sum(n) for n in zip(*sizes.values(), strict=True)][:2] + [next(iter(sizes.values()))[2]]
    for metric in YARDSTICKS:
        whole = {key: panels[key].whole[metric] if key in panels else float("nan") for key in _COLUMNS}
        each = {key: panels[key].each[metric] if key in panels else np.full(len(sizes), np.nan) for key in _COLUMNS}
        span = whole["ceiling"] - whole["floor"]
        useful = span > 0 if YARDSTICKS[metric] == "higher" else span < 0
        over = (each["value"] - each["floor"]) / (span if useful else np.nan)
        for i, (group, n) in enumerate(sizes.items()):
            row = _row(group, metric, {key: float(values[i]) for key, values in each.items()}, n)
            rows.append(row | {"scaled": float(over[i]), "note": _note(metric, row, panels, useful)})
        row = _row(PANEL, metric, whole, counts)
        value = (whole["value"] - whole["floor"]) / span if useful else float("nan")
        scaled.append(float(np.clip(value, *_CLAMPS.get(metric, (-np.inf, np.inf)))))
        row |= {"scaled": scaled[-1], "note": _note(metric, row, panels, useful)}
        rows.append(row | _interval(over[np.isfinite(over)], n_boot, random_state))
    row = _row(PANEL, MEAN_SCORE, dict.fromkeys(_COLUMNS, float("nan")), counts) | {"scaled": float(np.mean(scaled))}
    rows.append(row | {"note": "" if np.isfinite(scaled).all() else "not all six scores have a scaled value"})
    return rows


def _row(group: Any, metric: str, values: Mapping[str, float], n: Sequence[int]) -> dict[str, Any]:
    row: dict[str, Any] = {"perturbation": group, "metric": metric, "better": YARDSTICKS.get(metric, "higher")}
    row |= values
    row |= dict.fromkeys(("scaled", "scaled_low", "scaled_high"), float("nan"))
    return row | dict(zip(("n_pred", "n_true", "n_control"), n, strict=True)) | {"note": ""}


def _note(metric: str, row: Mapping[str, Any], panels: Mapping[str, Panel], useful: bool) -> str:
    if not np.isfinite(row["value"]):
        return _WHY[metric]
    if "floor" not in panels:
        return _NO_FLOOR
    return "" if useful or "ceiling" not in panels else _NO_SPAN


def _interval(values: np.ndarray, n_boot: int, random_state: int) -> dict[str, float]:
    if not n_boot or len(values) < MIN_CLUSTERS:
        return {}
    found = bootstrap(values, n_boot=n_boot, random_state=random_state)
    return {"scaled_low": float(found.low), "scaled_high": float(found.high)}


def _mean(values: np.ndarray) -> Any:
    """Over the first axis, of what is not missing."""
    there = np.isfinite(values)
    n = there.sum(axis=0)
    return np.where(n > 0, np.where(there, values, 0.0).sum(axis=0) / np.maximum(n, 1), np.nan)
