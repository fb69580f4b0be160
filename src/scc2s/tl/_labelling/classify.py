"""Plain classifiers: what a language model has to be compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from scc2s._cells.sampling import shuffled

if TYPE_CHECKING:
    from collections.abc import Sequence

HELD_OUT = 0.2
"""Share of the reference that the accuracy within it is measured on."""


class Classifier(NamedTuple):
    """Which classifier, and its settings."""

    method: Literal["logreg", "knn"]
    n_neighbors: int
    n_comps: int
    random_state: int


class Within(NamedTuple):
    """Accuracy on cells of the reference that were held out; NaN where there are too few cells."""

    accuracy: float
    majority: float
    n: int


def probabilities(X: Any, y: np.ndarray, Z: Any, how: Classifier) -> tuple[np.ndarray, list[str]]:
    """Probability of each label in the rows of `Z`, learned from the rows of `X` with labels `y`."""
    if how.method == "knn":
        from sklearn.neighbors import KNeighborsClassifier

        X, Z = _components(X, Z, how)
        near = KNeighborsClassifier(min(how.n_neighbors, X.shape[0]), metric="cosine").fit(X, y)
        return np.asarray(near.predict_proba(Z)), list(map(str, near.classes_))
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=2000).fit(X, y)
    return np.asarray(fitted.predict_proba(Z)), list(map(str, fitted.classes_))


def within(X: Any, y: np.ndarray, names: Sequence[object], how: Classifier) -> Within:
    """Learned from four fifths of the reference and measured on the rest, which are drawn by their names."""
    order = shuffled(names, how.random_state)
    n = int(HELD_OUT * len(order))
    test, train = order[:n], order[n:]
    if not n or len(set(y[train])) < 2:
        return Within(float("nan"), float("nan"), 0)
    probs, labels = probabilities(X[train], y[train], X[test], how)
    found = np.array(labels, dtype=object)[probs.argmax(axis=1)]
    kinds, sizes = np.unique(y[train].astype(str), return_counts=True)
    return Within(float(np.mean(found == y[test])), float(np.mean(y[test] == kinds[sizes.argmax()])), n)


def _components(X: Any, Z: Any, how: Classifier) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.decomposition import PCA

    n = min(how.n_comps, min(X.shape) - 1)
    if n < 1:
        return np.asarray(X.toarray()), np.asarray(Z.toarray())
    pca = PCA(n, svd_solver="arpack", random_state=how.random_state).fit(X)
    return np.asarray(pca.transform(X)), np.asarray(pca.transform(Z))
