from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from scc2s.train._scaling_result import fit_table

from ._axes import finish, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scc2s.train import Scaling
    from scc2s.train._scaling_fit import Law

_LABELS = {"n_samples": "samples trained on", "n_parameters": "parameters of the model"}
_MARKERS = {"full": "o", "lora": "s"}
_STYLES = {"full": "-", "lora": "--"}


def scaling(
    table: Scaling | pd.DataFrame,
    *,
    by: Literal["n_samples", "n_parameters"] = "n_samples",
    value: str = "loss",
    curve: Literal["log", "power"] | None = "log",
    confidence: float = 0.95,
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """Losses of models of several sizes, trained on parts of the data, with a curve where the points carry one.

    A point is a run, or the mean of the runs of several seeds, with a bar from the least to the largest. A color is a
    model (or, with ``by="n_parameters"``, a share of the data), a mark and kind of line a regime. The curve of each
    color and regime is drawn with its interval between the first and the last of its points, and never beyond; where a
    color has too few runs for a curve, points are joined by a thin line, and the legend says so.

    Parameters
    ----------
    table
        Runs of :func:`scc2s.train.scaling`, or their table.
    by
        What goes across: ``"n_samples"`` or ``"n_parameters"``.
    value
        Column of the table that goes up, e.g. ``"loss"`` or a score.
    curve
        ``"log"``: straight over the logarithm. ``"power"``: saturating power law. ``None``: points alone.
    confidence
        Share of the interval of a curve.
    ax
        Axes to draw on; ``None`` makes a figure.
    show
        Show the figure; ``None`` does as ``scanpy.settings.autoshow`` says, and never with `ax`.

    Returns
    -------
    The Axes.

    Raises
    ------
    KeyError
        If the table lacks a column.
    ValueError
        If there are no runs, or `by` or `curve` is not one of those above.

    Examples
    --------
    >>> import pandas as pd, scc2s
    >>> runs = pd.DataFrame({"size": "small", "regime": "full", "fraction": [0.1, 0.3, 0.6, 1.0], "seed": 0})
    >>> runs = runs.assign(n_parameters=100_000, n_samples=[100, 300, 600, 1000], loss=[2.1, 1.8, 1.7, 1.6])
    >>> scc2s.pl.scaling(runs, show=False).get_xscale()
    'log'
    """
    runs = table if isinstance(table, pd.DataFrame) else table.table
    _check(runs, by, value, curve)
    given = ax
    ax = new_axes(ax, figsize=(6.2, 3.8))
    series = "size" if by == "n_samples" else "fraction"
    names = list(dict.fromkeys(runs.sort_values(["n_parameters", "fraction"], kind="stable")[series]))
    fitted = unfitted = False
    for number, name in enumerate(names):
        for regime in sorted(runs["regime"].unique()):
            own = runs[(runs[series] == name) & (runs["regime"] == regime)]
            if len(own):
                label = f"{name if by == 'n_samples' else f'{_percent(name)} of the data'}, {regime}"
                drawn = _drawn(ax, own, by, value, curve, confidence, f"C{number}", regime, label)
                fitted, unfitted = fitted or drawn, unfitted or not drawn
    ax.set_xscale("log")
    if (runs[value] > 0).all() and runs[value].max() > 3 * runs[value].min():
        ax.set_yscale("log")
    _ticks(ax, np.unique(runs[by].to_numpy(dtype=float)))
    ax.set(xlabel=_LABELS[by], ylabel="held-out loss, nats a token" if value == "loss" else value)
    law = "saturating power law" if curve == "power" else "straight over the logarithm"
    notes = [f"bands: {_percent(confidence)} interval, {law}"] if fitted else []
    notes += ["bars: least to largest of the seeds"] if runs["seed"].nunique() > 1 else []
    notes += ["thin lines: too few runs for a curve"] if unfitted and curve is not None else []
    ax.legend(
        frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), title="\n".join(notes), title_fontsize=8,
        alignment="left",
    )  # fmt: skip
    ax.spines[["top", "right"]].set_visible(False)
    return finish(ax, show, given=given)


def _check(runs: pd.DataFrame, by: str, value: str, curve: str | None) -> None:
    if by not in _LABELS:
        msg = f"by={by!r} is not known; pass 'n_samples' or 'n_parameters'"
        raise ValueError(msg)
    if curve not in (None, "log", "power"):
        msg = f"curve={curve!r} is not known; pass 'log', 'power' or None"
        raise ValueError(msg)
    needed = ("size", "regime", "fraction", "seed", "n_parameters", "n_samples", value)
    if absent := [name for name in needed if name not in runs]:
        msg = f"the table has no {absent[0]!r}; pass what scc2s.train.scaling(...) returns, or another value="
        raise KeyError(msg)
    if not len(runs):
        msg = "the table has no runs; make some with scc2s.train.scaling(...)"
        raise ValueError(msg)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _ticks(ax: Axes, places: np.ndarray) -> None:
    """Plain numbers at the points, where there are few and they are not close together."""
    if len(places) > 6 or (np.diff(np.log10(places)) < 0.15).any():
        return
    ax.set_xticks(places, [f"{n:,.0f}" if n < 1e6 else f"{n / 1e6:,.3g} M" for n in places])
    ax.set_xticks([], minor=True)


def _drawn(
    ax: Axes, own: pd.DataFrame, by: str, value: str, fit: Law | None, level: float, color: str, regime: str, label: str
) -> bool:
    """Points of one color and regime, and their curve; whether there is one."""
    seeds = own.groupby(by, sort=True)[value].agg(["mean", "min", "max"])
    x, middle = seeds.index.to_numpy(dtype=float), seeds["mean"].to_numpy(dtype=float)
    bars = np.abs(seeds[["min", "max"]].to_numpy(dtype=float).T - middle)
    marker, style = _MARKERS.get(regime, "^"), _STYLES.get(regime, ":")
    ax.errorbar(
        x, middle, yerr=bars if bars.any() else None, fmt=marker, ms=5, lw=1, color=color, label=label,
        markerfacecolor=color if regime == "full" else "white",
    )  # fmt: skip
    curve = None
    if fit is not None:
        try:
            curve = fit_table(own, over=[by], value=value, law=fit, level=level)
        except ValueError:  # too few runs, as the legend says
            curve = None
    if curve is None:
        ax.plot(x, middle, color=color, lw=0.6, ls=style, alpha=0.6)
        return False
    line = np.geomspace(x.min(), x.max(), 100)
    ax.plot(line, curve.predict(line), color=color, lw=1.5, ls=style)
    ax.fill_between(line, *curve.band(line), color=color, alpha=0.12, lw=0)
    return True
