"""Answers to whether cells lie together that no language model is needed for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence


def same_type_share(contexts: Sequence[np.ndarray], types: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Share of the pairs of cells of each context that are of one type: the simplest sign of a neighbourhood.

    Cells of a type cluster: of neighbours in a CosMx kidney 0.40 are of one type, of random cells 0.17. A model has to
    do better than this, or be asked with negatives of the same types.

    Parameters
    ----------
    contexts
        Rows of the cells of each context.
    types
        Type of each cell; missing ones (``None``, NaN) are of no type.

    Returns
    -------
    One number a context, 0 to 1; NaN for one with fewer than two cells of a known type.

    Examples
    --------
    >>> same_type_share([np.array([0, 1, 2]), np.array([0, 1])], ["B", "B", "T"]).round(2).tolist()
    [0.33, 1.0]
    """
    values = list(types)
    names = sorted({str(value) for value in values if not _missing(value)})
    number = {name: i for i, name in enumerate(names)}
    codes = np.array([-1 if _missing(value) else number[str(value)] for value in values], dtype=np.int64)
    found = np.full(len(contexts), np.nan)
    for i, rows in enumerate(contexts):
        here = codes[rows]
        here = here[here >= 0]
        if len(here) > 1:
            counts = np.bincount(here).astype(np.float64)
            found[i] = float((counts * (counts - 1)).sum() / (len(here) * (len(here) - 1)))
    return found


def profile_correlation(contexts: Sequence[np.ndarray], X: Any) -> np.ndarray:
    """Mean Pearson correlation between the profiles of the cells of each context, over its pairs of cells.

    Parameters
    ----------
    contexts
        Rows of the cells of each context.
    X
        Cells x genes, dense or sparse: log-normalised expression.

    Returns
    -------
    One number a context; NaN for one with fewer than two cells whose genes differ in expression.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 2.0, 1.0]])
    >>> profile_correlation([np.array([0, 1]), np.array([0, 2])], X).round(6).tolist()
    [1.0, -1.0]
    """
    found = np.full(len(contexts), np.nan)
    for i, rows in enumerate(contexts):
        profiles = X[rows]
        dense = np.asarray(profiles.toarray() if sparse.issparse(profiles) else profiles, dtype=np.float64)
        centred = dense - dense.mean(axis=1, keepdims=True)
        length = np.linalg.norm(centred, axis=1)
        unit = centred[length > 0] / length[length > 0, None]
        if len(unit) > 1:
            # Of all pairs, each with itself included, the products add up to the squared length of the sum.
            found[i] = (float((unit.sum(axis=0) ** 2).sum()) - len(unit)) / (len(unit) * (len(unit) - 1))
    return found


def context_features(contexts: Sequence[np.ndarray], X: Any) -> np.ndarray:
    """What a linear model may know of several cells: their mean profile, and how far pairs of them share each feature.

    Parameters
    ----------
    contexts
        Rows of the cells of each context.
    X
        Cells x features, such as words of sentences weighted by their rank.

    Returns
    -------
    Contexts x twice the features, float32: means over the cells; means over the pairs of cells of the product of their
    values, 0 for a single cell.

    Examples
    --------
    >>> context_features([np.array([0, 1])], np.array([[1.0, 0.0], [1.0, 2.0]])).tolist()
    [[1.0, 1.0, 1.0, 0.0]]
    """
    n = X.shape[1]
    found = np.zeros((len(contexts), 2 * n), dtype=np.float32)
    for i, rows in enumerate(contexts):
        profiles = X[rows]
        dense = np.asarray(profiles.toarray() if sparse.issparse(profiles) else profiles, dtype=np.float64)
        if not len(dense):
            continue
        total, squares = dense.sum(axis=0), (dense**2).sum(axis=0)
        found[i, :n] = total / len(dense)
        if len(dense) > 1:
            found[i, n:] = (total**2 - squares) / (len(dense) * (len(dense) - 1))
    return found


def _missing(value: Any) -> bool:
    return value is None or value != value
