"""What answers the same questions without a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s.metrics import binary_report, context_features, fitted_answers, profile_correlation, same_type_share

if TYPE_CHECKING:
    from collections.abc import Sequence

POSITIVE_ANSWER = "yes"
SAME_TYPE, CORRELATION, LINEAR = (
    "share of the same type",
    "correlation of sentences",
    "logistic regression on sentences",
)
_MOST_WORDS = 500
_STRENGTH = 1e-3
"""Of the regression on sentences: it has more features than there are questions."""


def sentence_weights(sentences: Sequence[str], n_genes: int | None) -> sparse.csr_array:
    """Cells x words, ``1 / log2(1 + rank)``: the words that weigh most over all cells, at most 500."""
    number: dict[str, int] = {}
    rows, columns, values = [], [], []
    for row, text in enumerate(sentences):
        for rank, word in enumerate(text.split()[:n_genes], start=1):
            rows.append(row)
            columns.append(number.setdefault(word, len(number)))
            values.append(1.0 / np.log2(1.0 + rank))
    found = sparse.csr_array((values, (rows, columns)), shape=(len(sentences), len(number)))
    if found.shape[1] <= _MOST_WORDS:
        return found
    heaviest = np.argsort(-np.asarray(found.sum(axis=0)), kind="stable")[:_MOST_WORDS]
    return sparse.csr_array(found[:, np.sort(heaviest)])


def floors(
    table: pd.DataFrame, rows: Sequence[np.ndarray], weights: sparse.csr_array, types: Sequence[object] | None
) -> dict[str, np.ndarray]:
    """Probability of yes for each context by each floor, learned on the part for training.

    Without such a part there is nothing to learn from: scores then only order the contexts, and the regression on
    sentences is left out.
    """
    train = table["split"].astype(str).to_numpy() == "train"
    truth = table["label"].astype(str).to_numpy()
    scores = {} if types is None else {SAME_TYPE: same_type_share(rows, list(types))}
    scores[CORRELATION] = profile_correlation(rows, weights)
    learns = train.any() and not train.all() and len(set(truth[train])) == 2
    if not learns:
        return {name: _by_rank(values) for name, values in scores.items()}
    found = {name: fitted_answers(values, truth, train) for name, values in scores.items()}
    features = context_features(rows, weights)
    found[LINEAR] = fitted_answers(features, truth, train, strength=_STRENGTH)
    return found


def report(
    table: pd.DataFrame, answers: dict[str, np.ndarray], *, graded: dict[str, bool], random_state: int, n_boot: int
) -> pd.DataFrame:
    """Each answer against the truth, apart for each kind of negatives; the positives beside these are the same.

    Parameters
    ----------
    table
        Contexts: ``center``, ``kind``, ``label``, ``block``.
    answers
        Probability of yes for each context, NaN where there is none.
    graded
        Whether numbers are probabilities; else they only order the contexts, and accuracies are NaN.
    random_state, n_boot
        Of the intervals, which draw blocks; without blocks, centres.
    """
    center, kind = (table[name].astype(str).to_numpy() for name in ("center", "kind"))
    truth, block = table["label"].astype(str).to_numpy(), table["block"].astype(str).to_numpy()
    clusters = np.where(block == "", center, block)
    positive = truth == POSITIVE_ANSWER
    found = []
    for negatives in sorted(set(kind[~positive])):
        beside = kind == negatives
        chosen = beside | (positive & np.isin(center, center[beside]))
        for name, values in answers.items():
            rows = np.flatnonzero(chosen & np.isfinite(values))
            if not len(rows):
                continue
            numbers = binary_report(
                truth[rows], values[rows], blocks=clusters[rows], n_boot=n_boot, random_state=random_state
            )
            if not graded[name]:
                numbers.loc[["accuracy", "balanced_accuracy"], ["value", "low", "high"]] = np.nan
            one: dict[str, object] = {"answer": name, "negatives": negatives}
            for measure in numbers.index:
                one |= {
                    str(measure): numbers.loc[measure, "value"],
                    f"{measure}_low": numbers.loc[measure, "low"],
                    f"{measure}_high": numbers.loc[measure, "high"],
                }
            found.append(one | {name: int(numbers[name].iloc[0]) for name in ("n", "n_yes", "n_blocks")})
    out = pd.DataFrame(found)
    out.index = out.index.astype(str)
    return out


def _by_rank(values: np.ndarray) -> np.ndarray:
    """Order of the scores as numbers from 0 to 1; NaN stays."""
    from scipy.stats import rankdata

    there = np.isfinite(values)
    found = np.full(len(values), np.nan)
    if there.any():
        found[there] = (rankdata(values[there]) - 0.5) / there.sum()
    return found
