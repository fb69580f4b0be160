from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._anndata import get_adata

from ._axes import finish, new_axes

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData

_SCRAMBLED = "scrambled name"
"""What the table of controls calls them."""


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
    holds 95 % of the splits of names that mean nothing. A screen without a neutral context is drawn as a ranked list.

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
    ...     np.array([[1.0, 1.2, 0.0, 0.1], [0.5, 0.4, 0.5, 0.4]]), ["amplifier", "everywhere"],
    ...     positive=np.array([1, 1, 0, 0], bool), neutral=np.array([0, 0, 1, 1], bool))
    >>> adata = ad.AnnData(np.ones((1, 1)), uns={"c2s": {"screen": table}})
    >>> scc2s.pl.screen(adata, show=False).get_xlabel()
    'effect in the neutral context'
    """
    data = get_adata(adata, mod)
    ours = data.uns.get("c2s", {})
    table = ours.get(key)
    if not isinstance(table, pd.DataFrame):
        msg = f"there is no screen in adata.uns['c2s'][{key!r}]; call sc.tl.c2s_screen(adata, names, program=...)"
        raise KeyError(msg)
    record = ours.get(f"{key}_record", {})
    controls = ours.get(f"{key}_controls")
    null = np.empty(0) if controls is None else controls.loc[controls["control"] == _SCRAMBLED, "split"].to_numpy(float)
    program = str(record.get("params", {}).get("program", "program"))
    given = ax
    if table["effect_neutral"].isna().all():
        ax = new_axes(ax, figsize=(5.5, 1.2 + 0.28 * min(len(table), 30)))
        _ranked(ax, table.head(30), null)
    else:
        ax = new_axes(ax, figsize=(5.2, 4.8))
        _plane(ax, table, null, n_labels)
    ax.set_title(f"{program}: what the model says", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    return finish(ax, show, given=given)


def _plane(ax: Axes, table: pd.DataFrame, null: np.ndarray, n_labels: int) -> None:
    x, y = table["effect_neutral"].to_numpy(), table["effect_positive"].to_numpy()
    hit = table["hit"].to_numpy(dtype=bool)
    for axis, at, middle in (("xerr", "neutral", x), ("yerr", "positive", y)):
        ends = table[[f"effect_{at}_low", f"effect_{at}_high"]].to_numpy().T
        errors = np.nan_to_num(np.abs(ends - middle))
        ax.errorbar(x, y, **{axis: errors}, fmt="none", ecolor="0.75", lw=0.8, zorder=1)
    ax.scatter(x[~hit], y[~hit], s=22, color="0.45", zorder=2, label="no hit")
    if hit.any():
        ax.scatter(x[hit], y[hit], s=34, color="C3", zorder=3, label="hit")
    ends = np.array([*ax.get_xlim(), *ax.get_ylim()])
    line = np.array([ends.min(), ends.max()])
    ax.plot(line, line, color="0.6", lw=0.8, ls="--", zorder=0)
    if null.size:
        low, high = np.quantile(null, [0.025, 0.975])
        ax.fill_between(line, line + low, line + high, color="0.92", zorder=-1, label="names that mean nothing")
    ax.set(xlim=line, ylim=line, xlabel="effect in the neutral context", ylabel="effect in the positive context")
    for name, a, b in table[["name", "effect_neutral", "effect_positive"]].head(n_labels).itertuples(index=False):
        ax.annotate(name, (a, b), xytext=(5, 4), textcoords="offset points", fontsize=8)
    ax.legend(frameon=False, fontsize=8, loc="lower right")


def _ranked(ax: Axes, table: pd.DataFrame, null: np.ndarray) -> None:
    at = np.arange(len(table))[::-1]
    middle = table["split"].to_numpy()
    errors = np.nan_to_num(np.abs(table[["low", "high"]].to_numpy().T - middle))
    colors = np.where(table["hit"], "C3", "0.45")
    ax.errorbar(middle, at, xerr=errors, fmt="none", ecolor="0.75", lw=0.8, zorder=1)
    ax.scatter(middle, at, s=28, c=colors, zorder=2)
    if null.size:
        ax.axvspan(*np.quantile(null, [0.025, 0.975]), color="0.92", zorder=-1, label="names that mean nothing")
        ax.legend(frameon=False, fontsize=8, loc="lower right")
    ax.axvline(0, color="0.8", lw=0.8, zorder=0)
    ax.set_yticks(at, table["name"])
    ax.set_xlabel("effect")
