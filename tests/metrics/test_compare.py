"""A score stands beside floors and a ceiling at the same number of cells, or says why it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scc2s.metrics import energy_distance, mmd
from scc2s.metrics._compare import SCORES, VALUES, Cells, Control, Plan, compare, compare_groups, median_gamma

PLAN = Plan(floor=True, ceiling=True, n_repeats=3, random_state=0)


def cells(n: int, shift: float = 0.0, seed: int = 0, groups: str = "ab") -> Cells:
    """`n` cells of each group."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(list(groups), n)
    X = rng.normal(size=(len(labels), 4)) + shift + 3.0 * (labels == "b")[:, None]
    return Cells(labels, X, X, np.array(["CD3D LYZ"] * len(labels), dtype=object))


def control(n: int = 20) -> Control:
    found = cells(n, shift=5.0, seed=9)
    return Control(found, {group: np.flatnonzero(found.groups == group) for group in "ab"})


def test_values_are_at_the_number_of_cells_that_both_sides_have() -> None:
    pred, true = cells(30, 1.0, 1), cells(20, 0.0, 2)
    row = compare("energy_distance", SCORES["energy_distance"], "a", pred, true, control(), PLAN)
    assert (row["n_pred"], row["n_true"], row["n"], row["note"]) == (30, 20, 10, "")
    assert row["value"] == pytest.approx(energy_distance(pred.rep[:30], true.rep[:20]))
    assert row["ceiling"] < row["value_at_n"] < row["floor_control"]
    assert row["ceiling"] < row["floor_shuffled"]


def test_the_same_seed_gives_the_same_row() -> None:
    asked: tuple[Any, ...] = ("scfid", SCORES["scfid"], "a", cells(30, 1.0, 1), cells(20, 0.0, 2), control(), PLAN)
    assert str(compare(*asked)) == str(compare(*asked))  # NaN is not equal to itself


@pytest.mark.parametrize(
    ("name", "n_pred", "n_true", "before", "said"),
    [
        ("scfid", 1, 20, True, "needs 2 cells on each side, has 1"),
        ("energy_distance", 0, 20, True, "has 0: pred has none of this group"),
        ("delta_pearson", 5, 20, False, "pass control="),
        ("energy_distance", 5, 1, True, "too few real cells to halve"),
    ],
)
def test_what_cannot_be_computed_is_missing_and_says_why(
    name: str, n_pred: int, n_true: int, before: bool, said: str
) -> None:
    row = compare(name, SCORES[name], "a", cells(n_pred), cells(n_true), control() if before else None, PLAN)
    assert said in row["note"]
    assert np.isnan([row[key] for key in VALUES[1:]]).all()


def test_the_width_of_mmd_comes_from_the_real_cells_alone() -> None:
    pred, true = cells(20, 50.0, 1, "a"), cells(20, 0.0, 2, "a")
    row = compare("mmd", SCORES["mmd"], "a", pred, true, None, PLAN)
    assert row["value"] == pytest.approx(mmd(pred.rep, true.rep, **median_gamma(true.rep)))
    equal = true._replace(rep=np.ones((20, 4)))
    assert "pass gammas=" in compare("mmd", SCORES["mmd"], "a", pred, equal, None, PLAN)["note"]


def test_scores_over_groups_need_two_groups_and_name_those_of_one_side() -> None:
    score = SCORES["knn_condition_accuracy"]
    alone = compare_groups("knn_condition_accuracy", score, cells(9, groups="a"), cells(9), None, PLAN)
    assert "pass groupby=" in alone["note"]
    row = compare_groups("knn_condition_accuracy", score, cells(9, groups="abc"), cells(9), control(), PLAN)
    assert row["note"] == "only on one side: c"
    assert row["value"] > row["floor_shuffled"]
