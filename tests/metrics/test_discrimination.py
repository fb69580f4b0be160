from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import discrimination


def test_perfect_is_1_random_one_half_and_one_answer_for_all_one_half():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(60, 20))
    assert (discrimination(true, true) == 1).all()
    assert discrimination(rng.normal(size=(60, 20)), true).mean() == pytest.approx(0.5, abs=0.12)
    assert discrimination(np.repeat(true.mean(0, keepdims=True), 60, axis=0), true).mean() == pytest.approx(0.5)


def test_the_farthest_is_0_and_ties_share_their_places():
    true = np.array([[0.0], [1.0], [2.0]])
    assert discrimination([[2.0], [1.0], [0.0]], true).tolist() == [0, 1, 0]
    assert discrimination([[0.0], [0.0]], [[1.0], [1.0]]).tolist() == [0.5, 0.5]


def test_within_groups_only_own_candidates_count():
    true = np.array([[0.0], [10.0], [0.1], [10.1]])
    pred = np.array([[0.1], [10.1], [0.0], [10.0]])  # each is nearest to the other line's truth
    assert discrimination(pred, true).max() < 1
    assert (discrimination(pred, true, groups=["a", "a", "b", "b"]) == 1).all()
    assert np.isnan(discrimination(pred, true, groups=["a", "a", "b", "c"])[2:]).all()


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="same conditions"):
        discrimination(np.zeros((2, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="one for each"):
        discrimination(np.zeros((2, 2)), np.zeros((2, 2)), groups=["a"])


def test_by_cosine_no_change_and_one_answer_for_all_score_one_half():
    true = np.random.default_rng(1).normal(size=(11, 30))
    assert (discrimination(np.zeros_like(true), true, metric="cosine") == 0.5).all()
    same = np.repeat(true[:1] + true[1:2], 11, axis=0)
    assert discrimination(same, true, metric="cosine").mean() == pytest.approx(0.5)
    assert (discrimination(7 * true, true, metric="cosine") == 1).all()
    assert (discrimination(-true, true, metric="cosine") < 0.3).all()


def test_left_out_genes_do_not_tell():
    """Knockdowns that name their condition, and nothing else predicted."""
    true = np.random.default_rng(2).normal(size=(11, 30))
    true[:, :11] -= 20 * np.eye(11)
    knows_names = np.zeros_like(true)
    knows_names[:, :11] = -np.eye(11)
    assert (discrimination(knows_names, true, metric="cosine") == 1).all()
    assert (discrimination(knows_names, true, metric="cosine", leave_out=range(11)) == 0.5).all()
