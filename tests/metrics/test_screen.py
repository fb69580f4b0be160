"""Effects of a screen: split, intervals over donors, and a null of names that mean nothing."""

from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import HitRule, screen_table

POSITIVE = np.repeat([True, False], 40)
DONORS = np.tile(np.repeat(["a", "b", "c", "d", "e", "f", "g", "h"], 5), 2)


def effects(up, flat, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    return np.array([np.where(POSITIVE, u, f) + rng.normal(0, noise, 80) for u, f in zip(up, flat, strict=True)])


def table(found, names, **arguments):
    return screen_table(
        found, names, positive=POSITIVE, neutral=~POSITIVE, **({"donors": DONORS, "n_boot": 300} | arguments)
    )


def test_the_order_is_that_of_the_planted_effects_and_only_the_amplifier_is_a_hit():
    names = ["nowhere", "everywhere", "amplifier"]
    null = np.stack([effects([0, 0, 0], [0, 0, 0], seed) for seed in range(1, 41)])
    found = table(effects([0, 0.8, 0.9], [0, 0.8, 0.0]), names, null=null)
    assert found["name"][0] == "amplifier"
    assert found["hit"].tolist() == [True, False, False]
    assert found.set_index("name").loc["everywhere", "reasons"].count("neutral") == 1
    row = found.iloc[0]
    assert row["split"] == pytest.approx(row["effect_positive"] - row["effect_neutral"])
    assert row["low"] < row["split"] < row["high"]
    assert row["p"] == pytest.approx(1 / 121)
    assert row["p_max"] == pytest.approx(1 / 41)


def test_names_that_mean_nothing_give_no_hit():
    hits = 0
    for seed in range(10):
        null = np.stack([effects([0] * 5, [0] * 5, 100 * seed + i) for i in range(20)])
        hits += table(effects([0] * 5, [0] * 5, 5000 + seed), list("abcde"), null=null)["hit"].sum()
    assert hits <= 2  # of 50, at a false discovery rate of 5 %


def test_the_order_of_the_names_does_not_matter():
    found = effects([0.2, 0.5, 0.9], [0, 0.1, 0.0])
    first = table(found, ["x", "y", "z"])
    turned = table(found[::-1], ["z", "y", "x"])
    assert first.equals(turned)


def test_intervals_over_donors_are_wider_where_donors_differ():
    rng = np.random.default_rng(3)
    own = dict(zip("abcdefgh", rng.normal(0, 1, 8), strict=True))
    found = effects([0.5], [0.0]) + np.where(POSITIVE, [own[d] for d in DONORS], 0)
    by_donor, by_cell = table(found, ["x"]), table(found, ["x"], donors=None)
    assert (by_donor["high"] - by_donor["low"])[0] > 1.5 * (by_cell["high"] - by_cell["low"])[0]


def test_donors_of_one_context_only_are_drawn_within_it():
    found = table(effects([0.5], [0.0]), ["x"], donors=[f"{d}{p}" for d, p in zip(DONORS, POSITIVE, strict=True)])
    assert found["low"][0] < 0.5 < found["high"][0] + 0.1


def test_one_donor_has_no_interval_and_so_no_hit():
    found = table(effects([0.5], [0.0]), ["x"], donors=["a"] * 80)
    assert np.isnan(found["low"][0])
    assert not found["hit"][0]


def test_two_donors_are_too_few_and_so_says_the_table(caplog):
    found = table(effects([0.5], [0.0]), ["x"], donors=np.tile(np.repeat(["a", "b"], 20), 2))
    assert np.isnan(found[["low", "high", "effect_positive_low", "effect_neutral_high"]].to_numpy()).all()
    assert found["reasons"][0] == "too few donors for an interval"
    assert "too few donors" in caplog.text


def test_without_samples_there_is_no_interval_and_the_reason_says_so():
    assert table(effects([0.5], [0.0]), ["x"], n_boot=0)["reasons"][0] == "no interval"


@pytest.mark.slow
@pytest.mark.parametrize("n_donors", [3, 5, 8])
@pytest.mark.parametrize("same", [True, False])
def test_95_percent_intervals_of_the_split_hold_the_truth_of_few_donors(n_donors, same):
    """Effects differ by donor; both contexts have the same donors, or each its own."""
    rng = np.random.default_rng(n_donors)
    names = np.repeat(np.arange(n_donors), 8)
    donors = np.concatenate([names, names if same else names + n_donors])
    positive = np.repeat([True, False], len(names))
    own = rng.normal(size=(500, 2 * n_donors)), rng.normal(size=(500, 2 * n_donors))
    found = np.where(positive, own[0][:, donors], own[1][:, donors]) + rng.normal(size=(500, len(donors)))
    out = screen_table(
        found, [str(i) for i in range(500)], positive=positive, neutral=~positive, donors=donors, n_boot=500
    )
    assert 0.91 <= ((out["low"] <= 0) & (out["high"] >= 0)).mean() <= 0.995
    assert 0.91 <= ((out["effect_positive_low"] <= 0) & (out["effect_positive_high"] >= 0)).mean() <= 0.99


def test_without_a_neutral_context_the_effect_is_ranked():
    found = screen_table(effects([0.5, 0.1], [0, 0])[:, :40], ["x", "y"], positive=np.ones(40, bool), n_boot=200)
    assert found["name"].tolist() == ["x", "y"]
    assert found["effect_neutral"].isna().all()
    assert np.allclose(found["split"], found["effect_positive"])


def test_the_rule_decides():
    found = effects([0.5], [0.05])
    assert table(found, ["x"])["hit"][0]
    assert not table(found, ["x"], rule=HitRule(max_neutral=0.01))["hit"][0]
    assert table(found, ["x"], validity=np.array([0.5]))["reasons"][0] == "too few valid words"


def test_agreement_counts_donors_or_cells_over_the_neutral_effect():
    found = np.zeros((1, 80))
    found[0, :5], found[0, 5:10], found[0, 40:] = 1, 0.3, 0.2
    assert table(found, ["x"])["agreement"][0] == 2 / 8
    assert table(found, ["x"], donors=None)["agreement"][0] == 10 / 40


def test_other_shapes_and_contexts_without_cells_are_refused():
    with pytest.raises(ValueError, match="names x cells"):
        table(effects([0.5], [0]), ["x", "y"])
    with pytest.raises(ValueError, match="no cells"):
        screen_table(np.ones((1, 2)), ["x"], positive=np.zeros(2, bool))


def test_the_false_discovery_rate_holds_where_names_move_the_score_at_random():
    """Each name, real or scrambled, has an effect of its own that means nothing: its interval is far from 0."""
    rng = np.random.default_rng(0)
    intervals = screens = 0
    for _ in range(60):
        null = rng.normal(0, 0.3, (20, 10, 1)) + rng.normal(0, 0.01, (20, 10, 30))
        found = screen_table(
            rng.normal(0, 0.3, (10, 1)) + rng.normal(0, 0.01, (10, 30)), list("abcdefghij"),
            positive=np.ones(30, bool), null=null, n_boot=50,
        )  # fmt: skip
        intervals += (found["low"] > 0).sum()
        screens += found["hit"].any()
    assert intervals > 200  # of 600
    assert screens <= 8  # of 60, where 3 are expected
