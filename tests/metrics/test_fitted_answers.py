from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from scc2s.metrics import auroc, fitted_answers


def questions(n: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.random(n) < 0.5
    X = rng.normal(size=(n, 4)) + truth[:, None] * [1.0, 0, 0, 0]
    return X, truth, np.arange(n) < n // 2


def test_it_is_sklearns_on_the_training_alone() -> None:
    X, truth, train = questions()
    found = fitted_answers(X, truth, train)
    scaler = StandardScaler().fit(X[train])
    model = LogisticRegression(max_iter=2000).fit(scaler.transform(X[train]), truth[train])
    assert found[~train] == pytest.approx(model.predict_proba(scaler.transform(X[~train]))[:, 1], abs=1e-6)
    assert np.isnan(found[train]).all()
    assert auroc(found[~train], truth[~train]) > 0.65


def test_answers_of_the_test_are_not_looked_at() -> None:
    X, truth, train = questions()
    other = np.where(train, truth, ~truth)
    assert np.array_equal(fitted_answers(X, truth, train), fitted_answers(X, other, train), equal_nan=True)


def test_missing_values_and_constant_columns_say_nothing() -> None:
    X, truth, train = questions()
    more = np.column_stack([X, np.full(len(X), 3.0)])
    assert fitted_answers(more, truth, train)[~train] == pytest.approx(
        fitted_answers(X, truth, train)[~train], abs=1e-6
    )
    X[-1] = np.nan
    assert 0.3 < fitted_answers(X, truth, train)[-1] < 0.7


def test_training_without_both_answers_is_refused() -> None:
    X, truth, train = questions()
    with pytest.raises(ValueError, match="not both answers"):
        fitted_answers(X, truth, train & truth)
    with pytest.raises(ValueError, match="one of each"):
        fitted_answers(X[:3], truth, train)
