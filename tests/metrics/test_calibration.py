from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from scc2s.metrics import calibration


def drawn(n: int = 2000, k: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and true labels that are drawn with just these."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(k, 0.5), n)
    return probs, (probs.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1)


def test_it_is_what_one_works_out_by_hand():
    found = calibration(
        [[0.95, 0.05], [0.85, 0.15], [0.82, 0.18], [0.45, 0.55]], ["a", "b", "a", "b"], labels=["a", "b"]
    )
    assert (found.n, found.accuracy, found.majority) == (4, 0.75, 0.5)
    assert found.ece == pytest.approx((abs(0.95 - 1) + abs(0.85 + 0.82 - 1) + abs(0.55 - 1)) / 4)
    assert found.brier == pytest.approx(2 * (0.05**2 + 0.85**2 + 0.18**2 + 0.45**2) / 4)
    assert found.brier_base_rate == pytest.approx(0.5)
    assert found.table["n"].tolist() == [0] * 5 + [1, 0, 0, 2, 1]
    row = found.table.iloc[8]
    assert row[["confidence", "accuracy"]].tolist() == pytest.approx([0.835, 0.5])
    assert row[["accuracy_low", "accuracy_high"]].tolist() == pytest.approx(
        [0.0945, 0.9055], abs=1e-4
    )  # Wilson, 1 of 2


@pytest.mark.parametrize(("bins", "strategy"), [("width", "uniform"), ("mass", "quantile")])
def test_bins_are_those_of_sklearn(bins, strategy):
    probs, true = drawn()
    found = calibration(probs, true, bins=bins, n_bins=8)
    right = probs.argmax(axis=1) == true
    accuracy, confidence = calibration_curve(right, probs.max(axis=1), n_bins=8, strategy=strategy)
    table = found.table[found.table["n"] > 0]
    np.testing.assert_allclose(table["accuracy"], accuracy)
    np.testing.assert_allclose(table["confidence"], confidence)
    assert found.ece == pytest.approx(np.average(np.abs(accuracy - confidence), weights=table["n"]))
    assert found.table["n"].sum() == found.n == 2000


def test_the_brier_score_is_that_of_sklearn():
    probs, true = drawn()
    one_by_one = [brier_score_loss(true == label, probs[:, label]) for label in range(probs.shape[1])]
    assert calibration(probs, true).brier == pytest.approx(sum(one_by_one))


def test_calibrated_answers_have_the_error_that_chance_gives_them_and_sure_ones_more():
    probs, true = drawn(4000)
    found = calibration(probs, true)
    assert found.ece < 2 * found.ece_if_calibrated < 0.04
    sure = probs**4 / (probs**4).sum(axis=1, keepdims=True)
    worse = calibration(sure, true)
    assert worse.accuracy == found.accuracy
    assert worse.ece > 10 * worse.ece_if_calibrated
    assert worse.brier > found.brier
    assert worse.confidence > worse.accuracy + 0.1


def test_a_true_label_that_is_no_answer_counts_as_wrong():
    probs = pd.DataFrame([[1.0, 0.0], [1.0, 0.0]], columns=["a", "b"])
    found = calibration(probs, ["a", "other"])
    assert (found.accuracy, found.brier, found.majority) == (0.5, 1.0, 0.5)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_the_order_of_cells_changes_nothing(seed, n):
    probs, true = drawn(n, seed=seed)
    order = np.random.default_rng(seed).permutation(n)
    a, b = calibration(probs, true, n_draws=5), calibration(probs[order], true[order], n_draws=5)
    assert a.ece == pytest.approx(b.ece)
    assert a.ece_if_calibrated == pytest.approx(b.ece_if_calibrated)
    assert 0 <= a.ece <= 1
    assert 0 <= a.brier <= 2
    pd.testing.assert_frame_equal(a.table, b.table)


@pytest.mark.parametrize("bins", ["width", "mass"])
def test_one_cell_and_certain_answers_have_a_table_too(bins):
    found = calibration([[1.0, 0.0]], [0], bins=bins, n_draws=0)
    assert (found.ece, found.brier, found.accuracy) == (0, 0, 1)
    assert np.isnan(found.ece_if_calibrated)
    assert found.table["n"].sum() == 1


@pytest.mark.parametrize(
    ("probs", "true", "kwargs", "message"),
    [
        ([[0.9, 0.9]], [0], {}, "add up to 1"),
        ([[1.2, -0.2]], [0], {}, "add up to 1"),
        ([[np.nan, 1.0]], [0], {}, "not finite"),
        ([[0.5, 0.5]], [0, 1], {}, "one for each"),
        ([[0.5, 0.5]], [None], {}, "leave these cells out"),
        ([[0.5, 0.5]], [2], {}, "pass labels="),
        ([[0.5, 0.5]], ["a"], {}, "pass labels="),
        ([[0.5, 0.5]], ["a"], {"labels": ["a"]}, "of each column once"),
        ([[0.5, 0.5]], ["a"], {"labels": ["a", "a"]}, "of each column once"),
        ([[0.5, 0.5]], [0], {"n_bins": 0}, "n_bins= from 1"),
        ([[0.5, 0.5]], [0], {"bins": "x"}, "'width' or 'mass'"),
        (np.empty((0, 2)), [], {}, "at least one"),
    ],
)
def test_what_cannot_be_scored_is_refused(probs, true, kwargs, message):
    with pytest.raises(ValueError, match=message):
        calibration(probs, true, **kwargs)
