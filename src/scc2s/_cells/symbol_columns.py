"""The column of var that holds gene symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from scc2s.sentences._symbols import judge

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

_NAMES = (
    "gene_symbol", "gene_symbols", "symbol", "symbols", "gene_name", "gene_names", "feature_name", "hgnc_symbol",
    "mgi_symbol", "genesymbol", "genename", "gene_short_name", "external_gene_name", "name", "names", "gene", "genes",
    "gene_id_symbol", "featurename", "hgnc", "original_gene_symbols", "gene symbol", "gene.symbol", "gene name",
)  # fmt: skip


def symbol_column(var: pd.DataFrame, *, more_than: float = 0.0, named: bool = False) -> str | None:
    """The column with most symbols: one whose own name says so before any other whose many texts look like symbols.

    Parameters
    ----------
    var
        Table of genes.
    more_than
        Share of symbols among the names that it has to be better than.
    named
        Whether only columns whose own name says so are taken.
    """
    fitting = {name: share for name, share in _shares(var) if share >= 0.5 and share > more_than}
    of_name = {name: share for name, share in fitting.items() if str(name).lower() in _NAMES}
    choice = of_name if of_name or named else fitting
    best = max(choice, key=choice.__getitem__, default=None)
    return None if best is None else str(best)


def _shares(var: pd.DataFrame) -> Iterator[tuple[Hashable, float]]:
    """Share of symbols in each column of many different texts."""
    for i, name in enumerate(var.columns):
        column = var.iloc[:, i]
        if not pd.api.types.is_numeric_dtype(column) and column.nunique() > len(var) / 2:
            texts = column.dropna().astype(str).tolist()
            yield name, judge(texts).n_symbols / max(1, len(texts))
