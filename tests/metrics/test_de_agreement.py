from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import DETable, de_agreement


def table(lfc, p):
    p = np.asarray(p, dtype=float)
    return DETable(np.asarray(lfc, dtype=float), p, p)


def test_values_by_hand():
    true = table([2, -1, 1, 4, 0.5, 0.2], [0.01, 0.01, 0.01, 0.01, 0.9, 0.9])
    pred = table([1, 1, 3, 0.1, -0.5, 0.1], [0.001, 0.01, 0.02, 0.7, 0.01, 0.9])
    found = de_agreement(pred, true, min_genes=4)
    assert found.direction_fidelity_yield == 2 / 4  # genes 0 and 2 of the four called, 0, 1, 2, 4
    assert found.direction_reach == 1 / 4  # in its order 0, 1, 2, 3; the second is wrong
    assert found.sig_jaccard == 3 / 5
    assert found.lfc_nmae == pytest.approx((1 + 2 + 2 + 3.9) / 8)
    assert np.isnan(de_agreement(pred, true).lfc_nmae)  # of fewer than ten genes


def test_its_own_gene_is_looked_at_nowhere():
    true, pred = table([-8, 1, 1], [0, 0.01, 0.01]), table([-8, -1, 1], [0, 0.01, 0.01])
    with_own, without = (de_agreement(pred, true, leave_out=out, min_genes=1) for out in ([], [0]))
    assert with_own == (2 / 3, 1 / 3, 1, 2 / 10)
    assert without == (1 / 2, 0, 1, 2 / 2)


def test_reach_is_the_deepest_beginning_even_after_a_first_miss():
    p = np.linspace(0.001, 0.01, 10)
    true = table(np.ones(10), p)
    for n, reach in ((10, 1.0), (9, 0.0)):
        right = np.ones(n)
        right[0] = -1
        assert de_agreement(table(right, p[:n]), table(np.ones(n), p[:n])).direction_reach == reach
    wrong_last = np.ones(10)
    wrong_last[-1] = -1
    assert de_agreement(table(wrong_last, p), true).direction_reach == 1.0
    wrong_last[-2] = -1
    assert de_agreement(table(wrong_last, p), true).direction_reach == 0.8


def test_the_order_is_calls_then_p_then_size_then_name():
    true = table([1, 1, 1], [0.01] * 3)
    q = np.array([0.04, 0.04, 0.06])
    by_p = DETable(np.array([-1.0, 1, 1]), np.array([0.02, 0.01, 0.001]), q)
    assert de_agreement(by_p, true).direction_reach == 1 / 3  # 1, then 0 is wrong; 2 is not called
    by_size = DETable(np.array([-1.0, 3, 1]), np.full(3, 0.01), q)
    assert de_agreement(by_size, true).direction_reach == 1 / 3
    same = DETable(np.array([-1.0, 1, 1]), np.full(3, 0.01), np.full(3, 0.04))
    assert de_agreement(same, true, names=["c", "b", "a"]).direction_reach == 2 / 3
    assert de_agreement(same, true, names=["a", "b", "c"]).direction_reach == 0


def test_calling_nothing_and_calling_everything_do_not_pay():
    n = 100
    true = table(np.where(np.arange(n) % 2, 1.0, -1.0), np.where(np.arange(n) < 20, 0.001, 0.9))
    nothing = de_agreement(table(true.lfc, np.ones(n)), true)
    assert (nothing.direction_fidelity_yield, nothing.sig_jaccard) == (0, 0)
    everything = de_agreement(table(np.ones(n), np.zeros(n)), true)
    assert everything.direction_fidelity_yield == 0.5
    assert everything.sig_jaccard == 0.2


def test_where_truth_has_nothing():
    nothing, some = table([1, 1], [1, 1]), table([1, -1], [0, 0])
    agreed = de_agreement(nothing, nothing)
    assert agreed.sig_jaccard == 1
    assert np.isnan([agreed.direction_fidelity_yield, agreed.direction_reach, agreed.lfc_nmae]).all()
    assert de_agreement(some, nothing).direction_fidelity_yield == 0.5
    assert de_agreement(some, nothing).sig_jaccard == 0


def test_a_gene_without_a_prediction_counts_as_no_change():
    true = table([1, 2], [0, 0])
    found = de_agreement(table([np.nan, 2], [np.nan, 0]), true, min_genes=1)
    assert found == (1 / 2, 1 / 2, 1 / 2, 1 / 3)


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="same genes"):
        de_agreement(table([1], [1]), table([1, 1], [1, 1]))
