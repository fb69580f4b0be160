"""Checks and conversions that the scores share."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


def matrix(X: Any, name: str) -> np.ndarray:
    """Rows x columns, float64.

    Raises
    ------
    ValueError
        Not two-dimensional, or not finite.
    """
    out = np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=np.float64)
    if out.ndim == 1:
        out = out[:, None]
    if out.ndim != 2:
        msg = f"{name} has {out.ndim} dimensions; pass a matrix of cells x features, e.g. adata.obsm['X_pca']"
        raise ValueError(msg)
    if not np.isfinite(out).all():
        msg = f"{name} has values that are not finite; leave these cells out: X[np.isfinite(X).all(axis=1)]"
        raise ValueError(msg)
    return out


def two(x: Any, y: Any, names: tuple[str, str] = ("x", "y")) -> tuple[np.ndarray, np.ndarray]:
    """Two matrices over the same columns.

    Raises
    ------
    ValueError
        They have other numbers of columns, or are not matrices of finite numbers.
    """
    a, b = matrix(x, names[0]), matrix(y, names[1])
    if a.shape[1] != b.shape[1]:
        msg = (
            f"{names[0]} has {a.shape[1]} columns and {names[1]} {b.shape[1]}; give both in the same representation, "
            "e.g. one PCA fitted on all cells"
        )
        raise ValueError(msg)
    return a, b


def profile(X: Any) -> np.ndarray:
    """Mean over cells; a vector is a mean already."""
    if sparse.issparse(X):
        return np.asarray(X.mean(axis=0), dtype=np.float64).ravel()
    X = np.asarray(X, dtype=np.float64)
    return X if X.ndim == 1 else np.asarray(X.mean(axis=0))
