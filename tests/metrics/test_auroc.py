from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scc2s.metrics import auroc


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_sklearn_also_with_ties(seed):
    rng = np.random.default_rng(seed)
    score, positive = rng.integers(0, 8, 200), rng.random(200) < 0.3
    assert auroc(score, positive) == pytest.approx(roc_auc_score(positive, score))
    assert auroc(-score, positive) == pytest.approx(1 - auroc(score, positive))


def test_one_kind_of_cells_has_no_area():
    assert np.isnan(auroc([1.0, 2.0], [True, True]))
    assert np.isnan(auroc([1.0, 2.0], [False, False]))


@pytest.mark.parametrize(
    ("score", "positive", "message"),
    [([1.0], [True, False], "for each cell"), ([1.0], [1], "boolean"), ([np.nan, 1], [True, False], "leave these")],
)
def test_bad_input_names_the_mend(score, positive, message):
    with pytest.raises(ValueError, match=message):
        auroc(score, positive)
