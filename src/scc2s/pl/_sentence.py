from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.access import get_adata, get_sentences, sentence_slots
from scc2s._cells.recorded import recorded_expression

from ._axes import finish, new_axes
from ._keys import either_name

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData


def sentence(
    adata: AnnData | MuData,
    cell: str | int,
    *,
    n_genes: int = 40,
    sentence_key: str = "c2s_sentence",
    mod: str = "rna",
    color: str = "C0",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """The sentence of one cell, gene by gene, with the expression that it was made from.

    Genes with the same expression share a grey band: their order within it is a matter of the tie rule, not of the
    data.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    cell
        Name of the cell, or its row.
    n_genes
        Show this many genes, from the first.
    sentence_key
        Column of ``.obs`` with the sentences.
    mod
        Modality, where `adata` is a MuData.
    color
        Color of the bars.
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
        If there is no such cell, there are no sentences, or a gene of the sentence is not in the expression.
    ValueError
        If the sentence is empty.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata)
    >>> sc.pl.c2s_sentence(adata, 0, n_genes=20, show=False).get_ylabel()
    'expression'
    """
    adata = get_adata(adata, mod)
    sentence_key = either_name(sentence_key, adata.obs.columns)
    one = adata[[_row(adata, cell)]]
    genes = get_sentences(one, sentence_key)[0].split()[:n_genes]
    if not genes:
        msg = f"cell {cell!r} has an empty sentence; pass a cell that expresses genes"
        raise ValueError(msg)
    values = _values(one, genes, sentence_key)
    given = ax
    ax = new_axes(ax, figsize=(max(4.0, 1.2 + 0.2 * len(genes)), 3.2))
    for i, (start, stop) in enumerate(_ties(values)):
        if stop - start > 1:
            ax.axvspan(start - 0.5, stop - 0.5, color="0.92" if i % 2 else "0.86", lw=0, zorder=0)
    ax.bar(range(len(genes)), values, color=color, width=0.7)
    ax.set_xticks(range(len(genes)), genes, rotation=90, fontsize=8)
    ax.set(xlim=(-0.6, len(genes) - 0.4), ylabel="expression", title=f"{one.obs_names[0]}: genes 1 to {len(genes)}")
    ax.spines[["top", "right"]].set_visible(False)
    return finish(ax, show, given=given)


def _row(adata: AnnData, cell: str | int) -> int:
    if isinstance(cell, str):
        if cell not in adata.obs_names:
            msg = f"there is no cell {cell!r}; pass one of adata.obs_names, or a row"
            raise KeyError(msg)
        return int(np.flatnonzero(adata.obs_names == cell)[0])
    if not -adata.n_obs <= cell < adata.n_obs:
        msg = f"there is no row {cell}; pass 0 to {adata.n_obs - 1}"
        raise KeyError(msg)
    return int(cell) % int(adata.n_obs)


def _values(one: AnnData, genes: list[str], sentence_key: str) -> np.ndarray:
    """Expression of the sentence's genes in the one cell."""
    source = recorded_expression(one, sentence_slots(sentence_key).record)
    block = next(row for _, row in source.blocks())
    values = np.asarray(block.todense() if hasattr(block, "todense") else block).ravel()
    found = dict(zip(source.names, values.tolist(), strict=True))
    if missing := [gene for gene in genes if gene not in found]:
        msg = (
            f"{len(missing)} genes of the sentence, e.g. {missing[0]}, are not in {source.source}; "
            f"make it anew: sc.pp.c2s_sentences(adata, key_added={sentence_key!r})"
        )
        raise KeyError(msg)
    return np.array([found[gene] for gene in genes])


def _ties(values: np.ndarray) -> list[tuple[int, int]]:
    """First and last + 1 place of each run of equal values."""
    edges = np.flatnonzero(np.diff(values)) + 1
    return list(zip([0, *edges.tolist()], [*edges.tolist(), len(values)], strict=True))
