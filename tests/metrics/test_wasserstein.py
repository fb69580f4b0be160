from __future__ import annotations

import sys
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from scc2s.metrics import wasserstein

X, Y = [[0.0], [1.0]], [[1.0], [2.0]]


def test_the_vectors_of_the_definition():
    assert wasserstein(X, Y, p=1) == 1
    assert wasserstein(X, Y, p=2) == 1


@pytest.mark.parametrize("p", [1, 2])
def test_exact_is_the_best_of_all_assignments(p):
    rng = np.random.default_rng(p)
    a, b = rng.normal(size=(5, 3)), rng.normal(1, size=(5, 3))
    D = np.linalg.norm(a[:, None] - b[None], axis=2) ** p
    best = min(np.mean([D[i, j] for i, j in enumerate(order)]) for order in permutations(range(5)))
    assert wasserstein(a, b, p=p) == pytest.approx(best ** (1 / p))


def test_unequal_numbers_agree_with_scipy_in_one_dimension():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=17), rng.normal(1, 2, size=29)
    expected = wasserstein_distance(a, b)
    assert wasserstein(a[:, None], b[:, None], p=1) == pytest.approx(expected)
    assert wasserstein(a[:, None], b[:, None], p=1, solver="sliced", n_projections=3) == pytest.approx(expected)


def test_assignment_and_linear_program_agree():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(12, 2)), rng.normal(size=(12, 2))
    assert wasserstein(np.repeat(a, 2, axis=0), b) == pytest.approx(wasserstein(a, b))  # the same two distributions


def test_sinkhorn_comes_near_the_exact_value_from_above():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(40, 3)), rng.normal(1, size=(40, 3))
    exact = wasserstein(a, b)
    coarse, fine = (wasserstein(a, b, solver="sinkhorn", epsilon=e) for e in (0.5, 0.005))
    assert exact - 1e-6 <= fine <= coarse
    assert fine == pytest.approx(exact, rel=0.02)


def test_sliced_is_a_lower_bound_that_follows_the_unit_and_the_seed():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(50, 6)), rng.normal(1, size=(30, 6))
    found = wasserstein(a, b, solver="sliced")
    assert 0 < found < wasserstein(a, b)
    assert wasserstein(3 * a, 3 * b, solver="sliced") == pytest.approx(3 * found)
    assert wasserstein(a, b, solver="sliced") == found


def test_without_pot_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)
    assert wasserstein(X, Y) == 1  # equal numbers need no POT
    with pytest.raises(ImportError, match=r"scc2s\[metrics\]"):
        wasserstein(X, Y, solver="sinkhorn")


def test_bad_input_names_the_mend():
    for arguments, said in (({"p": 3}, "p=1 or p=2"), ({"solver": "best"}, "sinkhorn"),
                            ({"solver": "sinkhorn", "epsilon": 0}, "solver='exact'")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            wasserstein(X, Y, **arguments)
    assert np.isnan(wasserstein(np.empty((0, 1)), Y))
