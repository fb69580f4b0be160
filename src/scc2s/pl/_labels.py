from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s.metrics import mean_by_group

from ._axes import finish
from ._heat import heat
from ._keys import either_name

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData


def labels(
    adata: AnnData | MuData,
    groupby: str,
    *,
    key: str = "c2s_cell_type",
    kind: Literal["confusion", "probability"] = "confusion",
    mod: str = "rna",
    cmap: str = "Blues",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """Labels of :func:`scc2s.tl.annotate` against groups of cells, as a heat map.

    Parameters
    ----------
    adata
        Annotated cells.
    groupby
        Column of ``.obs``: known cell types, or clusters. One row a group, in the column's colors where
        ``.uns["<groupby>_colors"]`` has them.
    key
        Name of the labels in ``.obs``.
    kind
        ``"confusion"``: share of each group's cells that got each label. ``"probability"``: mean probability of each
        label over the group's cells, from ``.obsm["<key>_probs"]``. Cells without a label do not count in either; how
        many do stands right of each row.
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
        If labels, probabilities or groups are not there.

    Examples
    --------
    >>> import pandas as pd, scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> adata.obs["c2s_cell_type"] = adata.obs["bulk_labels"].astype(str).str[:4].astype("category")
    >>> sc.pl.c2s_labels(adata, "bulk_labels", show=False).get_ylabel()
    'bulk_labels'
    """
    adata = get_adata(adata, mod)
    key = either_name(key, adata.obs.columns)
    for name in (groupby, key):
        if name not in adata.obs:
            fix = "call sc.tl.c2s_annotate(adata) first" if name == key else "pass groupby=... from adata.obs"
            msg = f"adata.obs has no column {name!r}; {fix}"
            raise KeyError(msg)
    table, n_cells = _shares(adata, groupby, key) if kind == "confusion" else _probabilities(adata, groupby, key, kind)
    given = ax
    name = "share of the row's cells" if kind == "confusion" else "mean probability"
    ax = heat(ax, table, n_cells, cmap=cmap, name=name, colors=adata.uns.get(f"{groupby}_colors"))
    ax.set(xlabel=key, ylabel=groupby)
    return finish(ax, show, given=given)


def _shares(adata: AnnData, groupby: str, key: str) -> tuple[pd.DataFrame, list[int]]:
    """Shares and numbers of cells; empty groups stay as rows of NaN, labels that no cell got as columns of 0."""
    groups, found = adata.obs[groupby].astype("category"), adata.obs[key].astype("category")
    columns = list(dict.fromkeys([*given_labels(adata, key), *found.cat.categories]))
    counts = pd.crosstab(groups, found, dropna=False).reindex(groups.cat.categories)
    counts = counts.reindex(columns=columns, fill_value=0)
    n = counts.sum(axis=1)
    return counts.div(n.replace(0, np.nan), axis=0), n.fillna(0).astype(int).tolist()


def _probabilities(adata: AnnData, groupby: str, key: str, kind: str) -> tuple[pd.DataFrame, list[int]]:
    if kind != "probability":
        msg = f"kind={kind!r} is not known; pass kind='confusion' or kind='probability'"
        raise ValueError(msg)
    if f"{key}_probs" not in adata.obsm:
        msg = f"adata.obsm has no {key + '_probs'!r}; call sc.tl.c2s_annotate(adata, mode='score') first"
        raise KeyError(msg)
    probs, groups = adata.obsm[f"{key}_probs"], adata.obs[groupby].astype("category").cat
    values, codes = probs.to_numpy(dtype=float), groups.codes.to_numpy()
    means = mean_by_group(values, codes, len(groups.categories))
    counted = codes[(codes >= 0) & ~np.isnan(values).any(axis=1)]
    names = given_labels(adata, key)  # as columns of obsm they cannot hold a slash
    table = pd.DataFrame(
        means, index=groups.categories, columns=names if len(names) == probs.shape[1] else probs.columns
    )
    return table, np.bincount(counted, minlength=len(table)).tolist()


def given_labels(adata: AnnData, key: str) -> list[str]:
    """Labels that the cells were annotated with, also those that none got; empty without a record."""
    for record in adata.uns.get("c2s", {}).values():
        params = record.get("params", {})
        if params.get("key_added") == key:
            return [str(label) for label in params.get("labels", [])]
    return []
