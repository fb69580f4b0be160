"""Plain classifiers on the same cells, trained on the training split: what a language model has to be compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.metrics import label_report
from scc2s.sentences._features import rank_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy import sparse

N_NEIGHBORS = 15


def sentence_features(sentences: Sequence[str], n_genes: int) -> sparse.csr_matrix:
    """``log((n_genes + 1) / rank)``, cells x genes that occur: what the sentence says, and nothing else."""
    return rank_features(sentences, n_genes)[0]


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
    found = label_report(list(true), list(predicted))
    return {"accuracy": found.accuracy, "low": found.low, "high": found.high, "macro_f1": found.macro_f1}
