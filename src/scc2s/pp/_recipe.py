from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from anndata import AnnData
from scipy import sparse

from scc2s._cells.access import matrix
from scc2s._cells.arguments import above, refuse_empty, whole
from scc2s._cells.columns import opened
from scc2s._cells.results import claim
from scc2s._cells.rows import row_blocks
from scc2s._cells.values import describe
from scc2s._logging import logger

if TYPE_CHECKING:
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
    If anything goes wrong, nothing is changed. Sentences do not need it (:func:`scc2s.pp.sentences` gives the same
    without), the rest of an analysis does.

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

    `.X` : as it was kept (dense, sparse or dask; dtype `float32` or `float64`)
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
        If ``.X`` is not counts, is on disk, or the recipe was called before; if a filter would leave nothing, or a
        number is out of range.
    TypeError
        If a number is not one.

    Examples
    --------
    >>> import anndata as ad, numpy as np, scc2s
    >>> rng = np.random.default_rng(0)
    >>> adata = ad.AnnData(rng.poisson(1.0, (20, 400)).astype("float32"))
    >>> scc2s.pp.recipe(adata)
    >>> round(float(np.expm1(adata.X).sum(axis=1).mean()))
    10000
    """
    min_genes, min_cells = whole("min_genes", min_genes, 0), whole("min_cells", min_cells, 0)
    target_sum = above("target_sum", target_sum)
    if base is not None and above("base", base) == 1:
        msg = "base=1 has no logarithm; pass base=None for e, or 10 as in the papers"
        raise ValueError(msg)
    out, data = opened(adata, mod=mod, copy=copy and not isinstance(adata, AnnData), tables=False)
    _refuse(data)
    cells, n_genes, genes, n_cells = _filtered(data, min_genes, min_cells)
    made = data[cells, genes].copy()
    made.obs["n_genes"], made.var["n_cells"] = n_genes[cells], n_cells[genes]
    if kept := "counts" in made.layers:
        logger.info("layers['counts'] was there before and stays as it is")
    result = claim(made, "recipe", layers=() if kept else ["counts"])
    counts = made.X
    made.X, made.uns["log1p"] = _logged(counts, target_sum, base)
    logger.info("recipe: %d of %d cells and %d of %d genes are left", made.n_obs, data.n_obs, made.n_vars, data.n_vars)
    params = {
        "min_genes": min_genes,
        "min_cells": min_cells,
        "target_sum": target_sum,
        "base": base,
        "n_cells_before": data.n_obs,
        "n_genes_before": data.n_vars,
        "n_cells": made.n_obs,
        "n_genes": made.n_vars,
    }
    result.write(params, layers={} if kept else {"counts": counts})
    if copy and isinstance(out, AnnData):
        return made
    data._init_as_actual(made)  # as scanpy's filters do; everything is made by now, so that nothing is left half done
    if not isinstance(out, AnnData):
        out.update()
    return out if copy else None


def _refuse(adata: AnnData) -> None:
    """What is no matter for the recipe."""
    refuse_empty(adata)
    if "recipe" in adata.uns.get("c2s", {}):
        msg = (
            "this AnnData went through the recipe before; to start anew call "
            "adata.X = adata.layers['counts'].copy(); del adata.uns['c2s']['recipe']"
        )
        raise ValueError(msg)
    if adata.isbacked:
        msg = "the recipe changes the matrix, which is on disk here; call it on adata.to_memory()"
        raise ValueError(msg)
    X = matrix(adata, use_raw=False)[0]
    if not (isinstance(X, np.ndarray) or sparse.issparse(X) or hasattr(X, "dask")):
        msg = f"the recipe is for matrices in memory, and .X is a {type(X).__name__}; call it on adata.to_memory()"
        raise TypeError(msg)
    kind = describe(row_blocks(X, 2048)).kind
    if kind != "counts":
        msg = f".X holds {kind} values, and the recipe is for counts; set them, e.g. adata.X = adata.layers['counts']"
        raise ValueError(msg)


def _filtered(adata: AnnData, min_genes: int, min_cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cells that stay and the genes in every cell; genes that stay and the cells, of those that stay, with each."""
    n_genes = np.zeros(adata.n_obs, dtype=np.int64)
    n_cells = np.zeros(adata.n_vars, dtype=np.int64)
    for start, block in row_blocks(adata.X, 2048):
        there = _expressed(block)
        part = slice(start, start + block.shape[0])
        n_genes[part] = np.asarray(there.sum(axis=1)).ravel()
        n_cells += np.asarray(there[n_genes[part] >= min_genes].sum(axis=0)).ravel()
    cells, genes = n_genes >= min_genes, n_cells >= min_cells
    if not (cells.any() and genes.any()):
        msg = (
            f"{cells.sum()} of {adata.n_obs} cells have {min_genes} genes, and {genes.sum()} of {adata.n_vars} genes "
            f"are in {min_cells} of these cells; pass a lower min_genes= or min_cells="
        )
        raise ValueError(msg)
    return cells, n_genes, genes, n_cells


def _expressed(block: np.ndarray | sparse.csr_matrix) -> np.ndarray | sparse.csr_matrix:
    """1 where a value is above 0; the block stays as it is, also where its storage is not sorted."""
    if isinstance(block, np.ndarray):
        return (block > 0).astype(np.int64)
    block = sparse.csr_matrix(block, copy=True)
    block.sum_duplicates()
    block.data = (block.data > 0).astype(np.int64)
    return block


def _logged(counts: Any, target_sum: float, base: float | None) -> tuple[Any, dict[str, Any]]:
    """Log-normalised counts in a matrix of the same kind, and what scanpy notes about it."""
    import scanpy as sc

    is_sparse = sparse.issparse(counts)
    X = counts.copy()
    if is_sparse:
        X = sparse.csc_matrix(X) if X.format == "csc" else sparse.csr_matrix(X)
        X.sum_duplicates()  # logarithms of parts are not the logarithm of their sum
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float32)
    work = AnnData(X)
    sc.pp.normalize_total(work, target_sum=target_sum)
    sc.pp.log1p(work, base=base)
    found = work.X.astype(X.dtype)  # of dask arrays scanpy makes float64 where there is a base
    return type(counts)(found) if is_sparse else found, dict(work.uns["log1p"])
