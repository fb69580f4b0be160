from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ._arrays import matrix

_LEAST = 4
"""Cells of a side, so that each fold holds one of each to learn from and one to be told."""
_STEPS = 500


def classifier_auroc(x: Any, y: Any, *, n_folds: int = 5, most: int = 1000, random_state: int = 0) -> float:
    """How well a classifier tells two samples apart (Lopez-Paz & Oquab, ICLR 2017, arXiv:1610.06545).

    Logistic regression (L2, C = 1) is fitted on some of the cells and tells the others; the area under its ROC curve,
    mean over the folds. They report the accuracy; the area needs no threshold.

    Parameters
    ----------
    x, y
        Cells x features, dense or sparse: log-normalised expression, or an embedding.
    n_folds
        Folds, at most half as many as the smaller side has cells.
    most
        Cells of a side that are drawn where there are more.
    random_state
        Seed of the folds and the draw.

    Returns
    -------
    0.5: not told apart, up to chance, which is 0.06 either way for 50 cells a side; 1: always. NaN where a side has
    fewer than 4 cells.

    Raises
    ------
    ValueError
        Other numbers of columns, values that are not finite, or arguments out of range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 100, 5))
    >>> round(classifier_auroc(x, y), 1), classifier_auroc(x, y + 9)
    (0.5, 1.0)
    """
    if n_folds < 2 or most < _LEAST:
        msg = f"n_folds={n_folds} and most={most} are out of range; pass n_folds= from 2 and most= from {_LEAST}"
        raise ValueError(msg)
    rng = np.random.default_rng(random_state)
    sides = [_some(_finite(side, name), most, rng) for side, name in ((x, "x"), (y, "y"))]
    if sides[0].shape[1] != sides[1].shape[1]:
        msg = f"x has {sides[0].shape[1]} columns and y {sides[1].shape[1]}; give both over the same genes"
        raise ValueError(msg)
    sizes = [side.shape[0] for side in sides]
    if min(sizes) < _LEAST:
        return float("nan")
    labels = np.repeat([1.0, -1.0], sizes)
    features = _rotated(sides)
    n_folds = min(n_folds, min(sizes) // 2)
    fold = np.concatenate([rng.permutation(np.arange(size) % n_folds) for size in sizes])
    areas = []
    for told in (fold == i for i in range(n_folds)):
        weights = _fitted(features[~told], labels[~told])
        areas.append(_area(features[told] @ weights, labels[told] > 0))
    return float(np.mean(areas))


def _fitted(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights that minimise ``|w|^2 / 2 + sum log(1 + exp(-y (X w + b)))``; the intercept b changes no order."""
    from scipy.optimize import minimize
    from scipy.special import expit

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights = parameters[:-1]
        margin = y * (X @ weights + parameters[-1])
        pull = -y * expit(-margin)
        value = float(weights @ weights) / 2 + float(np.logaddexp(0, -margin).sum())
        return value, np.append(weights + pull @ X, pull.sum())

    start = np.zeros(X.shape[1] + 1)
    found: np.ndarray = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
    return found[:-1]


def _area(scores: np.ndarray, first: np.ndarray) -> float:
    """Of the ROC curve: how often a cell of the first sample is above one of the other, ties counted half."""
    from scipy.stats import rankdata

    n = int(first.sum())
    return float((rankdata(scores)[first].sum() - n * (n + 1) / 2) / (n * (len(first) - n)))


def _finite(side: Any, name: str) -> Any:
    if not sparse.issparse(side):
        return matrix(side, name)
    if not np.isfinite(side.data).all():
        msg = f"{name} has values that are not finite; leave these cells out"
        raise ValueError(msg)
    return sparse.csr_matrix(side, dtype=np.float64)


def _some(side: Any, most: int, rng: np.random.Generator) -> Any:
    return side if side.shape[0] <= most else side[np.sort(rng.permutation(side.shape[0])[:most])]


def _rotated(sides: list[Any]) -> np.ndarray:
    """All cells in coordinates of their own span, where they have fewer cells than features: distances stay.

    What L2 regression finds does not depend on a rotation, so it is the same in far fewer dimensions.
    """
    dense = not any(map(sparse.issparse, sides))
    together: Any = (
        np.concatenate(sides) if dense else sparse.vstack([sparse.csr_matrix(s) for s in sides], format="csr")
    )
    if together.shape[0] >= together.shape[1]:
        return np.asarray(together if dense else together.toarray())
    products = together @ together.T
    values, vectors = np.linalg.eigh(products if dense else products.toarray())
    kept = values > values[-1] * 1e-12 if values[-1] > 0 else np.ones(len(values), dtype=bool)
    return np.asarray(vectors[:, kept] * np.sqrt(values[kept].clip(0)))
