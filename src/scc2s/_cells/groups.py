"""Groups of cells: which cells stand for them, which genes are theirs, how many of their cells express a gene."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s._cells.access import sentence_slots
from scc2s._cells.recorded import recorded_expression
from scc2s._cells.sampling import shuffled
from scc2s._cells.scanpy_defaults import scanpy_defaults
from scc2s._cells.values import describe, log_blocks
from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from scc2s._cells.expression import Expression


class Groups(NamedTuple):
    """Groups of the cells of an AnnData; those without a cell are left out."""

    names: list[str]
    codes: np.ndarray
    """Group of each cell, -1 for none."""

    @classmethod
    def of(cls, adata: AnnData, groupby: str) -> Groups:
        """The values of a column of ``.obs``, in the order of its categories."""
        if groupby not in adata.obs:
            msg = (
                f"adata.obs has no column {groupby!r} to group by; pass another, or make it after pip install "
                "'scc2s[analysis]': sc.pp.neighbors(adata); sc.tl.leiden(adata)"
            )
            raise KeyError(msg)
        column = adata.obs[groupby].astype("category").cat.remove_unused_categories()
        if not len(column.cat.categories):
            msg = f"adata.obs[{groupby!r}] holds no group; pass groupby= a column with values"
            raise ValueError(msg)
        names = [str(name) for name in column.cat.categories]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            msg = (
                f"adata.obs[{groupby!r}] has several values that read {twice[0]!r}; make them one: "
                f"adata.obs[{groupby!r}] = adata.obs[{groupby!r}].astype(str)"
            )
            raise ValueError(msg)
        return cls(names, column.cat.codes.to_numpy())

    @property
    def sizes(self) -> np.ndarray:
        """Cells of each group."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))

    def shuffled(self, obs_names: pd.Index, random_state: int) -> list[np.ndarray]:
        """Rows of each group in an order of chance that depends on the names of its cells alone, not on their order."""
        order = shuffled(obs_names, random_state)
        return [order[self.codes[order] == code] for code in range(len(self.names))]


def top_genes(
    adata: AnnData,
    groupby: str,
    n: int,
    *,
    key: str | None,
    sentence_key: str,
    layer: str | None = None,
    use_raw: bool | None = None,
) -> dict[str, list[str]]:
    """Up to `n` genes that are higher in each group than in all other cells, best first, by scanpy's test.

    Parameters
    ----------
    adata
        Cells.
    groupby
        Column of ``.obs``.
    n
        Genes.
    key
        Result of :func:`scanpy.tl.rank_genes_groups` in ``.uns`` to take them from. ``None`` calls it, with its own
        defaults, on a log-normalised copy of the expression that the sentences named `sentence_key` came from.
    layer, use_raw
        Take this expression instead.

    Returns
    -------
    Genes by group; none for a group of a single cell, or one that has no others to compare with.
    """
    groups = Groups.of(adata, groupby)
    if key is None:
        expressed = recorded_expression(adata, sentence_slots(sentence_key).record, layer=layer, use_raw=use_raw)
        found = _rank_genes(expressed, groups, n)
    else:
        found = _stored(adata, groupby, key)
    genes = {name: found.get(name, [])[:n] for name in groups.names}
    if none := [name for name, some in genes.items() if not some]:
        logger.warning("no genes stand out in %s: a single cell, or nothing to compare with", ", ".join(none))
    return genes


def _rank_genes(expressed: Expression, groups: Groups, n: int) -> dict[str, list[str]]:
    import scanpy as sc
    from anndata import AnnData

    tested = [name for name, size in zip(groups.names, groups.sizes, strict=True) if 1 < size < expressed.n_cells]
    if not tested:
        return {}
    X, names = log_matrix(expressed)
    column = np.array([*groups.names, None], dtype=object)[groups.codes]  # -1 picks None
    obs = pd.DataFrame({"group": pd.Categorical(column)}, index=np.arange(X.shape[0]).astype(str))
    cells = AnnData(X, obs=obs, var=pd.DataFrame(index=names))
    with scanpy_defaults():
        sc.tl.rank_genes_groups(cells, "group", groups=tested, n_genes=min(n, len(names)))
    return _higher(cells.uns["rank_genes_groups"])


def log_matrix(expressed: Expression) -> tuple[Any, list[str]]:
    """Log-normalised values of the genes that are used, as scanpy takes them, and the names of these genes."""
    values = describe(expressed.blocks(2048))
    blocks = list(log_blocks(expressed, values, 1e4, math.e))
    dense = isinstance(blocks[0], np.ndarray)
    X = np.vstack(blocks) if dense else sparse.csr_matrix(sparse.vstack(blocks))  # scanpy takes no sparse arrays
    return X, [name for i, name in enumerate(expressed.names) if expressed.allowed is None or expressed.allowed[i]]


def _stored(adata: AnnData, groupby: str, key: str) -> dict[str, list[str]]:
    if key not in adata.uns:
        msg = f"adata.uns has no {key!r}; call sc.tl.rank_genes_groups(adata, {groupby!r}, key_added={key!r}) first"
        raise KeyError(msg)
    found = adata.uns[key]
    if str(found["params"]["groupby"]) != groupby:
        msg = (
            f"adata.uns[{key!r}] compares groups of {str(found['params']['groupby'])!r}, not of {groupby!r}; call "
            f"sc.tl.rank_genes_groups(adata, {groupby!r}, key_added=...) and pass its key"
        )
        raise ValueError(msg)
    return _higher(found)


def _higher(found: Any) -> dict[str, list[str]]:
    """Genes by group, best first, as far as their score is above 0."""
    names, scores = found["names"], found["scores"]
    return {group: [str(gene) for gene in names[group][scores[group] > 0]] for group in names.dtype.names}


def expressing(expressed: Expression, groups: Groups, genes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Share of each group's cells in which a gene is above 0, by group and gene."""
    column = {name: i for i, name in reversed(list(enumerate(expressed.names)))}
    wanted = [column[gene] for gene in genes]
    counts = np.zeros((len(groups.names), len(genes)))
    for start, block in expressed.blocks():
        codes = groups.codes[start : start + block.shape[0]]
        above = block[:, wanted] > 0
        dense = above if isinstance(above, np.ndarray) else above.toarray()
        np.add.at(counts, codes[codes >= 0], dense[codes >= 0])
    shares = counts / groups.sizes[:, None]
    return {name: dict(zip(genes, row, strict=True)) for name, row in zip(groups.names, shares.tolist(), strict=True)}
