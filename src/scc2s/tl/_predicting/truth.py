"""Cells that really were perturbed, and the groups in which they are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = "all cells"
"""Group where cells are not grouped."""


class Truth(NamedTuple):
    """Cells that really were perturbed."""

    data: AnnData
    rows: np.ndarray
    condition: np.ndarray | None
    """What was done to each, where cells differ in it; ``None``: what the model was asked."""


def truth_cells(adata: AnnData, truth: AnnData | Mapping[str, Any] | None, key: str | None) -> Truth | None:
    """The cells that `truth` names: all of another AnnData, or those of `adata` with given values in a column.

    Parameters
    ----------
    adata
        Cells that are asked about.
    truth
        Cells, or ``{column: value or list of values}``.
    key
        Column with the perturbation; for several values of one column, that column.
    """
    if truth is None:
        return None
    if isinstance(truth, AnnData):
        condition = truth.obs[key].astype(object).to_numpy() if key in truth.obs else None
        return Truth(truth, np.arange(truth.n_obs), condition)
    if not isinstance(truth, Mapping) or len(truth) != 1:
        msg = f"truth is of type {type(truth).__name__}; pass an AnnData, or {{column of obs: value or list of values}}"
        raise TypeError(msg)
    column, values = next(iter(truth.items()))
    if column not in adata.obs:
        msg = f"adata.obs has no column {column!r}; pass truth={{column of obs: value}}, or an AnnData"
        raise KeyError(msg)
    several = not isinstance(values, str) and np.ndim(values) > 0
    rows = np.flatnonzero(adata.obs[column].isin(list(values) if several else [values]))
    if not len(rows):
        msg = f"no cell has {values!r} in adata.obs[{column!r}]; pass truth={{{column!r}: ...}} a value that is there"
        raise ValueError(msg)
    return Truth(adata, rows, adata.obs[column].astype(object).to_numpy() if several else None)


def without_truth(texts: list[str | None], adata: AnnData, truth: Truth | None) -> list[str | None]:
    """What cells are asked about, less those of `adata` that are themselves the truth."""
    if truth is None or truth.data is not adata:
        return texts
    real = set(truth.rows.tolist())
    return [None if row in real else text for row, text in enumerate(texts)]


def group_labels(adata: AnnData, groupby: str | None) -> np.ndarray:
    """Group of each cell, as text; ``None`` where it has none."""
    if groupby is None:
        return np.full(adata.n_obs, ALL, dtype=object)
    if groupby not in adata.obs:
        msg = f"obs has no column {groupby!r} to group by; pass groupby= one of {', '.join(map(repr, adata.obs))}"
        raise KeyError(msg)
    values = adata.obs[groupby].astype(object)
    return np.array([None if pd.isna(value) else str(value) for value in values], dtype=object)


def refuse_unclear(truth: Truth | None, conditions: Sequence[str]) -> None:
    """Raise if it is not said which of several perturbations each real cell has."""
    several = sorted(set(conditions))
    if truth is not None and truth.condition is None and len(several) > 1:
        msg = (
            f"the model is asked about {len(several)} perturbations ({', '.join(several[:3])}, ...), and truth does "
            "not say what was done to each cell; pass perturbation_key= a column that both have"
        )
        raise ValueError(msg)
