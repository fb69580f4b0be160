"""What is searched for: cells, or a text and the same words in other orders."""

from __future__ import annotations

from itertools import islice, permutations
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from anndata import AnnData

_FEW_WORDS = 6
"""All orders of so many words are listed; of more they are drawn."""


def query_rows(data: AnnData, query: Any, *, elsewhere: bool = False) -> np.ndarray:
    """Rows of the cells that a query names or marks; all only where others are looked for `elsewhere`.

    Raises
    ------
    KeyError
        There is no cell of a name.
    TypeError
        Neither names nor booleans.
    ValueError
        No cell, a mask of another length or of other cells, names that repeat among the cells, or a missing value.
    """
    mend = "pass query= names of cells, a boolean for each cell, or a text"
    if isinstance(query, bytes | dict) or not hasattr(query, "__len__"):
        msg = f"query is {type(query).__name__}; {mend}"
        raise TypeError(msg)
    if isinstance(query, pd.Series):
        query = _marks_of(data, query)
    values = np.asarray(query)
    if values.ndim != 1:
        msg = f"query has shape {values.shape}; {mend}"
        raise TypeError(msg)
    if len(values) and all(isinstance(value, bool | np.bool_) for value in values):
        if len(values) != data.n_obs:
            msg = f"query has {len(values)} booleans for {data.n_obs} cells; pass one for each"
            raise ValueError(msg)
        rows = np.flatnonzero(values.astype(bool))
    elif all(isinstance(value, str) for value in values):
        rows = _named(data, values)
    else:
        msg = f"query holds {values[0]!r}, neither a name nor a boolean; {mend}"
        raise TypeError(msg)
    if not len(rows):
        msg = f"query marks no cell; {mend}"
        raise ValueError(msg)
    if len(rows) == data.n_obs and not elsewhere:
        msg = "query marks all cells, and none is left to be found; pass query= some of them"
        raise ValueError(msg)
    return rows


def _marks_of(data: AnnData, query: pd.Series[Any]) -> Any:
    """Values of a column; booleans by the names of cells, in whatever order these stand."""
    if pd.api.types.infer_dtype(query, skipna=True) != "boolean":
        return query.to_numpy(dtype=object)
    if query.isna().any():
        msg = "query has missing values; pass query= query.fillna(False)"
        raise ValueError(msg)
    if not query.index.equals(data.obs_names):
        if not query.index.is_unique or set(query.index) != set(data.obs_names):
            msg = "query is a column about other cells; pass one with the names of adata.obs, or query.to_numpy()"
            raise ValueError(msg)
        query = query.reindex(data.obs_names)
    return query.to_numpy(dtype=bool)


def _named(data: AnnData, names: np.ndarray) -> np.ndarray:
    if not data.obs_names.is_unique:
        msg = "names of cells repeat; call adata.obs_names_make_unique() first, or pass query= a boolean for each cell"
        raise ValueError(msg)
    rows = data.obs_names.get_indexer(pd.Index(names, dtype=object).unique())
    if (rows < 0).any():
        gone = pd.Index(names, dtype=object).unique()[rows < 0][0]
        msg = f"there is no cell {gone!r}; pass query= some of adata.obs_names, or a text as one string"
        raise KeyError(msg)
    return np.asarray(rows)


def query_text(data: AnnData, query: str) -> str:
    """The text on one line.

    Raises
    ------
    ValueError
        It is empty, or the name of a cell.
    """
    text = " ".join(query.split())
    if not text:
        msg = "query is an empty text; pass query= a few words, names of cells, or a boolean for each cell"
        raise ValueError(msg)
    if query in data.obs_names:
        msg = f"query={query!r} is the name of a cell; pass query=[{query!r}] for cells like it"
        raise ValueError(msg)
    return text


def reordered(text: str, n: int, random_state: int) -> list[str]:
    """Up to `n` texts of the same words in other orders, all different; none for a single word.

    Examples
    --------
    >>> reordered("NK cell", 5, 0), reordered("platelet", 5, 0)
    (['cell NK'], [])
    """
    words = text.split()
    rng = np.random.default_rng(random_state)
    if len(words) <= _FEW_WORDS:
        every = dict.fromkeys(" ".join(some) for some in islice(permutations(words), factorial(_FEW_WORDS)))
        others = [one for one in every if one != text]
        return [others[i] for i in rng.permutation(len(others))[:n]]
    found: dict[str, None] = {}
    for _ in range(20 * n):
        one = " ".join(words[i] for i in rng.permutation(len(words)))
        if one != text and len(found) < n:
            found[one] = None
    return list(found)
