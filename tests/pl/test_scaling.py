from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s.train import Scaling


@pytest.fixture
def runs() -> pd.DataFrame:
    """Two sizes, four parts of the data, two regimes, two seeds."""
    rng = np.random.default_rng(0)
    rows = [
        (size, regime, fraction, seed, n, round(2000 * fraction), 3 - 0.4 * np.log10(2000 * fraction) - 1e-6 * n)
        for size, n in (("small", 10_000), ("large", 200_000))
        for regime in ("full", "lora")
        for fraction in (0.05, 0.1, 0.3, 1.0)
        for seed in (0, 1)
    ]
    names = ["size", "regime", "fraction", "seed", "n_parameters", "n_samples", "loss"]
    out = pd.DataFrame(rows, columns=names)
    return out.assign(loss=out["loss"] + rng.normal(0, 0.02, len(out)))


def test_a_point_is_the_mean_of_the_seeds_and_its_bar_their_span(runs: pd.DataFrame) -> None:
    ax = scc2s.pl.scaling(runs, show=False)
    assert ax.get_xscale() == "log"
    assert len(ax.containers) == 4
    own = runs[(runs["size"] == "small") & (runs["regime"] == "full")].groupby("n_samples")["loss"]
    x, y = ax.containers[0].lines[0].get_data()
    np.testing.assert_allclose(x, [100, 200, 600, 2000])
    np.testing.assert_allclose(y, own.mean())
    bars = np.array([segment[:, 1] for segment in ax.containers[0].lines[2][0].get_segments()])
    np.testing.assert_allclose(bars, np.column_stack([own.min(), own.max()]))


def test_the_curve_is_that_of_the_fit_and_ends_with_the_points(runs: pd.DataFrame) -> None:
    ax = scc2s.pl.scaling(runs, show=False)
    fit = Scaling(runs, "").fit(regime="full", size="small", over=["n_samples"])
    curve = next(line for line in ax.lines if len(line.get_xdata()) == 100)
    np.testing.assert_allclose(curve.get_ydata(), fit.predict(curve.get_xdata()), rtol=1e-9)
    assert (curve.get_xdata().min(), curve.get_xdata().max()) == pytest.approx((100, 2000))
    assert "95 % interval" in ax.get_legend().get_title().get_text()


def test_too_few_runs_have_no_curve_and_the_legend_says_so(runs: pd.DataFrame) -> None:
    few = runs[(runs["fraction"] > 0.05) & (runs["seed"] == 0)]
    ax = scc2s.pl.scaling(few, show=False)
    assert not [line for line in ax.lines if len(line.get_xdata()) == 100]
    assert "too few runs for a curve" in ax.get_legend().get_title().get_text()
    plain = scc2s.pl.scaling(few, curve=None, show=False)
    assert "too few" not in plain.get_legend().get_title().get_text()


def test_colors_are_parts_of_the_data_where_sizes_go_across(runs: pd.DataFrame) -> None:
    ax = scc2s.pl.scaling(runs, by="n_parameters", show=False)
    assert ax.get_xlabel() == "parameters of the model"
    assert len(ax.containers) == 8
    assert "5 % of the data, full" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_scores_are_drawn_as_losses_are(runs: pd.DataFrame) -> None:
    ax = scc2s.pl.scaling(runs.assign(accuracy=1 - runs["loss"] / 5), value="accuracy", show=False)
    assert ax.get_ylabel() == "accuracy"


def test_given_axes_are_taken(runs: pd.DataFrame) -> None:
    from matplotlib import pyplot as plt

    _, ax = plt.subplots()
    assert scc2s.pl.scaling(Scaling(runs, ""), ax=ax, curve="power") is ax


@pytest.mark.parametrize(
    ("kwargs", "error", "said"),
    [
        ({"by": "seed"}, ValueError, "pass 'n_samples' or 'n_parameters'"),
        ({"curve": "cubic"}, ValueError, "pass 'log', 'power' or None"),
        ({"value": "accuracy"}, KeyError, "has no 'accuracy'"),
        ({"table": pd.DataFrame({"size": []})}, KeyError, "scc2s.train.scaling"),
    ],
)
def test_errors_name_what_to_pass(runs: pd.DataFrame, kwargs: dict, error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        scc2s.pl.scaling(**{"table": runs, "show": False} | kwargs)


def test_no_runs_are_refused(runs: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no runs"):
        scc2s.pl.scaling(runs.head(0), show=False)
