from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.results import stored

from ._axes import finish, interval_text, new_axes
from ._names import write_beside

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData

_SCRAMBLED, _REGENERATION = "scrambled name", "unperturbed regeneration"
"""What the table of controls calls them."""


class _Controls(NamedTuple):
    """What the answers are seen against."""

    null: np.ndarray
    """Splits of scrambled names."""
    regeneration: tuple[float, float] | None
    """Effect in the neutral and in the positive context."""
    max_neutral: float | None


def screen(
    adata: AnnData | MuData,
    *,
    n_labels: int = 10,
    key: str = "screen",
    mod: str = "rna",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """Effects of a screen: neutral context across, positive context up, with intervals; hits in color and named.

    On the diagonal both contexts answer alike, so that the distance above it is the split. The grey band around it
    holds the middle 95 % of the splits of scrambled names; hits lie between the dotted lines (``max_neutral``). A
    screen without a neutral context is drawn as a ranked list of at most 30.

    Parameters
    ----------
    adata
        With a screen (:func:`scc2s.tl.screen`).
    n_labels
        How many of the best are named.
    key
        Name of the screen.
    mod
        Modality, where `adata` is a MuData.
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
        There is no such screen.

    Examples
    --------
    >>> import anndata as ad, scc2s
    >>> table = scc2s.metrics.screen_table(
    ...     np.array([[1.0, 1.1, 1.2, 0.0, 0.1, 0.0], [0.5, 0.4, 0.6, 0.5, 0.4, 0.6]]), ["amplifier", "everywhere"],
    ...     positive=np.arange(6) < 3, neutral=np.arange(6) > 2)
    >>> adata = ad.AnnData(np.ones((1, 1)), uns={"c2s": {"screen": table}})
    >>> scc2s.pl.screen(adata, show=False).get_xlabel()
    'effect in the neutral context'
    """
    data = get_adata(adata, mod)
    table = stored(data, key, call="sc.tl.c2s_screen(adata, names, program=...)", kind=pd.DataFrame)
    ours, key = data.uns["c2s"], key.removeprefix("c2s_")
    params = ours.get(f"{key}_record", {}).get("params", {})
    controls = _controls(ours.get(f"{key}_controls"), params)
    given = ax
    if table["effect_neutral"].isna().all():
        ax = new_axes(ax, figsize=(7, 1.2 + 0.28 * min(len(table), 30)))
        _ranked(ax, table.head(30), controls)
    else:
        ax = new_axes(ax, figsize=(7, 4.8))
        _plane(ax, table, controls, n_labels)
    ax.set_title(f"{params.get('program', 'program')}: what the model says", fontsize=10)
    ax.legend(
        frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), alignment="left", title_fontsize=8,
        title=interval_text(table) if table["low"].notna().any() else None,
    )  # fmt: skip
    ax.spines[["top", "right"]].set_visible(False)
    return finish(ax, show, given=given)


def _controls(table: pd.DataFrame | None, params: dict[str, Any]) -> _Controls:
    limit = params.get("max_neutral")
    if table is None:
        return _Controls(np.empty(0), None, limit)
    null = table.loc[table["control"] == _SCRAMBLED, "split"].to_numpy(float)
    again = table.loc[table["control"] == _REGENERATION, ["effect_neutral", "effect_positive"]].to_numpy(float)
    shown = len(again) and params.get("baseline") != "regeneration"  # against itself it is not a control
    return _Controls(null, tuple(again[0]) if shown else None, limit)


def _plane(ax: Axes, table: pd.DataFrame, controls: _Controls, n_labels: int) -> None:
    x, y = table["effect_neutral"].to_numpy(), table["effect_positive"].to_numpy()
    for axis, at, middle in (("xerr", "neutral", x), ("yerr", "positive", y)):
        ends = table[[f"effect_{at}_low", f"effect_{at}_high"]].to_numpy().T
        errors = np.nan_to_num(np.abs(ends - middle))
        ax.errorbar(x, y, **{axis: errors}, fmt="none", ecolor="0.75", lw=0.8, zorder=1)
    _points(ax, x, y, table["hit"].to_numpy(dtype=bool))
    if controls.regeneration is not None:
        ax.plot(*controls.regeneration, "kx", ms=7, label=_REGENERATION)
    ends = np.array([*ax.get_xlim(), *ax.get_ylim()])
    line = np.array([ends.min(), ends.max()])
    ax.plot(line, line, color="0.6", lw=0.8, ls="--", zorder=0)
    if controls.null.size:
        low, high = np.quantile(controls.null, [0.025, 0.975])
        ax.fill_between(line, line + low, line + high, color="0.92", zorder=-1, label="95 % of scrambled names")
    if controls.max_neutral is not None:
        for limit in (-controls.max_neutral, controls.max_neutral):
            ax.axvline(limit, color="0.6", lw=0.8, ls=":", zorder=0)
    ax.set(xlim=line, ylim=line, xlabel="effect in the neutral context", ylabel="effect in the positive context")
    write_beside(ax, np.column_stack([x, y]), table["name"].head(n_labels).tolist())


def _ranked(ax: Axes, table: pd.DataFrame, controls: _Controls) -> None:
    at = np.arange(len(table))[::-1]
    middle = table["split"].to_numpy()
    errors = np.nan_to_num(np.abs(table[["low", "high"]].to_numpy().T - middle))
    ax.errorbar(middle, at, xerr=errors, fmt="none", ecolor="0.75", lw=0.8, zorder=1)
    _points(ax, middle, at, table["hit"].to_numpy(dtype=bool))
    if controls.regeneration is not None:
        ax.axvline(controls.regeneration[1], color="black", lw=0.8, ls="--", zorder=0, label=_REGENERATION)
    if controls.null.size:
        ax.axvspan(
            *np.quantile(controls.null, [0.025, 0.975]), color="0.92", zorder=-1, label="95 % of scrambled names"
        )
    ax.axvline(0, color="0.8", lw=0.8, zorder=0)
    ax.set_yticks(at, table["name"])
    ax.set_xlabel("effect")


def _points(ax: Axes, x: np.ndarray, y: np.ndarray, hit: np.ndarray) -> None:
    for which, label, color in ((~hit, "no hit", "0.45"), (hit, "hit", "C3")):
        if which.any():
            ax.scatter(x[which], y[which], s=30, color=color, zorder=2, label=label)
