from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from scc2s.metrics import label_report


def test_it_agrees_with_sklearn():
    rng = np.random.default_rng(0)
    true, pred = rng.choice(list("abc"), 200, p=[0.6, 0.3, 0.1]), rng.choice(list("abc"), 200)
    found = label_report(true, pred)
    assert found.accuracy == np.mean(true == pred)
    assert found.macro_f1 == pytest.approx(f1_score(true, pred, average="macro"))
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(true, pred))
    assert found.low < found.accuracy < found.high
    assert found.confusion.to_numpy().sum() == 200
    assert found.table["n"].sum() == 200


def test_unknown_and_missing_answers_count_as_wrong():
    found = label_report(["a", "a", "b", "b"], ["a", "unmapped", None, "b"])
    assert (found.accuracy, found.unmapped) == (0.5, 0.5)
    assert label_report(["a"], ["b"], known=["a", "b"]).unmapped == 0


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="as many"):
        label_report(["a"], [])
    with pytest.raises(ValueError, match="leave these cells out"):
        label_report(["a", None], ["a", "a"])
