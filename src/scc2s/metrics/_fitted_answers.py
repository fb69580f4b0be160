from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._binary_report import as_booleans

if TYPE_CHECKING:
    from collections.abc import Sequence


def fitted_answers(
    features: Any, truth: Sequence[Any] | np.ndarray, is_train: Sequence[bool] | np.ndarray, *, strength: float = 1.0
) -> np.ndarray:
    """Probability of yes by a logistic regression that is fitted on the training questions alone.

    With one column it turns a score, such as :func:`scc2s.metrics.same_type_share`, into a probability; with
    :func:`scc2s.metrics.context_features` it is what a linear model makes of the sentences.

    Parameters
    ----------
    features
        Questions x features, or one number for each. Columns are brought to mean 0 and deviation 1 over the training;
        missing values to the mean.
    truth
        ``"yes"`` or ``"no"``, or booleans; those of other questions than the training are not looked at.
    is_train
        Questions to learn from.
    strength
        Inverse of the weight of the L2 penalty, as scikit-learn's ``C``.

    Returns
    -------
    One probability for each question; NaN for those of the training.

    Raises
    ------
    ValueError
        Other lengths, or training without both answers.

    Examples
    --------
    >>> fitted_answers([0.0, 1.0, 0.1, 0.9], ["no", "yes", "no", "yes"], [True, True, False, False]).round(2).tolist()
    [nan, nan, 0.37, 0.63]
    """
    from sklearn.linear_model import LogisticRegression

    X = np.asarray(features, dtype=np.float64)
    X = X[:, None] if X.ndim == 1 else X
    positive, train = as_booleans(truth), np.asarray(is_train, dtype=bool)
    if not len(X) == len(positive) == len(train):
        msg = f"{len(X)} rows of features, {len(positive)} answers, {len(train)} marks; pass one of each for a question"
        raise ValueError(msg)
    if len(np.unique(positive[train])) < 2:
        msg = "the training has not both answers; pass is_train= that marks questions answered yes and no"
        raise ValueError(msg)
    known = np.isfinite(X)
    n = np.maximum(known[train].sum(axis=0), 1)
    mean = np.where(known, X, 0.0)[train].sum(axis=0) / n
    X = np.where(known, X - mean, 0.0)
    deviation = np.sqrt((X[train] ** 2).sum(axis=0) / n)
    X = X / np.where(deviation > 0, deviation, 1.0)
    fitted = LogisticRegression(C=strength, max_iter=2000).fit(X[train], positive[train])
    found = np.full(len(X), np.nan)
    if not train.all():
        found[~train] = fitted.predict_proba(X[~train])[:, 1]
    return found
