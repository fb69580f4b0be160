from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from scc2s.metrics import calibration, fit_temperature, scaled_by_temperature


def drawn(n: int = 4000, k: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and true labels that are drawn with just these."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(k, 0.7), n)
    return probs, (probs.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1)


def test_calibrated_answers_have_temperature_one():
    assert fit_temperature(*drawn()) == pytest.approx(1, abs=0.06)


@settings(deadline=None, max_examples=15)
@given(st.floats(0.2, 5), st.integers(0, 5))
def test_a_planted_temperature_is_found(planted, seed):
    probs, true = drawn(600, seed=seed)
    there = scaled_by_temperature(probs, 1 / planted)
    assert fit_temperature(there, true) == pytest.approx(planted * fit_temperature(probs, true), rel=1e-3)


def test_it_is_the_least_log_loss_of_all_temperatures():
    probs, true = drawn(500, seed=3)
    sure = scaled_by_temperature(probs, 0.4)
    best = minimize_scalar(
        lambda t: log_loss(true, scaled_by_temperature(sure, t)),
        bounds=(0.1, 10),
        method="bounded",
        options={"xatol": 1e-6},
    )
    assert fit_temperature(sure, true) == pytest.approx(best.x, rel=1e-3)


def test_it_mends_the_calibration_and_leaves_the_labels():
    probs, true = drawn()
    sure = scaled_by_temperature(probs, 0.3)
    mended = scaled_by_temperature(sure, fit_temperature(sure, true))
    assert (mended.argmax(axis=1) == sure.argmax(axis=1)).all()
    assert calibration(mended, true).ece < 0.03 < 0.15 < calibration(sure, true).ece


def test_logarithms_constants_in_them_and_names_of_labels_change_nothing():
    probs, true = drawn(300)
    expected = fit_temperature(probs, true)
    shift = np.random.default_rng(0).random((300, 1)) * 50
    assert fit_temperature(np.log(probs) - shift, true) == pytest.approx(expected, rel=1e-5)
    table = pd.DataFrame(probs, columns=list("abcd"))
    assert fit_temperature(table, np.array(list("abcd"))[true]) == pytest.approx(expected)
    assert fit_temperature(probs[::-1], true[::-1]) == pytest.approx(expected)


def test_an_end_is_said(caplog):
    assert fit_temperature([[0.9, 0.1], [0.2, 0.8]], [0, 1]) == 0.05
    assert fit_temperature([[0.9, 0.1], [0.2, 0.8]], [1, 0]) == 20
    assert "every answer is right" in caplog.text
    assert "nothing about the truth" in caplog.text


def test_probabilities_that_were_rounded_to_zero_are_finite():
    found = fit_temperature([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]], [0, 1, 0])
    assert 1 < found <= 20
    np.testing.assert_allclose(scaled_by_temperature([[1.0, 0.0]], 1), [[1, 0]], atol=1e-20)


@pytest.mark.parametrize(
    ("probs", "true", "message"),
    [
        ([[0.5, -0.5]], [0], "neither"),
        ([[0.0, 0.0]], [0], "neither"),
        ([[1.0]], [0], "one label"),
        ([[0.5, 0.5]], [0, 1], "one for each"),
        (pd.DataFrame({"a": [0.5], "b": [0.5]}), ["c"], "none of the labels"),
    ],
)
def test_what_cannot_be_fitted_is_refused(probs, true, message):
    with pytest.raises(ValueError, match=message):
        fit_temperature(probs, true)


@pytest.mark.parametrize("temperature", [0, -1, np.nan, np.inf])
def test_a_temperature_is_above_zero(temperature):
    with pytest.raises(ValueError, match="above 0"):
        scaled_by_temperature([[0.5, 0.5]], temperature)
