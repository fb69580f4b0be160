from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s._cells.access import get_adata, matrix, refuse_unwritable
from scc2s._cells.provenance import record
from scc2s._cells.rows import row_blocks
from scc2s._cells.values import describe
from scc2s._logging import logger

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def recipe(
    adata: AnnData | MuData,
    *,
    min_genes: int = 200,
    min_cells: int = 3,
    target_sum: float = 1e4,
    base: float | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Filter cells and genes, normalise and log-transform counts, as the Cell2Sentence papers do.

    Cells with fewer than `min_genes` genes and genes in fewer than `min_cells` cells go, each cell is scaled to a total
    of `target_sum`, and log(1 + x) is taken (Levine et al., ICML 2024): :func:`scanpy.pp.filter_cells`,
    :func:`~scanpy.pp.filter_genes`, :func:`~scanpy.pp.normalize_total` and :func:`~scanpy.pp.log1p` in this order.
    Sentences do not need it (:func:`scc2s.pp.sentences` gives the same without), the rest of an analysis does.

    Parameters
    ----------
    adata
        Cells, with counts in ``.X``.
    min_genes
        Fewest genes in a cell. For targeted spatial panels use less, e.g. 50.
    min_cells
        Fewest cells with a gene.
    target_sum
        Total of a cell after scaling.
    base
        Base of the logarithm; ``None`` is e, as in scanpy. The papers use 10: only the units differ.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.X` : :class:`scipy.sparse.csr_matrix` or :class:`numpy.ndarray`
        Log-normalised expression of the cells and genes that are left.
    `.layers['counts']` : as `.X`
        Counts.
    `.obs['n_genes']`, `.var['n_cells']`, `.uns['log1p']`
        As scanpy sets them.
    `.uns['c2s']['recipe']` : :class:`dict`
        Parameters, cells and genes before and after, versions.

    Raises
    ------
    ValueError
        If ``.X`` is not counts, or the recipe was called before.

    Examples
    --------
    >>> import anndata as ad, numpy as np, scc2s
    >>> rng = np.random.default_rng(0)
    >>> adata = ad.AnnData(rng.poisson(1.0, (20, 400)).astype("float32"))
    >>> scc2s.pp.recipe(adata)
    >>> round(float(np.expm1(adata.X).sum(axis=1).mean()))
    10000
    """
    import scanpy as sc

    data = get_adata(adata, mod)
    _refuse(data, min_genes, min_cells)
    out = adata.copy() if copy else adata
    data = get_adata(out, mod)
    before = data.shape
    sc.pp.filter_cells(data, min_genes=min_genes)
    sc.pp.filter_genes(data, min_cells=min_cells)
    if "counts" in data.layers:
        logger.info("layers['counts'] was there before and stays as it is")
    else:
        data.layers["counts"] = data.X.copy()
    sc.pp.normalize_total(data, target_sum=target_sum)
    sc.pp.log1p(data, base=base)
    if out is not data:
        out.update()
    logger.info("recipe: %d of %d cells and %d of %d genes are left", data.n_obs, before[0], data.n_vars, before[1])
    params = {
        "min_genes": min_genes,
        "min_cells": min_cells,
        "target_sum": target_sum,
        "base": base,
        "n_cells_before": before[0],
        "n_genes_before": before[1],
        "n_cells": data.n_obs,
        "n_genes": data.n_vars,
    }
    record(data, "recipe", params)
    return out if copy else None


def _refuse(adata: AnnData, min_genes: int, min_cells: int) -> None:
    """Everything that may go wrong is found before anything is changed."""
    refuse_unwritable(adata)
    if "recipe" in adata.uns.get("c2s", {}):
        msg = (
            "this AnnData went through the recipe before; to start anew call "
            "adata.X = adata.layers['counts'].copy(); del adata.uns['c2s']['recipe']"
        )
        raise ValueError(msg)
    if adata.isbacked:
        msg = "the recipe changes the matrix, which is on disk here; call it on adata.to_memory()"
        raise ValueError(msg)
    kind = describe(row_blocks(matrix(adata, use_raw=False)[0], 2048)).kind
    if kind != "counts":
        msg = f".X holds {kind} values, and the recipe is for counts; set them, e.g. adata.X = adata.layers['counts']"
        raise ValueError(msg)
    import scanpy as sc

    cells, _ = sc.pp.filter_cells(adata, min_genes=min_genes, inplace=False)
    genes, _ = sc.pp.filter_genes(adata[cells], min_cells=min_cells, inplace=False)
    if not (cells.any() and genes.any()):
        msg = (
            f"{cells.sum()} of {adata.n_obs} cells have {min_genes} genes, and {genes.sum()} of {adata.n_vars} genes "
            f"are in {min_cells} of these cells; pass a lower min_genes= or min_cells="
        )
        raise ValueError(msg)
