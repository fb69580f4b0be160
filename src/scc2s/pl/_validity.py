from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.access import get_adata

from ._axes import finish, new_axes
from ._keys import either_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData

_MEASURES = {
    "valid": "words that\nare genes",
    "unique": "genes that\nare no repeat",
    "complete": "cells as long\nas asked for",
}
_MANY = 4
_LINES = "bars: mean; lines: 5th to 95th percentile of the cells"


def validity(
    adata: AnnData | MuData | Mapping[str, AnnData],
    *,
    key: str | Sequence[str] = "c2s",
    mod: str = "rna",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """Whether what a model wrote are cells: share of words that are genes, of genes that are not repeats, and length.

    Bars are means over cells, black lines reach from the 5th to the 95th percentile of the cells (so they are not
    intervals of the means); the title of the legend says so. Several results, such as free and constrained decoding,
    stand side by side.

    Parameters
    ----------
    adata
        Cells of :func:`scc2s.tl.generate`, or with results of :func:`scc2s.tl.perturb`; or several, by the name they
        get in the legend: ``{"free": new, "constrained": other}``.
    key
        What stands before ``_valid`` in the columns of ``.obs``: ``"c2s"`` for generated cells, ``"c2s_perturbed"`` or
        ``"perturbed"`` for perturbed ones. Several are drawn side by side.
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
        If there is no such result.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> sc.pp.c2s_rank_fit(adata)
    >>> new = sc.tl.c2s_generate(adata, 4)
    >>> free = sc.tl.c2s_generate(adata, 4, constrain=False)
    >>> sc.pl.c2s_validity({"constrained": new, "free": free}, show=False).get_ylabel()
    'share'
    """
    sets = adata if isinstance(adata, Mapping) else {"": get_adata(adata, mod)}
    keys = [key] if isinstance(key, str) else list(key)
    tables = {
        " ".join(part for part in (name, stem if len(keys) > 1 else "") if part): _written(data.obs, stem)
        for name, data in sets.items()
        for stem in keys
    }
    given = ax
    ax = new_axes(ax, figsize=(3.4 + 0.9 * len(tables), 3.2 + 0.17 * len(tables)))
    width = 0.8 / len(tables)
    for i, (name, table) in enumerate(tables.items()):
        x = np.arange(len(_MEASURES)) + (i - (len(tables) - 1) / 2) * width
        values = table[list(_MEASURES)].to_numpy(dtype=float)
        label = f"{name} ({len(table)} cells, {table['n_words'].mean():.0f} words each)".strip()
        ax.bar(x, np.nanmean(values, axis=0), width * 0.9, label=label, color=f"C{i}", alpha=0.8)
        # whole cells are as long as asked for, or are not: no range
        ax.vlines(x[:2], *np.nanpercentile(values[:, :2], [5, 95], axis=0), color="black", lw=1)
        for at, share in zip(x, np.nanmean(values, axis=0), strict=True):
            turned = 90 if len(tables) > _MANY else 0  # side by side they would run into each other
            ax.annotate(f"{share:.1%}", (at, 1.02), ha="center", va="bottom", fontsize=8, rotation=turned)
    ax.set_xticks(range(len(_MEASURES)), list(_MEASURES.values()))
    ax.set(ylabel="share", ylim=(0, 1.25 if len(tables) > _MANY else 1.1))
    ax.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), title=_LINES, title_fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return finish(ax, show, given=given)


def _written(obs: pd.DataFrame, stem: str) -> pd.DataFrame:
    """Columns of one result, cells that were asked about."""
    stem = either_name(f"{stem}_valid", obs.columns).removesuffix("_valid")
    names = [f"{stem}_{name}" for name in (*_MEASURES, "n_words")]
    if absent := [name for name in names if name not in obs]:
        msg = (
            f"obs has no column {absent[0]!r}; call sc.tl.c2s_generate(adata) or sc.tl.c2s_perturb(adata, ...), and "
            "pass key= the name before '_valid'"
        )
        raise KeyError(msg)
    table = obs[names].set_axis([*_MEASURES, "n_words"], axis=1)
    return table[table["complete"] | table["valid"].notna()]
