from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scc2s._cells.access import get_adata

from ._axes import finish, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData

_MODEL = "prediction"
_CEILING = "real cells, split half"
_CONTROLS = ("C0", "C7", "C2", "C9", "C4", "C1", "C5", "C8")
"""Colors of all that the red prediction is compared with."""
_LABELS = {
    "program_shift": "shift of the program",
    "delta_pearson": "correlation of mean shifts, all genes",
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
        Name of the prediction.
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
    The Axes: a point for each group and predictor, with its interval where there is one.

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
    given = ax
    ax = new_axes(ax, figsize=(2.8 + (0.35 + 0.13 * len(predictors)) * len(order), 3.6))
    for i, predictor in enumerate(predictors):
        rows = table[table["predictor"] == predictor].set_index(groups[table["predictor"] == predictor]).reindex(order)
        x = np.arange(len(order)) + (i - (len(predictors) - 1) / 2) * 0.7 / max(1, len(predictors))
        _points(ax, x, rows, metric, predictor, i)
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
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    ax.spines[["top", "right"]].set_visible(False)
    return finish(ax, show, given=given)


def _report(adata: AnnData, kind: str, key: str) -> pd.DataFrame:
    found = adata.uns.get("c2s", {}).get(kind, {}).get(key, {})
    if "controls" not in found:
        msg = f"there is no report in uns['c2s'][{kind!r}][{key!r}]; call sc.tl.c2s_{kind}(adata, ..., controls=True)"
        raise KeyError(msg)
    return found["controls"]


def _metric(table: pd.DataFrame, metric: str | None) -> str:
    if metric is None:
        usual = ("program_shift", "delta_pearson")
        metric = next((name for name in usual if name in table and table[name].notna().any()), None)
    if metric is None or metric not in table:
        numbers = [name for name in _LABELS if name in table and table[name].notna().any()]
        msg = (
            f"the report has no values of {metric!r}; pass metric= one of {numbers}, or make it with truth= or program="
        )
        raise KeyError(msg)
    return metric


def _points(ax: Axes, x: np.ndarray, rows: pd.DataFrame, metric: str, predictor: str, number: int) -> None:
    style: dict[str, Any] = {"marker": "o", "color": _CONTROLS[number % len(_CONTROLS)], "ms": 5, "ls": "none"}
    if predictor == _MODEL:
        style |= {"color": "C3", "ms": 8}
    elif predictor == _CEILING:
        style |= {"marker": "_", "color": "black", "ms": 9, "mew": 2}
    ax.plot(x, rows[metric], label=predictor, **style)
    if {f"{metric}_low", f"{metric}_high"} <= set(rows):
        ax.vlines(x, rows[f"{metric}_low"], rows[f"{metric}_high"], color=style["color"], lw=1)
