from __future__ import annotations

import numpy as np
import pytest
from panels import drawn_panel, hashed_panel
from scipy import sparse

from scc2s.metrics import perturbation_yardsticks
from scc2s.metrics._panel import Target, mean_response
from scc2s.metrics._panel_rows import MEAN_SCORE, PANEL, YARDSTICKS
from scc2s.metrics._yardsticks import _sides

CELL_EVAL = {
    "pds_cosine": [1.0, 0.8, 1.0, 1.0, 1.0, 1.0],
    "direction_fidelity_yield": [0.533333333333, 0.428571428571, 0.625, 0.846153846154, 0.647058823529, 0.571428571429],
    "direction_reach": [1.0, 1.0, 0.8125, 0.923076923077, 1.0, 1.0],
    "sig_jaccard": [0.210526315789, 0.176470588235, 0.421052631579, 0.411764705882, 0.473684210526, 0.375],
    "lfc_nmae": [0.854046966386, 0.926467680339, 0.869389106817, 0.913823799985, 0.820044672287, 0.841642903387],
}
"""cell-eval2 0.20.0, preset vcc2026 with de.backend="scanpy", of `hashed_panel`; so are the next two."""
NUMERATORS = [0.707922050724, 1.256787467271, 0.621769147728, 0.777427435221, 0.526058612884, 0.580078214847]
DENOMINATORS = [0.914980993686, 1.206057775079, 0.728631161273, 0.938749314327, 0.963117750293, 0.826166965022]


def score(pred, true, control, groups, *, pred_groups=None, units="counts", **more):
    more = {"n_boot": 0, "n_repeats": 2} | more
    groups_of_pred = groups if pred_groups is None else pred_groups
    return perturbation_yardsticks(
        pred, true, control, pred_groups=groups_of_pred, true_groups=groups, units=units, **more
    )


def panel(table, column="value"):
    return table[table["perturbation"] == PANEL].set_index("metric")[column]


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
def test_agrees_with_cell_eval_2(make):
    pred, true, control, groups = hashed_panel()
    targets = {f"g{i}": [i] for i in range(6)}
    table = score(make(pred), make(true), make(control), groups, targets=targets, n_repeats=0)
    for metric, theirs in CELL_EVAL.items():
        own = table[(table["metric"] == metric) & (table["perturbation"] != PANEL)]
        assert own["value"].tolist() == pytest.approx(theirs, abs=1e-9), metric
        assert panel(table)[metric] == pytest.approx(np.mean(theirs))
    name = "expr_mse_unbiased_capped_norm"
    assert panel(table)[name] == pytest.approx(sum(NUMERATORS) / sum(DENOMINATORS), abs=1e-9)
    own = table[(table["metric"] == name) & (table["perturbation"] != PANEL)]["value"].to_numpy()
    assert own == pytest.approx(np.array(NUMERATORS) / np.mean(DENOMINATORS), abs=1e-9)


@pytest.fixture(scope="module")
def truth():
    return drawn_panel()[1:]


def test_knowing_more_scores_more_between_the_mean_response_and_a_replicate(truth):
    true, control, groups = truth
    found = {}
    for known in (0.0, 0.5, 1.0):
        table = score(drawn_panel(known=known)[0], true, control, groups)
        found[known] = panel(table, "scaled")
        assert panel(table, "n_true").eq(len(true)).all()
    assert found[0.0][MEAN_SCORE] < 0.1 < 0.3 < found[0.5][MEAN_SCORE] < found[1.0][MEAN_SCORE] - 0.2
    assert found[1.0].drop(MEAN_SCORE).between(0.8, 2.5).all()


def test_the_mean_response_itself_is_0_on_every_scale(truth):
    true, control, groups = truth
    _, real, base = _sides(true, true, control, groups, groups, "counts", "counts")
    mean = mean_response(real, base, Target([[] for _ in real], []), 0, 0)
    scale = 10_000  # whole numbers, as counts have to be
    pred = np.concatenate([np.rint(part.toarray() * scale) for part in mean.values()])
    order = np.concatenate([[group] * part.shape[0] for group, part in mean.items()])
    table = score(pred, true, control, groups, pred_groups=order, n_repeats=1)
    assert panel(table, "scaled").to_numpy() == pytest.approx(0, abs=0.02)
    assert panel(table)["pds_cosine"] == panel(table, "floor")["pds_cosine"]


def test_the_control_changes_nothing_and_scores_so(truth):
    true, control, groups = truth
    n = 40
    nothing = np.tile(control[:n], (8, 1))
    table = score(nothing, true, control, groups)
    floor = panel(table, "floor_control")
    assert floor["pds_cosine"] == 0.5
    assert floor["lfc_nmae"] == pytest.approx(1)
    assert floor[["direction_fidelity_yield", "direction_reach", "sig_jaccard"]].eq(0).all()
    assert floor["expr_mse_unbiased_capped_norm"] == pytest.approx(1, abs=0.1)
    assert panel(table)["pds_cosine"] == pytest.approx(0.5)


def test_the_order_of_rows_and_other_perturbations_of_pred_change_nothing(truth):
    true, control, groups = truth
    pred = drawn_panel(known=0.5)[0]
    first = score(pred, true, control, groups)
    rng = np.random.default_rng(1)
    a, b, c = (rng.permutation(len(X)) for X in (pred, true, control))
    labels = np.array(groups)
    second = perturbation_yardsticks(
        np.concatenate([pred[a], pred[:5]]),
        true[b],
        sparse.csr_matrix(control[c]),
        pred_groups=[*labels[a], *["zz"] * 5],
        true_groups=labels[b],
        units="counts",
        n_repeats=2,
        n_boot=0,
    )
    columns = ["value", "floor", "floor_control", "ceiling", "scaled"]
    np.testing.assert_allclose(first[columns], second[columns], rtol=1e-7, atol=1e-9)


def test_intervals_hold_the_mean_and_need_three_perturbations(truth):
    true, control, groups = truth
    table = score(drawn_panel(known=0.5)[0], true, control, groups, n_boot=200)
    rows = table[(table["perturbation"] == PANEL) & table["metric"].isin(["pds_cosine", "sig_jaccard"])]
    assert (rows["scaled_low"] <= rows["scaled"]).all()
    assert (rows["scaled"] <= rows["scaled_high"]).all()
    two = np.isin(groups, ["p0", "p1"])
    few = score(true[two], true[two], control, np.array(groups)[two], n_boot=200)
    assert few["scaled_low"].isna().all()


def test_logarithms_score_like_the_counts_they_are_of(truth):
    true, control, groups = truth
    pred = drawn_panel(known=0.5)[0]

    def logged(Y, base=np.e):
        return np.log1p(1e4 * Y / Y.sum(1, keepdims=True)) / np.log(base)

    counts = score(pred, true, control, groups)
    both = score(logged(pred), logged(true), logged(control), groups, units="log1p_cp10k")
    ten = score(logged(pred, 10), true, control, groups, units="log10_cp10k", true_units="counts")
    np.testing.assert_allclose(both["value"], ten["value"], rtol=1e-6, atol=1e-9)
    tests = counts["metric"].isin(["direction_fidelity_yield", "direction_reach", "sig_jaccard", "lfc_nmae"])
    np.testing.assert_allclose(both.loc[tests, "value"], counts.loc[tests, "value"], atol=0.02)
    assert panel(both)["pds_cosine"] == pytest.approx(panel(counts)["pds_cosine"], abs=0.05)


class TestTricks:
    """What has raised scores elsewhere."""

    def test_a_logarithm_more_does_not_help(self, truth):
        true, control, groups = truth
        logs = [np.log1p(1e4 * Y / Y.sum(1, keepdims=True)) for Y in (drawn_panel(known=0.5)[0], true, control)]
        right = score(*logs, groups, units="log1p_cp10k")
        again = score(np.log1p(logs[0]), *logs[1:], groups, units="log1p_cp10k")
        assert panel(again, "scaled")[MEAN_SCORE] < panel(right, "scaled")[MEAN_SCORE] - 0.2

    def test_counts_among_logarithms_and_fractions_among_counts_are_refused(self, truth):
        true, control, groups = truth
        logs = np.log1p(1e4 * true / true.sum(1, keepdims=True))
        mixed = np.where(np.arange(len(true))[:, None] < 3, true, logs)
        with pytest.raises(ValueError, match="another base"):
            score(mixed, logs, control, groups, units="log1p_cp10k", true_units="counts")
        nearly = true.copy()
        nearly[0, 0] = 0.5
        with pytest.raises(ValueError, match="not whole numbers"):
            score(nearly, true, control, groups)

    def test_more_variance_than_the_real_cells_have_does_not_help(self, truth):
        """Depth of cells spread widely, and the mean kept: the noise that a profile may claim would grow."""
        true, control, groups = truth
        pred = drawn_panel(known=0.5)[0]
        wide = pred * np.where(np.arange(len(pred)) % 8 == 0, 50, 1)[:, None]
        name = "expr_mse_unbiased_capped_norm"
        assert panel(score(wide, true, control, groups))[name] >= panel(score(pred, true, control, groups))[name]

    def test_leaving_perturbations_out_is_refused(self, truth):
        true, control, groups = truth
        easy = np.array(groups) != "p3"
        with pytest.raises(ValueError, match=r"no cells of 1 of 8.*'p3'"):
            score(true[easy], true, control, groups, pred_groups=np.array(groups)[easy])

    def test_one_knockdown_after_another_gives_nothing(self):
        """A prediction that knows which gene was targeted, and nothing else."""
        _, true, control, groups = hashed_panel()
        pred = np.tile(control[:24], (6, 1))
        for i in range(6):
            pred[24 * i : 24 * (i + 1), i] = true[24 * i : 24 * (i + 1), i]
        targets = {f"g{i}": [i] for i in range(6)}
        blind, fooled = (score(pred, true, control, groups, targets=t) for t in (targets, None))
        assert panel(fooled)["pds_cosine"] > 0.7
        assert panel(blind)["pds_cosine"] == pytest.approx(0.5, abs=0.11)
        assert panel(blind)["sig_jaccard"] == 0 < panel(fooled)["sig_jaccard"]

    def test_many_cells_are_said(self, truth, caplog):
        true, control, groups = truth
        score(np.tile(true, (3, 1)), true, control, groups, pred_groups=groups * 3, n_repeats=0)
        assert "more than twice" in caplog.text


def test_one_perturbation_has_no_floor_and_says_why(truth):
    true, control, groups = truth
    one = np.array(groups) == "p0"
    table = score(true[one], true[one], control, ["p0"] * one.sum())
    assert panel(table, "note")["pds_cosine"].startswith("needs 2")
    assert panel(table, "note")["sig_jaccard"].startswith("one perturbation")
    assert table[["floor", "scaled"]].isna().all(axis=None)
    assert panel(table)["sig_jaccard"] == 1


def test_without_an_effect_nothing_is_scaled_and_it_says_why(truth):
    _, control, _ = truth
    nothing = np.tile(control[:40], (3, 1))
    table = score(nothing, nothing, control, np.repeat(list("abc"), 40))
    assert np.isnan(panel(table, "scaled")[MEAN_SCORE])
    assert panel(table, "note")["lfc_nmae"] == "fewer than 10 genes are significant in truth"
    assert panel(table, "note")["expr_mse_unbiased_capped_norm"] == (
        "the real effects do not rise above their sampling noise"
    )


def test_empty_and_lone_predicted_cells_are_scored(truth):
    true, control, groups = truth
    pred = np.zeros((8, true.shape[1]))
    table = score(pred, true, control, groups, pred_groups=[f"p{i}" for i in range(8)], n_repeats=0)
    assert np.isfinite(panel(table)[list(YARDSTICKS)]).all()
    assert panel(table)["direction_reach"] < 0.5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"units": "counts per million"}, "not known"),
        ({"units": "log1p_cp10k"}, "holds whole numbers"),
        ({"names": ["a"]}, "one for each"),
        ({"targets": {"g0": [60]}}, "places of genes"),
        ({"pred": np.ones((144, 59))}, "take the same from all"),
        ({"true": np.full((144, 60), -1.0)}, "negative"),
        ({"control": np.ones((3, 60))}, "fewer than 4 cells"),
        ({"true_groups": ["a"]}, "one perturbation for each cell"),
        ({"pred_groups": [None] * 144}, "without a perturbation"),
        ({"true_groups": ["a"] * 141 + ["b"] * 3}, "fewer than 4 cells"),
        ({"true": np.empty((0, 60)), "true_groups": []}, "no cells"),
    ],
)
def test_bad_input_names_the_mend(change, says):
    pred, true, control, groups = hashed_panel()
    given = {"pred": pred, "true": true, "control": control, "pred_groups": groups, "true_groups": groups}
    with pytest.raises(ValueError, match=says):
        perturbation_yardsticks(**({"units": "counts"} | given | change))
