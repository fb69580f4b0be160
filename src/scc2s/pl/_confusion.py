from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s._cells.access import get_adata
from scc2s._cells.results import stored

from ._axes import finish
from ._heat import heat

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData

_CALL = "sc.tl.c2s_compare_labels(adata, a, b)"


def confusion(
    adata: AnnData | MuData,
    *,
    key: str | None = None,
    mod: str = "rna",
    cmap: str = "Blues",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """Which labels two labellings mix up, as a heat map: a result of :func:`scc2s.tl.compare_labels`.

    A row is a label of the one that is compared with (the truth, where it is known); it adds up to 1. The title says
    how far the two agree, and what always giving the most frequent label would get.

    Parameters
    ----------
    adata
        Cells whose labels were compared.
    key
        Name of the comparison; ``None`` takes the last one.
    mod
        Modality, where `adata` is a MuData.
    cmap
        Color map for 0 to 1.
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
        If there is no such comparison.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.tl.c2s_compare_labels(adata, "louvain", "bulk_labels", n_boot=0)
    >>> sc.pl.c2s_confusion(adata, show=False).get_ylabel()
    'bulk_labels'
    """
    data = get_adata(adata, mod)
    if key is None:
        key = next(reversed(dict(stored(data, "compare_labels", call=_CALL, kind=dict))), "")
    found = stored(data, "compare_labels", key, call=_CALL, kind=dict)
    params = found["params"]
    counts = found["confusion"].set_axis(list(params["labels"]), axis=1)  # as columns they cannot hold a slash
    n_cells = counts.sum(axis=1).astype(int)
    given = ax
    ax = heat(
        ax,
        counts.div(n_cells, axis=0),
        n_cells.tolist(),
        cmap=cmap,
        name="share of the row's cells",
        colors=_colors(data, str(params["b"]), list(counts.index)),
    )
    ax.set(xlabel=str(params["a"]), ylabel=str(params["b"]))
    ax.set_title(_title(found["measures"]), fontsize=10)
    return finish(ax, show, given=given)


def _title(measures: pd.DataFrame) -> str:
    value, low, high, floor = (
        float(measures[name].to_dict()["agreement"]) for name in ("value", "low", "high", "floor")
    )
    ends = f" ({low:.2f} to {high:.2f})" if low == low else ""
    rand = float(measures["value"].to_dict()["adjusted Rand"])
    return f"agreement {value:.2f}{ends}; commonest label alone {floor:.2f}\nadjusted Rand {rand:.2f}"


def _colors(adata: AnnData, column: str, labels: list[str]) -> Any:
    """Colors of the labels, where scanpy has given the column some."""
    colors = adata.uns.get(f"{column}_colors")
    if colors is None or column not in adata.obs or not hasattr(adata.obs[column], "cat"):
        return None
    by_name = dict(zip(map(str, adata.obs[column].cat.categories), colors, strict=False))
    return [by_name[label] for label in labels] if all(label in by_name for label in labels) else None
