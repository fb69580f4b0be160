"""Expression of the sides of a comparison, over the same genes and in the same units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from scc2s._cells.access import matrix
from scc2s._cells.rows import row_blocks
from scc2s._cells.values import describe
from scc2s._logging import logger

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


def say_lengths(n_genes: dict[str, np.ndarray]) -> None:
    """Warn where cells of one side have half the genes of another, so that length is what the scores would see."""
    typical = {name: int(np.median(found)) for name, found in n_genes.items() if len(found)}
    if not typical or 2 * min(typical.values()) > max(typical.values()) or not min(typical.values()):
        return
    short, long = min(typical, key=typical.__getitem__), max(typical, key=typical.__getitem__)
    logger.warning(
        "cells of %s have %d genes and those of %s %d: the scores see the length first. Put all through sentences of "
        "the same length: sc.pp.c2s_sentences(%s, n_genes=%d); sc.pp.c2s_rank_fit(%s); sc.pp.c2s_reconstruct(%s); and "
        "pass %s='c2s_reconstructed'",
        short, typical[short], long, typical[long], long, typical[short], long, long,
        "layer" if long == "pred" else "true_layer",
    )  # fmt: skip


def genes_of(adata: AnnData, name: str, names: pd.Index, layer: str | None) -> np.ndarray | sparse.csr_matrix:
    """Expression of the genes of pred, float64, dense or CSR."""
    if len(missing := names.difference(adata.var_names)):
        msg = (
            f"{len(missing)} genes of pred are not in {name}, e.g. {missing[0]!r}; take the same from both: "
            "pred[:, pred.var_names.isin(true.var_names)]"
        )
        raise KeyError(msg)
    if not adata.var_names.is_unique:
        msg = f"{name}.var_names repeat; call {name}.var_names_make_unique(), or keep one column for each gene"
        raise ValueError(msg)
    X, _, _ = matrix(adata, layer=layer, use_raw=False)
    columns = adata.var_names.get_indexer(names)
    parts = [block[:, columns].astype(np.float64) for _, block in row_blocks(X)]
    if not parts:
        return np.empty((0, len(names)))
    out = sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.concatenate(parts)
    if not np.isfinite(out.data if sparse.issparse(out) else out).all():
        msg = f"expression of {name} has values that are not finite; pass layer= one with log-normalised values"
        raise ValueError(msg)
    return out


def refuse_mixed(genes: dict[str, Any]) -> None:
    """Raise where one side has counts and another has not; say so where all have."""
    kinds = {name: describe([(0, X)]).kind for name, X in genes.items()}
    counts = [name for name, kind in kinds.items() if kind == "counts"]
    others = [name for name, kind in kinds.items() if kind in ("log1p", "normalised", "scaled")]
    if counts and others:
        msg = (
            f"{counts[0]} holds counts and {others[0]} does not; pass layer= and true_layer= with values of one kind, "
            "e.g. after sc.pp.normalize_total and sc.pp.log1p"
        )
        raise ValueError(msg)
    if counts:
        logger.warning("cells are compared by counts; sc.pp.normalize_total and sc.pp.log1p take the depth out")
