from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.stats import special_ortho_group

from scc2s.metrics import scfid, scfid_details

SQUARE = np.array([[0.0, 0], [2, 0], [0, 2], [2, 2]])


def test_the_vectors_of_the_definition():
    assert scfid(SQUARE, SQUARE) == 0
    assert scfid(SQUARE, SQUARE + [3, 4]) == 25
    assert scfid(SQUARE, 2 * SQUARE + [1, 0]) == pytest.approx(7.6667, abs=5e-5)


def plain(a, b):
    """The formula as it is written, with scipy's matrix root."""
    S, T = np.cov(a.T), np.cov(b.T)
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(S + T - 2 * np.real(sqrtm(S @ T))))


@pytest.mark.parametrize(("n", "m", "d"), [(60, 80, 6), (200, 50, 20)])
def test_agrees_with_the_formula_written_down(n, m, d):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)), rng.normal(1, 2, size=(m, d))
    assert scfid(a, b) == pytest.approx(plain(a, b), rel=1e-6)
    assert scfid_details(a, b).method == "full rank"


def test_few_cells_give_the_exact_value_for_singular_covariances():
    """With 30 cells in 40 dimensions: the same as in the 60-dimensional span of both, where scipy's root converges."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(12, 40)), rng.normal(0.3, 1.5, size=(15, 40))
    found = scfid_details(a, b)
    assert found.method == "low rank"
    noise = 1e-7
    S, T = np.cov(a.T) + noise * np.eye(40), np.cov(b.T) + noise * np.eye(40)
    written = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(S + T - 2 * np.real(sqrtm(S @ T)))
    assert found.value == pytest.approx(written, rel=1e-2)
    assert found.value == pytest.approx(found.means + found.covariances)


def test_diagonal_covariances_have_a_closed_form():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 3))
    x = np.linalg.qr(x - x.mean(0))[0]  # columns of mean 0, uncorrelated
    a, b = x * [1, 2, 3], x * [2, 2, 1]
    va, vb = a.var(0, ddof=1), b.var(0, ddof=1)
    assert scfid(a, b) == pytest.approx(((np.sqrt(va) - np.sqrt(vb)) ** 2).sum(), rel=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(3, 30), st.integers(2, 12), st.floats(0.1, 50))
def test_rotation_unit_and_side(seed, n, d, unit):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, d)), rng.normal(0.5, 1.3, size=(n + 2, d))
    value = scfid(a, b)
    assert value >= 0
    turn = special_ortho_group.rvs(d, random_state=seed % 2**31)
    assert scfid(a @ turn, b @ turn) == pytest.approx(value, rel=1e-6, abs=1e-9)
    assert scfid(unit * a, unit * b) == pytest.approx(unit**2 * value, rel=1e-6, abs=1e-9)
    assert scfid(b, a) == pytest.approx(value, rel=1e-6, abs=1e-9)
    assert scfid(a, a) == pytest.approx(0, abs=1e-8)


def test_under_two_cells_there_is_no_value_and_it_says_so():
    found = scfid_details(SQUARE[:1], SQUARE)
    assert np.isnan(found.value)
    assert found.method == "too few cells"


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="same representation"):
        scfid(SQUARE, SQUARE[:, :1])
    with pytest.raises(ValueError, match="leave these cells out"):
        scfid(SQUARE * np.nan, SQUARE)


@pytest.mark.slow
def test_5000_cells_of_512_features_take_a_few_decompositions():
    import time

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5000, 512)), rng.normal(size=(5000, 512))

    def seconds(function):
        start = time.process_time()
        function()
        return time.process_time() - start

    assert min(seconds(lambda: scfid(a, b)) for _ in range(2)) < 5 * seconds(
        lambda: np.linalg.svd(a, full_matrices=False)
    )
