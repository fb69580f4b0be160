"""The cells of a screen: two contexts, up to so many of each, and their donors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scc2s._cells.columns import column
from scc2s._cells.sampling import shuffled

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
    contexts = {"positive": _members(data, context_key, "positive", positive, neutral)}
    if neutral is not None:
        contexts["neutral"] = _members(data, context_key, "neutral", neutral, positive)
    written = np.array([bool(sentence.strip()) for sentence in sentences], dtype=bool)
    order = shuffled(data.obs_names, random_state, ties=sentences)
    picked = []
    for name, here in contexts.items():
        rows = order[(here & written)[order]]
        if len(rows) < 2:
            msg = f"the {name} context has {len(rows)} cells with a sentence, 2 are needed; pass another value"
            raise ValueError(msg)
        picked.append(rows[:n_cells])
    rows = np.concatenate(picked)
    first = np.arange(len(rows)) < len(picked[0])
    return ScreenCells(
        rows=rows,
        positive=first,
        neutral=None if neutral is None else ~first,
        donors=_donors(data, donor_key, rows),
    )


def _members(data: AnnData, key: str | None, name: str, value: Any, other: Any) -> np.ndarray:
    if key is None:
        if value is not None or other is not None:
            msg = "positive and neutral are values of a column; pass context_key= too"
            raise ValueError(msg)
        return np.ones(data.n_obs, dtype=bool)
    values = column(data, key, "context_key")
    if value is None or str(value) == str(other):
        msg = f"positive= and neutral= are {value!r} and {other!r}; pass two different values of adata.obs[{key!r}]"
        raise ValueError(msg)
    here = np.asarray((values.astype(str) == str(value)) & values.notna(), dtype=bool)
    if not here.any():
        there = values.dropna().astype(str).unique()
        msg = f"no cell has {value!r} in adata.obs[{key!r}]; pass {name}= one of {_some(there)}"
        raise KeyError(msg)
    return here


def _donors(data: AnnData, key: str | None, rows: np.ndarray) -> list[str] | None:
    """Donors of the cells of the screen; the others need none."""
    if key is None:
        return None
    donors = column(data, key, "donor_key").iloc[rows]
    if n_missing := int(donors.isna().sum()):
        msg = f"adata.obs[{key!r}] is missing for {n_missing} cells of the screen; fill it, or pass donor_key=None"
        raise ValueError(msg)
    return [str(donor) for donor in donors]


def _some(values: Any) -> str:
    return ", ".join(map(repr, list(values)[:20]))
