"""A prediction stands beside its floors and its ceiling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import pearsonr

from scc2s.metrics import delta_pearson, energy_distance, kendall_tau, perturbation_report

SHIFT = np.array([2.0, 1.5, -1.0, 0.5] + [0.0] * 16)
GROUPS = np.repeat(["a", "b", "c"], 40)


def cells(shift=0.0, seed=0):
    """Three groups of cells with levels of their own; `shift` moves them."""
    rng = np.random.default_rng(seed)
    levels = np.random.default_rng(99).gamma(1.0, 1.0, (3, 20))
    return np.repeat(levels, 40, axis=0) + rng.normal(0, 0.2, (120, 20)) + shift


def report(pred, true="real", **arguments):
    true = cells(SHIFT, 1) if isinstance(true, str) else true
    return perturbation_report(
        pred, true, cells(0, 2), pred_groups=GROUPS, true_groups=GROUPS, control_groups=GROUPS,
        **({"program": np.array([0, 1, 2, 3]), "n_top": 6} | arguments),
    )  # fmt: skip


def test_each_group_has_all_rows_in_order_and_the_numbers_are_the_plain_ones():
    pred, true, control = cells(0.7 * SHIFT, 3), cells(SHIFT, 1), cells(0, 2)
    table = report(pred, true)
    rows = ["prediction", "control", "mean shift of other groups", "real cells, split half"]
    assert table.groupby("group")["predictor"].agg(list).tolist() == [rows] * 3
    here = GROUPS == "b"
    row = table[(table["group"] == "b") & (table["predictor"] == "prediction")].iloc[0]
    shift, truth = pred[here].mean(0) - control[here].mean(0), true[here].mean(0) - control[here].mean(0)
    assert row["program_shift"] == pytest.approx(shift[:4].mean())
    assert row["true_program_shift"] == pytest.approx(truth[:4].mean())
    assert row["kendall_tau"] == pytest.approx(kendall_tau(pred[here].mean(0)[:4], true[here].mean(0)[:4]))
    assert row["rmse"] == pytest.approx(np.sqrt(np.mean((shift - truth) ** 2)))
    others = [true[g == GROUPS].mean(0) - control[g == GROUPS].mean(0) for g in "ac"]
    top = np.argsort(-np.mean(np.abs(others), axis=0), kind="stable")[:6]
    assert row["energy_distance"] == pytest.approx(energy_distance(pred[here][:, top], true[here][:, top]))
    halves = [np.random.default_rng(seed).permutation(40) for seed in range(200)]
    both = [part for order in halves for part in ((order[:20], order[20:]), (order[20:], order[:20]))]
    for name, genes in (("delta_pearson", slice(None)), ("delta_pearson_top", top)):
        by_hand = [
            pearsonr(
                (pred[here][mine] - control[here][mine]).mean(0)[genes],
                (true[here].mean(0) - control[here][others].mean(0))[genes],
            ).statistic
            for mine, others in both
        ]
        assert row[name] == pytest.approx(np.mean(by_hand), abs=0.003)


def test_of_two_control_cells_one_is_the_predictions_and_one_the_truths():
    rng = np.random.default_rng(0)
    control, pred, true = rng.normal(0, 1, (3, 2, 30))
    groups = dict.fromkeys(("pred_groups", "true_groups", "control_groups"), ["a", "a"])
    row = perturbation_report(pred, true, control, **groups).iloc[0]
    by_hand = [pearsonr(pred[i] - control[i], true.mean(0) - control[1 - i]).statistic for i in (0, 1)]
    assert row["delta_pearson"] == pytest.approx(np.mean(by_hand))


def test_cells_that_nothing_happened_to_correlate_with_nothing():
    """Control cells written anew: against the same control cells on both sides they seem to move the right way."""
    found, plain = [], []
    true = cells(0.2 * SHIFT, 1)
    for seed in range(10, 30):
        control, anew = cells(0, seed), cells(0, seed + 100)
        table = perturbation_report(anew, true, control, pred_groups=GROUPS, true_groups=GROUPS, control_groups=GROUPS)
        found += table.loc[table["predictor"] == "prediction", "delta_pearson"].tolist()
        plain += [delta_pearson(anew[g == GROUPS], true[g == GROUPS], control[g == GROUPS]) for g in "abc"]
    assert np.mean(plain) > 0.1
    assert abs(np.mean(found)) < 0.05
    same = perturbation_report(control, true, control, pred_groups=GROUPS, true_groups=GROUPS, control_groups=GROUPS)
    assert same.loc[same["predictor"] == "prediction", "delta_pearson"].isna().all()


def test_each_floor_has_the_difference_to_the_prediction_and_the_prediction_that_to_the_best():
    good, poor = cells(0.9 * SHIFT, 3), cells(np.roll(SHIFT, 7), 4)
    table = report(good, others={"scrambled name": (poor, GROUPS)}, n_boot=200).set_index(["group", "predictor"])
    for group in "abc":
        rows = table.loc[group]
        floors = rows.drop(["prediction", "real cells, split half"])
        better = rows.loc["prediction", "delta_pearson"] - floors["delta_pearson"].fillna(0)
        assert np.allclose(floors["delta_pearson_gain"], better)
        nearer = floors["energy_distance"] - rows.loc["prediction", "energy_distance"]
        assert np.allclose(floors["energy_distance_gain"], nearer)
        assert rows.loc["prediction", "best_floor"] == "mean shift of other groups"
        best = rows.loc["mean shift of other groups"]
        for end in ("", "_low", "_high"):
            name = f"delta_pearson_gain{end}"
            assert rows.loc["prediction", name] == best[name]
        assert rows.loc["scrambled name", "delta_pearson_gain_low"] > 0.5
        assert rows.loc["scrambled name", "energy_distance_gain_low"] > 0
        assert best["delta_pearson_gain_low"] < 0.02
    assert table.xs("real cells, split half", level=1)["delta_pearson_gain"].isna().all()


def test_a_prediction_that_is_the_scrambled_one_has_no_gain_and_none_without_truth():
    pred = cells(0.9 * SHIFT, 3)
    rows = report(pred, others={"scrambled name": (pred, GROUPS)}, n_boot=50)
    ends = rows.loc[rows["predictor"] == "scrambled name", [f"delta_pearson_gain{e}" for e in ("", "_low", "_high")]]
    assert (ends == 0).all(axis=None)
    none = report(pred, true=None, others={"scrambled name": (pred, GROUPS)}, n_boot=50)
    assert none["delta_pearson_gain"].isna().all()
    assert set(none["best_floor"]) == {""}


def test_of_donors_each_is_judged_alone_and_the_shift_of_the_others_is_a_floor():
    rng = np.random.default_rng(0)
    donors = np.repeat(["p", "q", "r"], 20)
    own = rng.normal(0, 0.5, (3, 20))  # what each donor does beside what all do
    control, true, _ = rng.normal(0, 0.1, (3, 60, 20))
    true = true + SHIFT + np.repeat(own, 20, axis=0)
    pred = control + SHIFT
    sides = {f"{name}_groups": ["a"] * 60 for name in ("pred", "true", "control")}
    given = dict.fromkeys(("pred", "true", "control"), donors)
    table = perturbation_report(pred, true, control, donors=given, n_boot=100, **sides).set_index("predictor")
    by_hand = []
    for i, donor in enumerate("pqr"):
        there = [true[donors == d].mean(0) - control[donors == d].mean(0) for d in "pqr" if d != donor]
        by_hand.append(pearsonr(np.mean(there, axis=0), SHIFT + own[i]).statistic)
    assert table.loc["mean shift of other donors", "delta_pearson"] == pytest.approx(np.mean(by_hand), abs=0.01)
    assert table.loc["prediction", "n_pred"] == 60
    assert table.loc["prediction", "delta_pearson_gain"] > 0  # the others' own response is not in it
    assert table["delta_pearson_gain_low"].notna().sum() == 3
    # two donors are not predicted: they serve the floor of the third
    mine = donors == "p"
    some = perturbation_report(
        pred[mine], true, control, pred_groups=["a"] * 20, true_groups=["a"] * 60, control_groups=["a"] * 60,
        donors=given | {"pred": donors[mine]},
    ).set_index("predictor")  # fmt: skip
    assert some.loc["mean shift of other donors", "delta_pearson"] == pytest.approx(by_hand[0], abs=0.01)
    assert some.loc["prediction", ["n_pred", "n_true", "n_control"]].tolist() == [20, 20, 20]
    alone = perturbation_report(
        pred[mine], true, control[mine], pred_groups=["a"] * 20, true_groups=["a"] * 60, control_groups=["a"] * 20,
        donors=given | {"pred": donors[mine], "control": donors[mine]},
    )  # fmt: skip
    assert "mean shift of other donors" not in set(alone["predictor"])


@pytest.mark.parametrize("n_donors", [0, 5])
@pytest.mark.slow
def test_intervals_of_gains_hold_the_mean_gain_of_many_data_sets(n_donors):
    """One prediction knows more than the other; what is held is the mean gain at this number of cells."""
    n, genes = 30, 40
    shift = np.linspace(-1, 1, genes)
    noise = np.random.default_rng(1).normal(0, 1, (2, genes))
    found = {"delta_pearson_gain": [], "energy_distance_gain": []}
    for seed in range(50):
        rng = np.random.default_rng([n_donors, seed])
        control, true = rng.normal(0, 1, (2, n, genes))
        better, worse = (control + shift + k * noise[k - 1] + rng.normal(0, 0.5, (n, genes)) for k in (1, 2))
        donors = np.resize([f"d{i}" for i in range(max(1, n_donors))], n)
        given = dict.fromkeys(("pred", "true", "control"), donors) if n_donors else None
        other = (worse, ["a"] * n, donors) if n_donors else (worse, ["a"] * n)
        table = perturbation_report(
            better, true + shift, control, pred_groups=["a"] * n, true_groups=["a"] * n, control_groups=["a"] * n,
            others={"worse": other}, donors=given, n_boot=60, n_top=genes,
        ).set_index("predictor")  # fmt: skip
        for name, values in found.items():
            values.append(table.loc["worse", [name, f"{name}_low", f"{name}_high"]].tolist())
    for values in found.values():
        gain, low, high = np.array(values, dtype=float).T
        assert ((low <= gain.mean()) & (gain.mean() <= high)).mean() >= 0.84  # of 50; 0.95 of many
        assert (high - low).mean() < 8 * gain.std()


def test_floors_lie_under_a_good_prediction_and_the_ceiling_over_a_poor_one():
    wrong = np.roll(SHIFT, 7)
    good, poor = report(cells(0.9 * SHIFT, 3)), report(cells(wrong, 4))
    for table, better in ((good, True), (poor, False)):
        by = table.pivot(index="group", columns="predictor", values="delta_pearson")
        assert (by["real cells, split half"] > 0.95).all()
        assert by["control"].isna().all()
        assert ((by["prediction"] > 0.9) == better).all()
        distance = table.pivot(index="group", columns="predictor", values="energy_distance")
        assert (distance["real cells, split half"] < distance["control"]).all()


def test_the_control_itself_has_no_shift_and_others_come_along():
    table = report(cells(0, 2), others={"scrambled name": (cells(0, 2), GROUPS)})
    for name in ("prediction", "control", "scrambled name"):
        rows = table[table["predictor"] == name]
        assert np.allclose(rows["program_shift"], 0)
        assert np.allclose(rows["shift_size"], 0)


def test_without_truth_there_is_what_needs_none():
    table = report(cells(SHIFT, 3), true=None)
    assert set(table["predictor"]) == {"prediction", "control"}
    assert table["delta_pearson"].isna().all()
    assert (table.loc[table["predictor"] == "prediction", "program_shift"] > 0.5).all()


def test_sparse_is_dense_and_small_groups_stay_with_missing_values():
    pred = cells(SHIFT, 3)
    groups = GROUPS.astype(object)
    groups[:1] = "lonely"
    dense = perturbation_report(
        pred, cells(SHIFT, 1), cells(0, 2), pred_groups=groups, true_groups=GROUPS, control_groups=GROUPS
    )
    sparse_ = perturbation_report(
        sparse.csr_matrix(pred), sparse.csr_matrix(cells(SHIFT, 1)), sparse.csr_matrix(cells(0, 2)),
        pred_groups=groups, true_groups=GROUPS, control_groups=GROUPS,
    )  # fmt: skip
    assert dense.equals(sparse_) or np.allclose(
        dense.select_dtypes("number"), sparse_.select_dtypes("number"), equal_nan=True
    )
    lonely = dense[dense["group"] == "lonely"]
    assert lonely["n_pred"].iloc[0] == 1
    assert lonely["delta_pearson"].isna().all()


def test_intervals_hold_the_estimate_and_narrow_with_more_cells():
    table = report(cells(0.8 * SHIFT, 3), n_boot=200)
    rows = table[table["predictor"] == "prediction"]
    for name in ("program_shift", "delta_pearson", "delta_pearson_top"):
        assert (rows[f"{name}_low"] < rows[name]).all()
        assert (rows[name] < rows[f"{name}_high"]).all()
    assert set(table["interval_over"]) == {"cells"}
    every_other = np.arange(0, 120, 8)
    few = perturbation_report(
        cells(0.8 * SHIFT, 3)[every_other], cells(SHIFT, 1)[every_other], cells(0, 2)[every_other],
        pred_groups=GROUPS[every_other], true_groups=GROUPS[every_other], control_groups=GROUPS[every_other],
        program=np.array([0, 1, 2, 3]), n_top=6, n_boot=200,
    )  # fmt: skip
    few = few[few["predictor"] == "prediction"]
    width, wider = (found["program_shift_high"] - found["program_shift_low"] for found in (rows, few))
    assert width.mean() < 0.6 * wider.mean()


def test_intervals_of_correlations_stay_within_1_and_hold_the_correlation_of_many_cells():
    shift = np.linspace(-1, 1, 60)
    groups = {f"{side}_groups": ["a"] * 40 for side in ("pred", "true", "control")}
    held = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        noise = rng.normal(0, 1, 60)  # what the prediction gets wrong
        base, real, pred = (rng.normal(0, 0.3, (40, 60)) for _ in range(3))
        row = perturbation_report(pred + shift + noise, real + shift, base, n_boot=200, **groups).iloc[0]
        assert -1 <= row["delta_pearson_low"] < row["delta_pearson"] < row["delta_pearson_high"] <= 1
        held.append(row["delta_pearson_low"] < np.corrcoef(shift + noise, shift)[0, 1] < row["delta_pearson_high"])
    assert np.mean(held) > 0.85


def test_with_donors_intervals_draw_donors_and_one_donor_gives_none():
    donors = np.tile(np.repeat(["p", "q", "r", "s"], 10), 3)
    lift = 0.5 * (donors == "p")[:, None]  # one donor responds more, which draws of cells average away
    sides = {"true": cells(SHIFT, 1) + lift, "pred": cells(SHIFT, 3)}
    arguments = {"n_boot": 300, "program": np.array([0, 1, 2, 3])}
    of_cells = report(sides["pred"] + lift, sides["true"], **arguments)
    same = dict.fromkeys(("pred", "true", "control"), donors)
    of_donors = report(sides["pred"] + lift, sides["true"], donors=same, **arguments)
    assert set(of_donors["interval_over"]) == {"donors"}
    width = [
        (t["program_shift_high"] - t["program_shift_low"])[t["predictor"] == "prediction"].mean()
        for t in (of_cells, of_donors)
    ]
    assert width[1] > 1.5 * width[0]
    alone = report(sides["pred"], sides["true"], donors=dict.fromkeys(same, ["p"] * 120), **arguments)
    assert alone["program_shift_low"].isna().all()
    with pytest.raises(ValueError, match="donors has none for 'control'"):
        report(sides["pred"], sides["true"], donors={"pred": donors, "true": donors}, **arguments)
    with pytest.raises(ValueError, match=r"pass \(cells, groups, donors\)"):
        report(sides["pred"], sides["true"], donors=same, others={"x": (sides["pred"], GROUPS)}, **arguments)


def test_one_or_two_donors_on_a_side_give_no_interval_of_width_zero(caplog):
    arguments = {"n_boot": 100, "program": np.array([0, 1, 2, 3])}
    sides = cells(SHIFT, 3), cells(SHIFT, 1)
    for other in (["q"], ["q", "r"]):
        donors = {"pred": ["p"] * 120, "control": ["p"] * 120, "true": np.resize(other, 120)}
        found = report(*sides, donors=donors, **arguments)
        ends = found[[f"{name}_{end}" for name in ("program_shift", "delta_pearson") for end in ("low", "high")]]
        assert ends.isna().all(axis=None)
        assert "too few donors" in caplog.text
        caplog.clear()
    own = np.tile(np.repeat(["p", "q", "r", "s"], 10), 3)
    found = report(*sides, donors={"pred": own, "control": own, "true": ["z"] * 120}, **arguments)
    row = found[found["predictor"] == "prediction"].iloc[0]
    assert row["program_shift_low"] < row["program_shift"] < row["program_shift_high"]  # of cells before and after
    assert np.isnan(row["delta_pearson_low"])  # needs donors of the real cells


def test_a_cell_without_a_donor_is_refused():
    own = ["p"] * 119 + [float("nan")]
    with pytest.raises(ValueError, match="pred has cells without a donor"):
        report(cells(SHIFT, 3), donors={"pred": own, "control": ["p"] * 120, "true": ["p"] * 120})


def test_of_many_cells_some_are_drawn_and_the_interval_holds_the_estimate(monkeypatch):
    whole = report(cells(0.8 * SHIFT, 3), n_boot=100)
    monkeypatch.setattr("scc2s.metrics._report_samples.MOST", 20)
    some = report(cells(0.8 * SHIFT, 3), n_boot=100)
    assert some["delta_pearson"].equals(whole["delta_pearson"])
    rows, fewer = (table[table["predictor"] == "prediction"] for table in (whole, some))
    width, wider = (found["program_shift_high"] - found["program_shift_low"] for found in (rows, fewer))
    assert (wider > 1.1 * width).all()
    assert (fewer["delta_pearson_gain_low"] <= fewer["delta_pearson_gain"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("n_donors", [3, 5, 8])
@pytest.mark.parametrize("others", [False, True])
def test_95_percent_intervals_hold_the_truth_of_few_donors(n_donors, others):
    """Donors differ in their response; the real cells are of the same donors, or of others.

    The correlation that is held is the mean one at so many cells: noise of real and control cells lowers it.
    """
    held, found, ends = [], [], []
    donors, program = np.repeat(np.arange(n_donors), 6), np.arange(10)
    n = len(donors)
    rng = np.random.default_rng(n_donors)
    shift = np.concatenate([np.full(10, 0.5), rng.normal(0, 0.5, 50)])
    wrong = np.concatenate([np.zeros(10), rng.normal(0, 0.5, 50)])
    for seed in range(150):
        rng = np.random.default_rng([n_donors, seed])
        base, real, pred = (rng.normal(0, 0.5, (n, 60)) + rng.normal(0, 0.3, (n_donors, 1))[donors] for _ in range(3))
        response = rng.normal(0, 0.3, (n_donors, 60))[donors]
        row = perturbation_report(
            pred + shift + wrong + response, real + shift + response, base, program=program, n_boot=200,
            pred_groups=["a"] * n, true_groups=["a"] * n, control_groups=["a"] * n, random_state=seed,
            donors={"pred": donors, "control": donors, "true": donors + n_donors * others},
        ).iloc[0]  # fmt: skip
        held.append(row["program_shift_low"] <= 0.5 <= row["program_shift_high"])
        found.append(row["delta_pearson"])
        ends.append((row["delta_pearson_low"], row["delta_pearson_high"]))
    assert np.mean(held) >= 0.87  # of 150; 0.94 of many
    low, high = np.array(ends).T
    assert ((low <= np.mean(found)) & (np.mean(found) <= high)).mean() >= 0.87


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="one group for each cell"):
        perturbation_report(cells(), cells(), cells(), pred_groups=["a"], true_groups=GROUPS, control_groups=GROUPS)
    with pytest.raises(ValueError, match="same from all"):
        perturbation_report(
            cells()[:, :5], cells(), cells(), pred_groups=GROUPS, true_groups=GROUPS, control_groups=GROUPS
        )


@pytest.mark.slow
def test_on_real_cells_the_shift_of_the_same_type_is_over_that_of_others_and_under_real_cells(shared_data):
    """Kang, donor 107 stimulated, predicted from donor 101: floors and ceilings stand in their order."""
    import anndata
    import scanpy as sc

    adata = anndata.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    X, kind = adata.X.toarray(), adata.obs["cell_type"].to_numpy()
    stim, new = (adata.obs["condition"] == "stim").to_numpy(), (adata.obs["donor"] == "patient_107").to_numpy()
    control = new & ~stim
    shifts = {k: X[~new & stim & (kind == k)].mean(0) - X[~new & ~stim & (kind == k)].mean(0) for k in set(kind)}
    same = X[control] + np.array([shifts[k] for k in kind[control]])
    table = perturbation_report(
        X[control], X[new & stim], X[control], pred_groups=kind[control], true_groups=kind[new & stim],
        control_groups=kind[control], others={"same type, other donor": (same, kind[control])},
    )  # fmt: skip
    mean = table.groupby("predictor")["delta_pearson"].mean()
    assert mean["same type, other donor"] == pytest.approx(0.785, abs=0.03)  # 0.821 with the same control on both sides
    assert mean["mean shift of other groups"] < mean["same type, other donor"]
    assert mean["real cells, split half"] > 0.62  # of half as many cells on either side
    distance = table.groupby("predictor")["energy_distance"].mean()
    assert distance["real cells, split half"] < distance["same type, other donor"] < distance["control"]


@pytest.mark.parametrize("with_donors", [False, True])
def test_the_order_of_the_cells_does_not_matter(with_donors):
    sides = {"pred": cells(0.8 * SHIFT, 3), "true": cells(SHIFT, 1), "control": cells(0, 2)}
    donors = np.tile(np.repeat(["p", "q", "r", "s"], 10), 3)
    tables = []
    for seed in (None, 0, 1):
        order = {
            name: np.arange(120) if seed is None else np.random.default_rng([seed, i]).permutation(120)
            for i, name in enumerate(sides)
        }
        order["control"] = order["pred"]  # the same cells before and after
        tables.append(
            perturbation_report(
                *(X[order[name]] for name, X in sides.items()),
                n_boot=50,
                program=np.array([0, 1]),
                **{f"{name}_groups": GROUPS[order[name]] for name in sides},
                donors={name: donors[order[name]] for name in sides} if with_donors else None,
            )  # fmt: skip
        )
    for table in tables[1:]:
        assert table.equals(tables[0]) or np.allclose(
            table.select_dtypes("number"), tables[0].select_dtypes("number"), equal_nan=True
        )
