"""Plain classifiers on the same cells, trained on the training split: what a language model has to be compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.stats import binomtest

if TYPE_CHECKING:
    from collections.abc import Sequence

N_NEIGHBORS = 15


def sentence_features(sentences: Sequence[str], n_genes: int) -> sparse.csr_matrix:
    """``log((n_genes + 1) / rank)``, cells x genes that occur: what the sentence says, and nothing else."""
    column: dict[str, int] = {}
    indices, data, indptr = [], [], [0]
    for sentence in sentences:
        words = sentence.split()
        indices += [column.setdefault(w, len(column)) for w in words]
        data += np.log((n_genes + 1) / np.arange(1, len(words) + 1)).tolist()
        indptr.append(len(indices))
    return sparse.csr_matrix((data, indices, indptr), shape=(len(sentences), len(column)))


def logistic_regression(X: Any, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Labels of the test rows."""
    from sklearn.linear_model import LogisticRegression

    return np.asarray(LogisticRegression(max_iter=2000).fit(X[train], y[train]).predict(X[test]))


def nearest_neighbors(X: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Labels of the test rows by vote of their nearest training rows."""
    from sklearn.neighbors import KNeighborsClassifier

    return np.asarray(KNeighborsClassifier(N_NEIGHBORS).fit(X[train], y[train]).predict(X[test]))


def scores(predicted: Sequence[str] | np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Accuracy with its 95 % Wilson interval, and macro-F1 over the types that the test cells have."""
    from sklearn.metrics import f1_score

    predicted = np.asarray(predicted, dtype=object)
    right = int((predicted == true).sum())
    low, high = binomtest(right, len(true)).proportion_ci(method="wilson")
    macro = f1_score(true, predicted, average="macro", labels=np.unique(true), zero_division=0)
    return {"accuracy": right / len(true), "low": float(low), "high": float(high), "macro_f1": float(macro)}
