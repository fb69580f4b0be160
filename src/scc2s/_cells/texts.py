"""Texts that stand beside the cells: which there are, and which are about some of the cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from scc2s._cells.columns import column

if TYPE_CHECKING:
    import numpy as np
    from anndata import AnnData

COLUMNS = ["source", "level", "value", "text"]
DATASET = "dataset"
"""Level of a text about all cells."""


def texts_of(adata: AnnData) -> pd.DataFrame:
    """Texts that were attached: ``source``, ``level``, ``value``, ``text``; none where none were."""
    found = adata.uns.get("c2s", {}).get("text")
    if not isinstance(found, Mapping) or "table" not in found:
        return pd.DataFrame(columns=COLUMNS, dtype=object)
    table: pd.DataFrame = found["table"]
    return table[COLUMNS].astype(object)


def texts_about(adata: AnnData, rows: np.ndarray) -> list[tuple[str, str]]:
    """Name and text of those about the data set, or about the sample of one of these cells.

    Raises
    ------
    KeyError
        If the column that a text is about is gone, or nothing was attached.
    """
    table = texts_of(adata)
    if not len(table):
        msg = (
            "there is no text in adata.uns['c2s']['text']; call sc.pp.c2s_add_text(adata, ...) first, or use_text=False"
        )
        raise KeyError(msg)
    out = []
    for source, level, value, text in table.to_numpy().tolist():
        if level == DATASET:
            out.append((source, text))
        elif value in set(column(adata, level, "level").iloc[rows].dropna().astype(str)):
            out.append((f"{source} ({level} {value})", text))
    return out
