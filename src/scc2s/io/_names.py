"""Genes named by a column of symbols, in an AnnData and its ``.raw``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from anndata import AnnData

if TYPE_CHECKING:
    from collections.abc import Callable


def by_column(var: pd.DataFrame, column: str) -> tuple[pd.DataFrame, int]:
    """The table with the values of a column as names, and how many kept their old one.

    The old names are in ``gene_ids``. A gene without a value, or with one that another has before it, keeps its own.
    """
    words = var[column].astype(object)
    kept = (words.isna() | words.astype(str).str.strip().eq("") | words.duplicated()).to_numpy()
    names = words.astype(str).where(~kept, var.index.astype(str).to_series(index=var.index))
    new = var.copy()
    if "gene_ids" not in new:
        new["gene_ids"] = var.index.astype(str).to_numpy(dtype=object)
    new.index = pd.Index(names.to_numpy(dtype=object), dtype=object)
    return new, int(kept.sum())


def with_raw_var(adata: AnnData, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Change the table of genes of ``.raw``, which takes no change in place."""
    if adata.raw is None:
        return
    adata.raw = AnnData(adata.raw.X, obs=pd.DataFrame(index=adata.obs_names), var=change(adata.raw.var))
