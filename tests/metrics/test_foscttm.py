from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import foscttm


def test_the_vector_of_the_definition():
    assert foscttm([[0.1, 0.4, 0.2], [0.3, 0.2, 0.1], [0.5, 0.6, 0.0]]) == pytest.approx(1 / 18)


def test_perfect_is_0_chance_one_half_and_copies_do_not_count():
    assert foscttm(1 - np.eye(5)) == 0
    assert foscttm(np.zeros((4, 4))) == 0
    assert foscttm(np.random.default_rng(0).random((400, 400))) == pytest.approx(0.5, abs=0.02)


def test_it_must_be_square():
    with pytest.raises(ValueError, match="square"):
        foscttm(np.zeros((2, 3)))


@pytest.mark.parametrize("seed", range(5))
def test_profiles_that_are_several_rows_own_score_as_the_square_does(seed: int):
    rng = np.random.default_rng(seed)
    D, own = rng.integers(0, 9, (30, 6)) / 7, rng.integers(0, 5, 30)
    assert foscttm(D, own) == pytest.approx(foscttm(D[:, own]), abs=1e-12)


@pytest.mark.parametrize("own", [[0], [0, 1, 6], [-1, 0, 1], [0.0, 1.0, 2.0]])
def test_matches_that_are_no_columns_are_refused(own):
    with pytest.raises(ValueError, match="own"):
        foscttm(np.zeros((3, 3)), own)
