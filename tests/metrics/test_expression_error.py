from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import expression_error

TRUE = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 2.0]])
CONTROL = np.zeros(3)


def error(pred, *, pred_variance=(0, 0), true_variance=(0.3, 0.6), control_variance=0.3, leave_out=None):
    return expression_error(
        pred,
        TRUE,
        CONTROL,
        pred_variance=pred_variance,
        true_variance=true_variance,
        control_variance=control_variance,
        leave_out=leave_out,
    )


def test_values_by_hand():
    found = error(TRUE + [[1, 0, 0], [0, 0, 2]])
    assert found.errors == pytest.approx([(1 - 0.3) / 3, (4 - 0.6) / 3])
    assert found.effects == pytest.approx([(5 - 0.6) / 3, (13 - 0.9) / 3])
    assert found.value == pytest.approx((0.7 + 3.4) / (4.4 + 12.1))


def test_the_target_gene_counts_on_neither_side():
    found = error(TRUE + [[9, 0, 0], [0, 9, 0]], leave_out=[[0], [1]])
    assert found.errors == pytest.approx([-0.3 / 2, -0.6 / 2])
    assert found.effects == pytest.approx([(4 - 0.6) / 2, (4 - 0.9) / 2])


def test_noise_of_the_prediction_is_credited_up_to_that_of_the_truth():
    honest, inflated = (error(1.5 * TRUE, pred_variance=v) for v in ([0.3, 0.6], [30, 60]))
    assert honest.errors == pytest.approx(error(1.5 * TRUE).errors - [0.1, 0.2])
    assert inflated.errors == pytest.approx(honest.errors)


def test_the_same_noisy_profile_for_all_is_credited_with_none():
    same = np.tile(TRUE.mean(0), (2, 1))
    found = error(same, pred_variance=[0.3, 0.6])
    assert found.credit == 0
    assert found.errors == pytest.approx(error(same).errors)
    nearly = error(same + [[0, 0, 0.1], [0, 0, -0.1]], pred_variance=[0.3, 0.6])
    assert nearly.credit == pytest.approx((2 * 0.1**2 / 3) / (0.9 / 3))


def test_without_an_effect_there_is_no_value():
    assert np.isnan(error(TRUE, true_variance=[9, 20]).value)


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="one profile and one variance"):
        error(TRUE[:1])
    with pytest.raises(ValueError, match="one list of columns for each"):
        error(TRUE, leave_out=[[0]])
