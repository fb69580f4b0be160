"""The cells of a screen: two contexts, up to so many of each, and their donors."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData


class ScreenCells(NamedTuple):
    """The cells that every perturbation is put to."""

    rows: np.ndarray
    positive: np.ndarray
    """Which of `rows` are in the positive context."""
    neutral: np.ndarray | None
    """``None``: there is no neutral context."""
    donors: list[str] | None
    """Donor of each of `rows`."""


def screen_cells(
    data: AnnData,
    sentences: Sequence[str],
    *,
    context_key: str | None,
    positive: Any,
    neutral: Any,
    donor_key: str | None,
    n_cells: int,
    random_state: int,
) -> ScreenCells:
    """Up to `n_cells` of each context, among those with a sentence; the same ones whatever the order of the rows.

    Raises
    ------
    KeyError
        If a column or a context is not there.
    ValueError
        If a context has under 2 cells, or a cell has no donor.
    """
    if n_cells < 2:
        msg = f"n_cells={n_cells} gives no interval; pass n_cells= a number from 2"
        raise ValueError(msg)
    contexts = {"positive": _members(data, context_key, "positive", positive, neutral)}
    if neutral is not None:
        contexts["neutral"] = _members(data, context_key, "neutral", neutral, positive)
    written = np.array([bool(sentence.strip()) for sentence in sentences])
    order = np.argsort(data.obs_names.to_numpy(dtype=str), kind="stable")
    picked = []
    for name, here in contexts.items():
        rows = order[(here & written)[order]]
        if len(rows) < 2:
            msg = f"the {name} context has {len(rows)} cells with a sentence, 2 are needed; pass another value"
            raise ValueError(msg)
        rng = np.random.default_rng([random_state, zlib.crc32(name.encode())])
        picked.append(rows[np.sort(rng.permutation(len(rows))[:n_cells])])
    rows = np.concatenate(picked)
    first = np.arange(len(rows)) < len(picked[0])
    return ScreenCells(rows, first, None if neutral is None else ~first, _donors(data, donor_key, rows))


def _members(data: AnnData, key: str | None, name: str, value: Any, other: Any) -> np.ndarray:
    if key is None:
        if value is not None or other is not None:
            msg = "positive and neutral are values of a column; pass context_key= too"
            raise ValueError(msg)
        return np.ones(data.n_obs, dtype=bool)
    if key not in data.obs:
        msg = f"adata.obs has no column {key!r}; pass context_key= one of {_some(data.obs.columns)}"
        raise KeyError(msg)
    if value is None or str(value) == str(other):
        msg = f"positive= and neutral= are {value!r} and {other!r}; pass two different values of adata.obs[{key!r}]"
        raise ValueError(msg)
    column = data.obs[key]
    here = (column.astype(str) == str(value)).to_numpy() & column.notna().to_numpy()
    if not here.any():
        there = column.dropna().astype(str).unique()
        msg = f"no cell has {value!r} in adata.obs[{key!r}]; pass {name}= one of {_some(there)}"
        raise KeyError(msg)
    return here


def _donors(data: AnnData, key: str | None, rows: np.ndarray) -> list[str] | None:
    if key is None:
        return None
    if key not in data.obs:
        msg = f"adata.obs has no column {key!r}; pass donor_key= one of {_some(data.obs.columns)}"
        raise KeyError(msg)
    column = data.obs[key].iloc[rows]
    if n_missing := int(column.isna().sum()):
        msg = f"adata.obs[{key!r}] is missing for {n_missing} cells of the screen; fill it, or pass donor_key=None"
        raise ValueError(msg)
    return column.astype(str).tolist()


def _some(values: Any) -> str:
    return ", ".join(map(repr, list(values)[:20]))
