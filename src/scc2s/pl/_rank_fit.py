from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.access import get_adata
from scc2s._cells.recorded import recorded_expression
from scc2s._cells.results import stored
from scc2s._cells.values import describe, log_blocks
from scc2s.sentences import RankFit
from scc2s.sentences._rank_sums import RankSums

from ._axes import finish, new_axes

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData

_MOST_PAIRS = 500_000


def rank_fit(
    adata: AnnData | MuData,
    *,
    key: str = "rank_fit",
    mod: str = "rna",
    cmap: str = "Greys",
    color: str = "C3",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """Expression against rank: density of all (cell, gene) pairs, their mean at each rank, and the fitted line.

    Three R2 are in circulation for this line; all are written beside it (see :class:`scc2s.sentences.RankFit`). Over
    500,000 pairs the density is that of a fixed choice of cells.

    Parameters
    ----------
    adata
        Cells with a fit (:func:`scc2s.pp.rank_fit`).
    key
        Name of the fit in ``.uns["c2s"]``.
    mod
        Modality, where `adata` is a MuData.
    cmap
        Color map of the density.
    color
        Color of the line.
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
        If there is no such fit.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_rank_fit(adata)
    >>> sc.pl.c2s_rank_fit(adata, show=False).get_xscale()
    'log'
    """
    adata = get_adata(adata, mod)
    fit = RankFit.from_dict(stored(adata, key, call="sc.pp.c2s_rank_fit(adata)"))
    expressed = recorded_expression(adata, key.removeprefix("c2s_"))
    sums = RankSums(max_pairs=_MOST_PAIRS)
    for block in log_blocks(expressed, describe(expressed.blocks()), fit.target_sum or 1e4, fit.base):
        sums.add(block)
    rank, value = sums.sample()
    given = ax
    ax = new_axes(ax, figsize=(5, 3.8))
    ax.hexbin(rank, value, xscale="log", bins="log", gridsize=60, cmap=cmap, mincnt=1, lw=0.1)
    reached = np.flatnonzero(sums.n) + 1
    ax.plot(reached, (sums.first / np.maximum(sums.n, 1))[reached - 1], color="black", lw=1, label="mean of the cells")
    line = np.geomspace(1, reached.max(), 200)
    ax.plot(line, fit.predict(line), color=color, lw=2, label=f"{fit.slope:.3f} log10(rank) + {fit.intercept:.3f}")
    ax.set(xlabel="rank in the cell", ylabel="expression", xlim=(1, reached.max()), ylim=(0, None))
    ax.legend(frameon=False, fontsize=8, loc="upper right", title=_r2_text(fit), title_fontsize=8, alignment="left")
    ax.spines[["top", "right"]].set_visible(False)
    return finish(ax, show, given=given)


def _r2_text(fit: RankFit) -> str:
    ranks = "all ranks" if fit.fit_range is None else f"ranks {fit.fit_range[0]} to {fit.fit_range[1] - 1}"
    return (
        f"R² {fit.r2:.3f}, line fitted to {ranks}\n"
        f"R² {fit.r2_all_ranks:.3f}, line fitted to all ranks\n"
        f"R² {fit.r2_rank_means:.3f}, of the rank means only"
    )
