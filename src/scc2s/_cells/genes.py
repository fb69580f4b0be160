"""Gene names: which column of var holds them, which of them are used, and what is wrong with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._logging import logger
from scc2s.sentences._names import as_words

if TYPE_CHECKING:
    from collections.abc import Iterable

_IDS = re.compile(r"^(?:(?:ENS[A-Z]*[GTP]\d{6,}|WBGene\d+|FBgn\d+)(?:\.\d+)?|\d+)$", re.MULTILINE)
_SYMBOL_COLUMNS = (
    "gene_symbol", "gene_symbols", "symbol", "symbols", "gene_name", "gene_names", "feature_name", "hgnc_symbol",
)  # fmt: skip


def symbols(var: pd.DataFrame, gene_symbols: str | None) -> pd.Series:
    """Names of the genes as they stand, by position; missing where a gene has none."""
    if gene_symbols is None:
        return pd.Series(var.index.astype(str))
    if gene_symbols not in var:
        msg = (
            f"var has no column {gene_symbols!r}; pass one of {', '.join(map(repr, var.columns)) or '(none is there)'}"
        )
        raise KeyError(msg)
    return var[gene_symbols].astype(object).reset_index(drop=True)


def gene_words(var: pd.DataFrame, gene_symbols: str | None, *, upper: bool = False) -> list[str]:
    """Word of each gene, ``""`` where it has no symbol."""
    names = var.index if gene_symbols is None else symbols(var, gene_symbols).fillna("")
    return as_words(names, upper=upper)


def used(
    index: pd.Index,
    names: list[str],
    *,
    exclude: Iterable[str],
    var_mask: np.ndarray | pd.Series | None,
) -> np.ndarray:
    """Genes that have a name, are in `var_mask` and not in `exclude` (by name or by word)."""
    keep = np.array([n != "" for n in names], dtype=bool)
    if not keep.all():
        logger.warning("%d of %d genes have no symbol and are left out", (~keep).sum(), len(keep))
    if var_mask is not None:
        keep &= _as_mask(index, var_mask)
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


def refuse_ids(names: list[str], var: pd.DataFrame, gene_symbols: str | None) -> None:
    """Language models know gene symbols; a sentence of database ids would go through them without an error.

    Ids are refused where they are at least half of the names. Fewer (new references have many unnamed genes), or those
    of a column that was asked for, are logged.
    """
    share = id_share(names)
    if share < 0.05:
        return
    where = "the gene names" if gene_symbols is None else f"var[{gene_symbols!r}]"
    example = _find_ids(names)[0]
    if share < 0.5 or gene_symbols is not None:
        logger.warning("%.0f %% of %s are database ids (such as %s), not symbols", 100 * share, where, example)
        return
    column = symbol_column(var)
    mend = (
        f"pass gene_symbols={column!r}"
        if column
        else "pass gene_symbols= the column of var that holds symbols, or set adata.var_names to symbols"
    )
    msg = f"{share:.0%} of {where} are database ids (such as {example}), which language models do not know; {mend}"
    raise ValueError(msg)


def id_share(names: Iterable[str]) -> float:
    """Share of names that are Ensembl, WormBase, FlyBase or Entrez ids.

    Examples
    --------
    >>> id_share(["ENSG00000167286.9", "CD3D"])
    0.5
    """
    names = list(names)
    return len(_find_ids(names)) / max(1, len(names))


def _find_ids(names: list[str]) -> list[str]:
    return _IDS.findall("\n".join(names))


def symbol_column(var: pd.DataFrame) -> str | None:
    """The column that looks most like gene symbols: by its own name first, then any with many texts that are no ids."""
    text = [str(c) for c in var if not pd.api.types.is_numeric_dtype(var[c]) and var[c].nunique() > len(var) / 2]
    fitting = [c for c in text if id_share(var[c].dropna().astype(str)) < 0.5]
    named = [c for c in fitting if c.lower() in _SYMBOL_COLUMNS]
    return next(iter(named + fitting), None)
