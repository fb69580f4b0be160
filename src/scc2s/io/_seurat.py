from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData, read_h5ad
from scipy import sparse

from scc2s._cells.rows import row_blocks
from scc2s._cells.values import describe
from scc2s.io._names import with_raw_var
from scc2s.io._tables import existing, noted

_NAMES = ("features", "_index", "gene_short_name", "gene_name", "gene_symbol", "Symbol", "name")
"""Columns in which exporters leave the names of the genes, where the index holds numbers."""
_SCALED = "scale.data"


def from_seurat(source: AnnData | str | Path) -> AnnData:
    """Mend what exports of Seurat objects to h5ad bring along (SeuratDisk, sceasy, zellkonverter, anndataR).

    What is looked for, and mended where it is found: scaled values in ``.X`` with the expression in ``.raw`` or a layer
    (they have no sentences); numbers as names of genes or cells, with the names in a column; a column ``_index``, which
    cannot be written again; ``"NA"`` as text; reductions called ``PCA``, ``UMAP`` or ``pca_`` rather than ``X_pca``.
    Each mend is logged and recorded. An ``.rds`` file is written as h5ad in R first, e.g.
    ``zellkonverter::writeH5AD(Seurat::as.SingleCellExperiment(x), "cells.h5ad")``.

    Parameters
    ----------
    source
        The AnnData, which is left as it was, or the path of its h5ad file.

    Returns
    -------
    A new AnnData: ``.X`` holds counts or log-normalised values, scaled ones are in ``.layers["scale.data"]``, and
    ``.uns["c2s"]["read"]`` says what was mended. Names with dots for dashes (``HLA.DRA``) are told by
    :func:`scc2s.pp.check`; columns of numbers for what was a factor cannot be told.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If it is something else than an AnnData or a path.
    ValueError
        If only scaled values are there.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd, scc2s
    >>> cells = ad.AnnData(np.array([[1.0, 3.0]]), var=pd.DataFrame(index=["CD3D", "LYZ"]))
    >>> exported = cells.copy()
    >>> exported.raw = cells
    >>> exported.X = np.array([[-0.7, 0.7]])
    >>> adata = scc2s.io.from_seurat(exported)
    >>> adata.X.toarray().tolist(), adata.layers["scale.data"].tolist()
    ([[1.0, 3.0]], [[-0.7, 0.7]])
    """
    if isinstance(source, str | Path):
        out = read_h5ad(existing(source, "an h5ad file"))
    elif isinstance(source, AnnData):
        out = source.copy()
    else:
        msg = f"source is of type {type(source).__name__}; pass an AnnData or the path of an h5ad file"
        raise TypeError(msg)
    mends: list[str] = []
    out.var = _named(out.var, "genes", mends)
    with_raw_var(out, lambda var: _named(var, "genes of .raw", mends))
    out.obs = _named(out.obs, "cells", mends, ("cell_names", "barcode", "_index", "barcodes"))
    _missing_values(out, mends)
    _reductions(out, mends)
    _expression(out, mends)
    noted(out, "Seurat", {}, mends)
    return out


def _named(table: pd.DataFrame, what: str, mends: list[str], columns: tuple[str, ...] = _NAMES) -> pd.DataFrame:
    """The table by its names, without a column that cannot be written."""
    out = table.copy()
    if len(out) and all(str(name).isdigit() for name in out.index):
        column = next((name for name in columns if name in out and out[name].astype(str).is_unique), None)
        if column is not None and not out[column].astype(str).str.isdigit().all():
            out.index = pd.Index(out[column].astype(str).to_numpy(dtype=object), dtype=object)
            mends.append(f"{what} were numbers, and are named by the column {column!r}")
    if "_index" in out:
        same = (out["_index"].astype(str).to_numpy() == out.index.astype(str).to_numpy()).all()
        out = out.drop(columns="_index") if same else out.rename(columns={"_index": "index_in_file"})
        mends.append(
            f"the column '_index' of {what}, which cannot be written, is {'gone' if same else 'index_in_file'}"
        )
    if out.index.name == "_index":
        out.index.name = None
    return out


def _missing_values(adata: AnnData, mends: list[str]) -> None:
    for name in adata.obs:
        values = adata.obs[name]
        if (
            pd.api.types.is_numeric_dtype(values.dtype)
            or not (found := values.astype(object).isin(["NA", "NA_character_"])).any()
        ):
            continue
        clean = values.astype(object).where(~found)
        adata.obs[name] = clean.astype("category") if isinstance(values.dtype, pd.CategoricalDtype) else clean
        mends.append(f"'NA' in obs[{name!r}] is a missing value in {int(found.sum())} cells")


def _reductions(adata: AnnData, mends: list[str]) -> None:
    for name in list(adata.obsm):
        bare = name.removeprefix("X_").rstrip("_").lower()
        new = f"X_{bare}"
        if name != new and bare in ("pca", "umap", "tsne", "harmony", "ica") and new not in adata.obsm:
            adata.obsm[new] = adata.obsm.pop(name)
            mends.append(f"obsm[{name!r}] is {new}")


def _expression(adata: AnnData, mends: list[str]) -> None:
    """Values that have an order in ``.X``."""
    if adata.X is not None and describe(row_blocks(adata.X, 2048)).kind != "scaled":
        return
    for name, X, var in _others(adata):
        if describe(row_blocks(X, 2048)).kind not in ("counts", "normalised", "log1p"):
            continue
        columns = pd.Index(var.index.astype(str)).get_indexer(adata.var_names.astype(str))
        if (columns < 0).any():
            continue
        values = sparse.csr_matrix(X[:, columns] if not np.array_equal(columns, np.arange(X.shape[1])) else X)
        if adata.X is not None:
            adata.layers[_SCALED] = adata.X
            mends.append(f"X was scaled and is layers[{_SCALED!r}]; X is that of {name}")
        else:
            mends.append(f"X was empty, and is that of {name}")
        adata.X = values
        return
    msg = (
        "only scaled values are there, which have no order of expression; export the counts too, e.g. in R: "
        "zellkonverter::writeH5AD(Seurat::as.SingleCellExperiment(x), 'cells.h5ad', X_name = 'counts')"
    )
    raise ValueError(msg)


def _others(adata: AnnData) -> list[tuple[str, Any, pd.DataFrame]]:
    """Other matrices, counts before logarithms."""
    names = [name for name in ("counts", "data", "logcounts") if name in adata.layers]
    names += [name for name in adata.layers if name is not None and name not in names and name != _SCALED]
    found = [(f"layers[{name!r}]", adata.layers[name], adata.var) for name in names]
    if adata.raw is not None:
        found.insert(1 if "counts" in adata.layers else 0, ("raw", adata.raw.X, adata.raw.var))
    return found
