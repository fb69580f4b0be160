from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from scc2s.metrics import knn_condition_accuracy


def test_it_is_the_accuracy_of_sklearns_classifier():
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b"], 80)
    real = rng.normal(size=(80, 3)) + (labels == "b")[:, None] * 1.5
    asked = rng.choice(["a", "b"], 30)
    made = rng.normal(size=(30, 3)) + (asked == "b")[:, None] * 1.5
    expected = KNeighborsClassifier(7).fit(real, labels).score(made, asked)
    assert knn_condition_accuracy(real, labels, made, asked, k=7) == pytest.approx(expected)


def test_shuffled_labels_are_chance_and_bad_input_is_refused():
    rng = np.random.default_rng(1)
    real, labels = rng.normal(size=(300, 2)), np.repeat(["a", "b"], 150)
    assert knn_condition_accuracy(real, labels, rng.normal(size=(300, 2)), labels) == pytest.approx(0.5, abs=0.1)
    with pytest.raises(ValueError, match="one for each"):
        knn_condition_accuracy(real, labels[:-1], real, labels)
    with pytest.raises(ValueError, match="k= from 1"):
        knn_condition_accuracy(real, labels, real, labels, k=0)
    assert np.isnan(knn_condition_accuracy(real, labels, real[:0], []))
