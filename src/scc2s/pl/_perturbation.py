from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.results import stored

from ._axes import finish, interval_text, new_axes

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData

_MODEL = "prediction"
_CEILING = "real cells, split half"
_COLORS = {
    _MODEL: "C3",
    _CEILING: "black",
    "control": "C0",
    "mean shift of other groups": "C7",
    "mean shift of other donors": "C8",
    "unperturbed regeneration": "C2",
    "regeneration at its own time": "C2",
    "scrambled name": "C9",
}
"""Of what the tools write: the same in every panel, whichever predictors a metric has."""
_OTHERS = ("C4", "C1", "C5", "C6")
"""Colors of predictors with names of their own."""
_LABELS = {
    "program_shift": "shift of the program",
    "delta_pearson": "correlation of mean shifts, all genes",
    "delta_pearson_gain": "correlation of the prediction less that of the floor",
    "delta_pearson_top": "correlation of mean shifts, top genes",
    "kendall_tau": "Kendall's tau",
    "rmse": "RMSE of mean expression",
    "sign_top": "top genes that move the right way",
    "energy_distance": "energy distance",
}


def perturbation(
    adata: AnnData | MuData,
    metric: str | None = None,
    *,
    key: str = "perturbed",
    kind: Literal["perturb", "fate"] = "perturb",
    mod: str = "rna",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """A predicted response beside its truth, floors and ceiling, group by group.

    Parameters
    ----------
    adata
        Cells with a prediction and its report (:func:`scc2s.tl.perturb`, :func:`scc2s.tl.fate`).
    metric
        Column of the report; ``None`` takes ``"program_shift"`` where a program was given, ``"delta_pearson"`` where
        there was a truth. Shifts of a program have the real shift as a line.
    key
        Name of the prediction, with or without ``c2s_``.
    kind
        Tool that made it.
    mod
        Modality, where `adata` is a MuData.
    ax
        Axes to draw on; ``None`` makes a figure.
    show
        Show the figure; ``None`` does as ``scanpy.settings.autoshow`` says, and never with `ax`.

    Returns
    -------
    The Axes: a point for each group and predictor, with its interval of 95 % where there is one. A predictor has the
    same color in every panel.

    Raises
    ------
    KeyError
        If there is no report, or it has no such column.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()[:20].copy()
    >>> sc.pp.c2s_sentences(adata, n_genes=30)
    >>> sc.pp.c2s_rank_fit(adata)
    >>> sc.tl.c2s_perturb(adata, "IFN-beta", program=["IRF8", "HLA-DRA", "CD74"])
    >>> sc.pl.c2s_perturbation(adata, show=False).get_ylabel()
    'shift of the program'
    """
    table = _report(get_adata(adata, mod), kind, key)
    metric = _metric(table, metric)
    several = table["condition"].nunique() > 1
    groups = table["group"] + "\n" + table["condition"].astype(str) if several else table["group"]
    order = list(dict.fromkeys(groups))
    predictors = [
        p for p in dict.fromkeys(table["predictor"]) if table.loc[table["predictor"] == p, metric].notna().any()
    ]
    colors = _colors(table["predictor"])
    given = ax
    ax = new_axes(ax, figsize=(2.8 + (0.35 + 0.13 * len(predictors)) * len(order), 3.6))
    for i, predictor in enumerate(predictors):
        rows = table[table["predictor"] == predictor].set_index(groups[table["predictor"] == predictor]).reindex(order)
        x = np.arange(len(order)) + (i - (len(predictors) - 1) / 2) * 0.7 / max(1, len(predictors))
        _points(ax, x, rows, metric, predictor, colors[predictor])
    if metric == "program_shift" and "true_program_shift" in table:
        true = table.groupby(groups, sort=False)["true_program_shift"].first().reindex(order)
        if true.notna().any():
            ax.hlines(
                true, np.arange(len(order)) - 0.42, np.arange(len(order)) + 0.42, color="black", lw=1, label="truth"
            )
    ax.axhline(0, color="0.8", lw=0.8, zorder=0)
    ax.set_xticks(
        range(len(order)), order, rotation=30 if len(order) > 2 else 0, ha="right" if len(order) > 2 else "center"
    )
    ax.set(ylabel=_LABELS.get(metric, metric), title=None if several else str(table["condition"].iloc[0]))
    drawn = f"{metric}_low" in table and table[f"{metric}_low"].notna().any()
    ax.legend(
        frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), alignment="left", title_fontsize=8,
        title=interval_text(table) if drawn else None,
    )  # fmt: skip
    ax.spines[["top", "right"]].set_visible(False)
    return finish(ax, show, given=given)


def _report(adata: AnnData, kind: str, key: str) -> pd.DataFrame:
    call = f"sc.tl.c2s_{kind}(adata, ..., controls=True)"
    table: pd.DataFrame = stored(adata, kind, key, "controls", call=call, kind=pd.DataFrame)
    return table


def _metric(table: pd.DataFrame, metric: str | None) -> str:
    if metric is None:
        usual = ("program_shift", "delta_pearson")
        metric = next((name for name in usual if name in table and table[name].notna().any()), None)
    if metric is None or metric not in table:
        numbers = [name for name in _LABELS if name in table and table[name].notna().any()]
        what = "values to draw" if metric is None else f"values of {metric!r}"
        other = f"pass metric= one of {numbers}, or " if numbers else ""
        msg = f"the report has no {what}; {other}make it with truth= or program="
        raise KeyError(msg)
    return metric


def _colors(predictors: pd.Series) -> dict[str, str]:
    """A color for each name, of which other names take none away as long as there are enough."""
    colors, free = dict(_COLORS), list(_OTHERS)
    for name in sorted({str(name) for name in predictors} - set(colors)):
        at = zlib.crc32(name.encode("utf-8", "surrogatepass"))
        free = free or list(_OTHERS)
        colors[name] = free.pop(at % len(free))
    return colors


def _points(ax: Axes, x: np.ndarray, rows: pd.DataFrame, metric: str, predictor: str, color: str) -> None:
    style: dict[str, Any] = {"marker": "o", "color": color, "ms": 5, "ls": "none"}
    if predictor == _MODEL:
        style |= {"ms": 8}
    elif predictor == _CEILING:
        style |= {"marker": "_", "ms": 9, "mew": 2}
    ax.plot(x, rows[metric], label=predictor, **style)
    if {f"{metric}_low", f"{metric}_high"} <= set(rows):
        ax.vlines(x, rows[f"{metric}_low"], rows[f"{metric}_high"], color=style["color"], lw=1)
