"""Groups of cells by several columns of obs at once: donor x cell type x batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from scc2s._cells.columns import column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData


class Combinations(NamedTuple):
    """Combinations of values that cells have, in the order of the categories."""

    table: pd.DataFrame
    """One row a combination, by name (its values joined by ``_``), one column a column of obs."""
    codes: np.ndarray
    """Combination of each cell, -1 where a value is missing."""


def column_names(given: str | Sequence[str], argument: str) -> list[str]:
    """Names of one or several columns, each once.

    Raises
    ------
    TypeError
        If they are not texts.
    ValueError
        If there are none, or one comes twice.
    """
    names = [given] if isinstance(given, str) else list(given)
    if wrong := [name for name in names if not isinstance(name, str)]:
        msg = f"{argument}={given!r} holds {wrong[0]!r}; pass {argument}= names of columns of adata.obs"
        raise TypeError(msg)
    if not names or len(set(names)) < len(names):
        msg = f"{argument}={given!r} names no column, or one twice; pass {argument}= columns of adata.obs, each once"
        raise ValueError(msg)
    return names


def combinations(adata: AnnData, by: Sequence[str], argument: str) -> Combinations:
    """The combinations that cells have of the values of some columns.

    Raises
    ------
    KeyError
        If a column is not there.
    ValueError
        If no cell has a value in all of them.
    """
    columns = {name: column(adata, name, argument).astype("category") for name in by}
    parts = {name: values.cat.codes.to_numpy() for name, values in columns.items()}
    known = np.all([codes >= 0 for codes in parts.values()], axis=0)
    if not known.any():
        msg = f"no cell has a value in all of {', '.join(map(repr, by))}; pass {argument}= other columns of adata.obs"
        raise ValueError(msg)
    rows = np.column_stack([codes[known] for codes in parts.values()])
    found, inverse = np.unique(rows, axis=0, return_inverse=True)
    codes = np.full(adata.n_obs, -1, dtype=np.int64)
    codes[known] = inverse.ravel()
    table = pd.DataFrame(
        {
            name: pd.Categorical.from_codes(
                found[:, i], categories=values.cat.categories, ordered=bool(values.cat.ordered)
            ).remove_unused_categories()
            for i, (name, values) in enumerate(columns.items())
        }
    )
    table.index = pd.Index(_joined(table), dtype=object)
    return Combinations(table, codes)


def _joined(table: pd.DataFrame) -> list[str]:
    """Values of each row in one text, none twice."""
    taken: set[str] = set()
    found = []
    for values in table.itertuples(index=False):
        stem = name = "_".join(map(str, values))
        n = 2
        while name in taken:
            name, n = f"{stem} ({n})", n + 1
        taken.add(name)
        found.append(name)
    return found
