"""Cells, or groups of them, that lie near to some cells in an embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.groups import Groups
from scc2s._logging import logger
from scc2s.tl._searching.found import Found, of_groups

if TYPE_CHECKING:
    from anndata import AnnData


def near(data: AnnData, rows: np.ndarray, *, use_rep: str, groupby: str | None) -> Found:
    """Mean cosine of each cell with the cells of a query; of a group the mean over its cells that are not in it.

    Raises
    ------
    KeyError
        There is no such embedding.
    ValueError
        It does not hold numbers, or no cell of the query has a direction in it.
    """
    X = embedded(data, use_rep)
    groups = None if groupby is None else Groups.of(data, groupby)
    scores, n_lost = mean_cosines(X, rows)
    if not np.isfinite(scores).any():
        msg = (
            f"none of the {len(rows)} cells of the query has a vector in adata.obsm[{use_rep!r}] that is finite and "
            "not 0; pass query= other cells, or make the embedding again: sc.tl.c2s_embed(adata)"
        )
        raise ValueError(msg)
    if n_lost:
        logger.warning(
            "%d of %d cells have no finite vector in obsm[%r], or a zero one, and no score",
            n_lost, data.n_obs, use_rep,
        )  # fmt: skip
    other = np.ones(data.n_obs, dtype=bool)
    other[rows] = False
    left = scores[other & np.isfinite(scores)]
    params: dict[str, Any] = {
        "how": "embedding",
        "use_rep": use_rep,
        "n_query": len(rows),
        "background": float(np.median(left)) if len(left) else float("nan"),
    }
    names = data.obs_names.astype(str).tolist()
    if groups is None:
        return Found("cell", names, scores, scores, shown=other, params=params)
    there = other & np.isfinite(scores) & (groups.codes >= 0)
    n = np.bincount(groups.codes[there], minlength=len(groups.names))
    total = np.bincount(groups.codes[there], weights=scores[there], minlength=len(groups.names))
    of_each = np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)
    return Found("group", groups.names, of_each, of_groups(groups, of_each), columns={"n_cells": n}, params=params)


def embedded(data: AnnData, use_rep: str) -> np.ndarray:
    """An embedding as an array, cells x dimensions."""
    if use_rep not in data.obsm:
        msg = f"adata.obsm has no {use_rep!r}; call sc.tl.c2s_embed(adata, key_added={use_rep!r}) first"
        raise KeyError(msg)
    found = data.obsm[use_rep]
    found = found.toarray() if hasattr(found, "toarray") else found
    try:
        X = np.asarray(found)
        X = X if X.dtype.kind == "f" else X.astype(np.float64)
    except (TypeError, ValueError) as error:
        msg = f"adata.obsm[{use_rep!r}] does not hold numbers; pass use_rep= an embedding"
        raise ValueError(msg) from error
    if X.ndim != 2:
        msg = f"adata.obsm[{use_rep!r}] has shape {X.shape}; pass use_rep= an embedding, cells x dimensions"
        raise ValueError(msg)
    return X


def mean_cosines(X: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Mean cosine of each row with the `rows`, of these with the others among them (1 where there is one alone).

    Returns
    -------
    float64, NaN for rows that are not finite or 0; and how many these are.

    Examples
    --------
    >>> mean_cosines(np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0], [0.0, 0.0]]), np.array([0, 1]))[0].round(3).tolist()
    [0.0, 0.0, 0.707, nan]
    """
    norms = np.sqrt(np.einsum("ij,ij->i", X, X, dtype=np.float64))
    good = np.isfinite(norms) & (norms > 0)
    query = rows[good[rows]]
    if not len(query):
        return np.full(len(X), np.nan), int((~good).sum())
    centre = (X[query] / norms[query, None]).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = (X @ centre.astype(X.dtype)).astype(np.float64) / norms
    scores = np.where(good, total / len(query), np.nan)
    scores[query] = (total[query] - 1) / (len(query) - 1) if len(query) > 1 else 1.0
    return np.clip(scores, -1.0, 1.0), int((~good).sum())
