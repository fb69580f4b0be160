from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scc2s.train._scaling_fit import fit_scaling

N = np.array([100.0, 300.0, 1e3, 3e3, 1e4, 3e4])


def noisy(losses: np.ndarray, sd: float, seed: int = 0) -> np.ndarray:
    return losses + np.random.default_rng(seed).normal(0, sd, losses.shape)


@pytest.mark.parametrize(("a", "b", "c"), [(1.2, 8.0, 0.4), (0.0, 5.0, 0.1), (2.0, -3.0, 0.5)])
def test_a_power_law_without_noise_is_found(a: float, b: float, c: float) -> None:
    fit = fit_scaling({"n_samples": N}, a + b * N**-c, law="power", n_boot=2)
    assert fit.parameters == pytest.approx({"a": a, "b": b, "c": c}, rel=1e-3, abs=1e-3)
    np.testing.assert_allclose(fit.predict(N), a + b * N**-c, rtol=1e-5)
    assert fit.rmse < 1e-5


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    x = np.repeat(N, 3)
    truth, held, n_runs = {"a": 1.2, "b": 8.0, "c": 0.4}, dict.fromkeys("abc", 0), 20
    for seed in range(n_runs):
        losses = noisy(1.2 + 8.0 * x**-0.4, 0.02, seed)
        fit = fit_scaling({"n_samples": x}, losses, law="power", n_boot=60, level=0.9)
        for name, value in truth.items():
            low, high = fit.intervals[name]
            held[name] += low <= value <= high
    assert min(held.values()) >= 14


def test_the_straight_line_is_that_of_scipy_and_its_interval_that_of_student() -> None:
    x = np.repeat(N, 4)
    losses = noisy(3 - 0.4 * np.log10(x), 0.1)
    fit = fit_scaling({"n_samples": x}, losses, n_boot=2000)
    line = stats.linregress(np.log10(x), losses)
    assert fit.parameters == pytest.approx({"a": line.intercept, "b_n_samples": line.slope})
    half = stats.t.ppf(0.975, len(x) - 2) * line.stderr
    np.testing.assert_allclose(fit.intervals["b_n_samples"], (line.slope - half, line.slope + half), atol=0.2 * half)


def test_samples_and_parameters_have_a_slope_each() -> None:
    n, size = np.meshgrid(N[:3], [1e5, 1e6, 1e7])
    losses = 5 - 0.3 * np.log10(n) - 0.1 * np.log10(size)
    fit = fit_scaling({"n_samples": n.ravel(), "n_parameters": size.ravel()}, losses.ravel(), n_boot=10)
    assert fit.parameters == pytest.approx({"a": 5, "b_n_samples": -0.3, "b_n_parameters": -0.1})
    assert float(fit.predict(200.0, 2e5)) == pytest.approx(5 - 0.3 * np.log10(200) - 0.1 * np.log10(2e5))


def test_nothing_is_said_beyond_the_points() -> None:
    fit = fit_scaling({"n_samples": N}, noisy(3 - 0.4 * np.log10(N), 0.01), n_boot=50)
    low, high = fit.band(N)
    assert (low <= fit.predict(N)).all()
    assert (fit.predict(N) <= high).all()
    with pytest.raises(ValueError, match="pass values from 100 to 30,000"):
        fit.predict(1e6)
    with pytest.raises(ValueError, match="beyond the points"):
        fit.band(np.array([10.0, 100.0]))
    with pytest.raises(ValueError, match="pass 1 values"):
        fit.predict(1e3, 1e3)
    assert "100 to 30,000 samples" in fit.text()
    assert "Nothing is said of models or data beyond these" in fit.text()
    assert "95 % intervals" in fit.text()


def test_a_curve_that_the_points_do_not_tell_says_so() -> None:
    fit = fit_scaling({"n_samples": N}, 5 - 0.5 * np.log10(N), law="power", n_boot=5)  # never levels off
    assert fit.at_bound
    assert "these points do not tell" in fit.text()


def test_draws_follow_the_seed_and_not_the_global_state() -> None:
    losses = noisy(3 - 0.4 * np.log10(N), 0.05)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    one, same, other = (fit_scaling({"n_samples": N}, losses, n_boot=20, random_state=s).intervals for s in (0, 0, 1))
    assert one == same != other
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


@pytest.mark.parametrize(
    ("x", "losses", "kwargs", "said"),
    [
        ({"n_samples": N[:3]}, [3, 2, 1], {}, "3 points do not make a curve.*seeds="),
        ({"n_samples": np.repeat(N[:3], 2)}, [3, 3, 2, 2, 1, 1], {"law": "power"}, "3 different n_samples.*law='log'"),
        ({"n_samples": np.repeat(N[0], 5)}, [3, 3, 2, 2, 1], {}, "1 different n_samples"),
        ({"n_samples": N, "n_parameters": N * 7}, range(6), {}, "change together"),
        ({"n_samples": N, "n_parameters": N[::-1]}, range(6), {"law": "power"}, "over one column"),
        ({"n_samples": N}, [3, 2, 1, np.nan, 1, 1], {}, "finite"),
        ({"n_samples": N - 100}, range(6), {}, "over 0"),
        ({"n_samples": N}, range(6), {"law": "line"}, "pass 'power' or 'log'"),
        ({"n_samples": N}, range(6), {"level": 1.0}, "level="),
    ],
)
def test_what_makes_no_curve_is_refused(x: dict, losses: list, kwargs: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fit_scaling(x, np.array(losses, dtype=float), **kwargs)
