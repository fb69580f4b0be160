"""Gene names: which column of var holds them, which of them are used, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.symbol_columns import symbol_column
from scc2s._cells.symbols import named_genes
from scc2s._logging import logger
from scc2s.sentences._names import as_words
from scc2s.sentences._symbols import judge
from scc2s.sentences._word_kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["gene_words", "id_share", "listed", "symbol_column", "symbols", "used"]


def symbols(var: pd.DataFrame, gene_symbols: str | None) -> pd.Series:
    """Names of the genes as they stand, by position; missing where a gene has none."""
    if gene_symbols is None:
        return pd.Series(var.index.astype(str))
    if gene_symbols not in var:
        msg = (
            f"var has no column {gene_symbols!r}; pass one of {', '.join(map(repr, var.columns)) or '(none is there)'}"
        )
        raise KeyError(msg)
    if (n := int((var.columns == gene_symbols).sum())) > 1:
        msg = f"var has {n} columns {gene_symbols!r}; rename one: adata.var.columns = [...]"
        raise ValueError(msg)
    return var[gene_symbols].astype(object).reset_index(drop=True)


def gene_words(
    var: pd.DataFrame, gene_symbols: str | None, *, upper: bool = False, features: str = "genes"
) -> list[str]:
    """Word of each gene, ``""`` where it has no symbol, or is not a gene (an antibody, a spike-in, a peak).

    With ``features="all"`` what is not a gene has a word too.
    """
    found = symbols(var, gene_symbols)
    if features == "all":
        return as_words(found.astype(object).where(found.notna(), "").astype(str), upper=upper)
    named = named_genes(var, gene_symbols)
    usable = named.usable()
    names = named.names if usable.all() else [n if u else "" for n, u in zip(named.names, usable, strict=True)]
    return as_words(names, upper=upper)


def used(
    index: pd.Index,
    names: list[str],
    *,
    exclude: Iterable[str],
    var_mask: np.ndarray | pd.Series | None,
) -> np.ndarray:
    """Genes that are in `var_mask` and not in `exclude` (by name or by word)."""
    keep = np.ones(len(names), dtype=bool) if var_mask is None else _as_mask(index, var_mask).copy()
    if out := listed(exclude):
        found = index.isin(out) | np.isin(names, out)
        logger.info("%d genes are left out by exclude (%d names given)", found.sum(), len(out))
        keep &= ~found
    return keep


def listed(names: str | Iterable[str]) -> list[str]:
    """Names as a list; a single one may stand without brackets."""
    return [names] if isinstance(names, str) else list(names)


def _as_mask(index: pd.Index, var_mask: np.ndarray | pd.Series) -> np.ndarray:
    if isinstance(var_mask, pd.Series) and not var_mask.index.equals(index) and var_mask.index.is_unique:
        var_mask = var_mask.reindex(index, fill_value=False)
    mask = np.asarray(var_mask)
    if mask.dtype != bool or mask.shape != (len(index),):
        got = f"dtype {mask.dtype} and shape {mask.shape}"
        msg = f"var_mask has {got}; pass one boolean for each of the {len(index)} genes"
        raise ValueError(msg)
    return mask


def id_share(names: Iterable[str]) -> float:
    """Share of names that are ids of a database: Ensembl, RefSeq, NCBI Gene, HGNC, WormBase, FlyBase, ...

    Examples
    --------
    >>> id_share(["ENSG00000167286.9", "CD3D"])
    0.5
    """
    verdict = judge(names)
    n_ids = sum(len(at) for kind, at in verdict.found.items() if KINDS[kind].what == "database ids")
    return n_ids / max(1, verdict.n_words)
