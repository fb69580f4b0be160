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
