from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, adjusted_rand_score, balanced_accuracy_score, cohen_kappa_score, f1_score

from scc2s.metrics import bootstrap, label_agreement


def drawn(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(list("abc"), n, p=[0.6, 0.3, 0.1])
    return np.where(rng.random(n) < 0.3, rng.choice(list("abc"), n), truth), truth


def test_it_agrees_with_sklearn():
    found, truth = drawn()
    value = label_agreement(found, truth, n_boot=0)["value"]
    assert value["agreement"] == pytest.approx(accuracy_score(truth, found))
    assert value["balanced agreement"] == pytest.approx(balanced_accuracy_score(truth, found))
    assert value["macro F1"] == pytest.approx(f1_score(truth, found, average="macro"))
    assert value["kappa"] == pytest.approx(cohen_kappa_score(truth, found))
    assert value["adjusted Rand"] == pytest.approx(adjusted_rand_score(truth, found))


def test_the_floor_is_the_commonest_label():
    found, truth = drawn()
    floor = label_agreement(found, truth, n_boot=0)["floor"]
    assert floor["agreement"] == pytest.approx((truth == "a").mean())
    assert floor["balanced agreement"] == pytest.approx(1 / 3)
    assert floor["kappa"] == floor["adjusted Rand"] == 0


def test_names_do_not_matter_to_the_rand_index_and_missing_labels_agree_with_none():
    table = label_agreement(["x", "x", "y", "y"], ["b", "b", "a", "a"], n_boot=0)
    assert table.loc["adjusted Rand", "value"] == 1
    assert table.loc["agreement", "value"] == 0
    assert label_agreement(["a", None], ["a", "a"], n_boot=0).loc["agreement", "value"] == 0.5


def test_drawing_cells_gives_the_interval_that_the_bootstrap_of_cells_gives():
    found, truth = drawn()
    table = label_agreement(found, truth, n_boot=2000)
    other = bootstrap((found == truth).astype(float), n_boot=2000)
    row = table.loc["agreement"]
    assert (row["low"], row["high"]) == pytest.approx((other.low, other.high), abs=0.01)
    assert (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()


def test_drawing_donors_gives_the_interval_that_the_bootstrap_of_donors_gives(caplog):
    found, truth = drawn()
    donors = np.repeat(list("uvwxyz"), 50)
    row = label_agreement(found, truth, clusters=donors).loc["agreement"]
    other = bootstrap((found == truth).astype(float), clusters=donors)
    assert (row["low"], row["high"]) == pytest.approx((other.low, other.high))
    assert np.isnan(label_agreement(found, truth, clusters=np.repeat(["u", "v"], 150))["low"]).all()
    assert "too few donors" in caplog.text


@pytest.mark.parametrize("cells", [["a"], ["a", "a"]])
def test_one_cell_and_one_label_have_values_too(cells):
    table = label_agreement(cells, cells)
    assert (table["value"] == 1).all()


@pytest.mark.parametrize(
    ("found", "reference", "kwargs", "message"),
    [
        (["a"], [], {}, "as many"),
        ([], [], {}, "at least one"),
        (["a"], [None], {}, "leave these cells out"),
        (["a"], ["a"], {"clusters": [None]}, "one for each"),
        (["a"], ["a"], {"n_boot": -1}, "from 0"),
    ],
)
def test_bad_input_names_the_mend(found, reference, kwargs, message):
    with pytest.raises(ValueError, match=message):
        label_agreement(found, reference, **kwargs)
