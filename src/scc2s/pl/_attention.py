from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.results import stored

from ._axes import finish, new_axes

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData
_NONE = "0.88"
"""Color of pairs without a weight."""


def attention(
    adata: AnnData | MuData,
    name: str | None = None,
    *,
    n_genes: int = 25,
    key: str = "attention",
    mod: str = "rna",
    cmap: str = "viridis",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """Attention between the first genes of a cell's sentence, or of a group's (:func:`scc2s.tl.attention`).

    Parameters
    ----------
    adata
        Cells with attention.
    name
        Cell or group; ``None``: the first.
    n_genes
        Show this many genes, from the strongest (in a group: by mean place, of those that most of its cells have).
    key
        Name of the result.
    mod
        Modality, where `adata` is a MuData.
    cmap
        Colors.
    ax
        Axes to draw on; ``None`` makes a figure.
    show
        Show the figure; ``None`` does as ``scanpy.settings.autoshow`` says, and never with `ax`.

    Returns
    -------
    The Axes. Rows attend to columns. Pairs without a weight are grey: a model that reads from left to right gives a
    gene none for the genes after it.

    Raises
    ------
    KeyError
        There is no such result, cell or group.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> sc.tl.c2s_attention(adata, cells=adata.obs_names[:1])
    >>> sc.pl.c2s_attention(adata, show=False).get_title()
    'AAAGCCTGGCTAAC-1'
    """
    table = stored(get_adata(adata, mod), key, call="sc.tl.c2s_attention(adata)", kind=pd.DataFrame)
    column = "cell" if "cell" in table else "group"
    name = str(table[column].iloc[0]) if name is None else name
    table = table[table[column] == name]
    if table.empty:
        msg = f"there is no attention of {name!r}; pass name= a {column} of adata.uns['c2s'][{key!r}]"
        raise KeyError(msg)
    genes = _first(table, n_genes)
    weights = table.pivot_table(index="gene", columns="attends_to", values="weight", observed=True)
    shown = weights.reindex(index=genes, columns=genes).to_numpy(dtype=float)
    size = max(3.5, 0.22 * len(genes) + 1.5)
    drawn = new_axes(ax, (size + 0.8, size))
    drawn.set_facecolor(_NONE)
    image = drawn.imshow(shown, cmap=cmap, vmin=0, vmax=np.nanquantile(shown, 0.98) or None)
    drawn.figure.colorbar(image, ax=drawn, fraction=0.046, pad=0.03, label="attention, mean over heads", extend="max")
    places = np.arange(len(genes))
    drawn.set_xticks(places, genes, rotation=90, fontsize=7)
    drawn.set_yticks(places, genes, fontsize=7)
    drawn.set(xlabel="is attended to", ylabel="attends", title=name)
    drawn.spines[:].set_visible(False)
    if np.isnan(shown).any():
        drawn.set_title(name, pad=18)
        _say_none(drawn, shown, group="n_cells" in table)
    return finish(drawn, show, given=ax)


def _say_none(ax: Axes, shown: np.ndarray, *, group: bool) -> None:
    """What the grey squares are, under the title: they are not small weights."""
    from matplotlib.patches import Patch

    whys = ["genes read later" if group else "a gene that is read later"]
    if np.isnan(shown[np.tril_indices(len(shown))]).any():
        whys.append("never together in a cell" if group else "not in the table")
    why = ", or ".join(whys)
    ax.legend(
        handles=[Patch(facecolor=_NONE, label=f"no weight: {why}")], frameon=False, fontsize=7, loc="lower center",
        bbox_to_anchor=(0.5, 1), borderpad=0,
    )  # fmt: skip


def _first(table: pd.DataFrame, n_genes: int) -> list[str]:
    own = table[table["gene"] == table["attends_to"]]
    if "n_cells" in own:
        own = own[own["n_cells"] >= own["n_cells"].max() / 2]
    return own.sort_values("position", kind="stable")["gene"].head(n_genes).tolist()
