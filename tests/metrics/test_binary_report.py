from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

from scc2s.metrics import binary_report


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_sklearn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random(300) < 0.3
    probability = np.clip(rng.normal(0.4 + 0.2 * truth, 0.2), 0, 1)
    found = binary_report(truth, probability, n_boot=20)["value"]
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, probability > 0.5))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, probability > 0.5))
    assert found["auroc"] == pytest.approx(roc_auc_score(truth, probability))


@pytest.mark.parametrize("constant", [0.0, 0.3, 0.5, 1.0])
def test_a_constant_predictor_gets_half(constant: float) -> None:
    report = binary_report(["yes", "no"] * 50, [constant] * 100, n_boot=50)
    assert report["value"].tolist() == [0.5, 0.5, 0.5]
    unbalanced = binary_report(["yes"] * 80 + ["no"] * 20, [constant] * 100, n_boot=50)
    assert unbalanced["value"][["balanced_accuracy", "auroc"]].tolist() == [0.5, 0.5]
    assert unbalanced.loc["accuracy", "chance"] == 0.8


def test_intervals_over_blocks_are_wider_than_over_questions() -> None:
    rng = np.random.default_rng(0)
    blocks = np.repeat(np.arange(10), 40)
    easy = rng.normal(0, 0.25, 10)[blocks]  # blocks differ in how easy they are
    truth = rng.random(400) < 0.5
    probability = np.clip(np.where(truth, 0.5 + easy, 0.5 - easy) + rng.normal(0, 0.05, 400), 0, 1)
    over_blocks = binary_report(truth, probability, blocks=blocks, n_boot=300).loc["accuracy"]
    alone = binary_report(truth, probability, n_boot=300).loc["accuracy"]
    assert over_blocks["high"] - over_blocks["low"] > 2 * (alone["high"] - alone["low"])
    assert over_blocks["low"] < over_blocks["value"] < over_blocks["high"]
    assert over_blocks["n_blocks"] == 10


def test_one_class_and_few_blocks_give_nan() -> None:
    report = binary_report(["yes", "yes"], [0.9, 0.2], n_boot=10)
    assert report.loc["accuracy", "value"] == 0.5
    assert report["value"][["balanced_accuracy", "auroc"]].isna().all()
    two = binary_report(["yes", "no"] * 4, [0.9, 0.2] * 4, blocks=[0, 1] * 4, n_boot=10)
    assert two["low"].isna().all()


@pytest.mark.parametrize(
    ("truth", "probability", "message"),
    [(["yes"], [0.1, 0.2], "one of each"), (["maybe"], [0.1], "neither yes nor no"), (["yes"], [np.nan], "isnan"),
     (["yes"], [1.2], "between 0 and 1"), ([], [], "at least one")],
)  # fmt: skip
def test_bad_input_names_the_mend(truth: list[str], probability: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        binary_report(truth, probability)
