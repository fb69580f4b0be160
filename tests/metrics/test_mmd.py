from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import rbf_kernel

import scc2s.metrics._distances as module
from scc2s.metrics import mmd

X, Y = [[0.0], [1.0]], [[1.0], [2.0]]


def test_the_vectors_of_the_definition():
    assert mmd(X, Y, gammas=[1.0]) == pytest.approx(0.490842, abs=1e-6)
    assert mmd(X, Y, gammas=[1.0], unbiased=True) == pytest.approx(-0.141278, abs=1e-6)
    assert mmd(X, Y, gammas=[0.1]) == pytest.approx(0.164840, abs=1e-6)
    assert mmd(X, Y, gammas=[0.1], unbiased=True) == pytest.approx(0.069677, abs=1e-6)
    assert mmd(X, Y) == pytest.approx(0.269559, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 20), st.integers(2, 20))
def test_agrees_with_sklearns_kernel_and_is_never_negative(seed, n, m):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, 3)), rng.normal(0.5, size=(m, 3))
    K = lambda u, v: rbf_kernel(u, v, gamma=0.7)  # noqa: E731
    expected = K(a, a).mean() + K(b, b).mean() - 2 * K(a, b).mean()
    assert mmd(a, b, gammas=[0.7]) == pytest.approx(expected, abs=1e-9)
    assert mmd(a, b) >= 0
    assert mmd(a, b) == pytest.approx(mmd(b, a))
    assert mmd(a, b, root=True) == pytest.approx(np.sqrt(mmd(a, b)))


def test_blocks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(37, 4)), rng.normal(size=(23, 4))
    expected = mmd(a, b), mmd(a, b, unbiased=True)
    monkeypatch.setattr(module, "_BLOCK", 50)
    assert (mmd(a, b), mmd(a, b, unbiased=True)) == pytest.approx(expected)


def test_the_unbiased_estimate_is_zero_on_average_for_one_distribution():
    rng = np.random.default_rng(0)
    found = [mmd(rng.normal(size=(20, 2)), rng.normal(size=(20, 2)), unbiased=True) for _ in range(300)]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(300)


def test_the_median_width_follows_the_unit():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 4)), rng.normal(1, size=(30, 4))
    assert mmd(a, b, gammas="median") == pytest.approx(mmd(100 * a, 100 * b, gammas="median"))


def test_bad_input_names_the_mend():
    for arguments, said in (
        ({"gammas": []}, "positive numbers"),
        ({"gammas": [-1.0]}, "positive numbers"),
        ({"gammas": "mean"}, 'gammas="median"'),
        ({"unbiased": True, "root": True}, "root=False"),
    ):
        with pytest.raises(ValueError, match=said):
            mmd(X, Y, **arguments)
    with pytest.raises(ValueError, match="gammas= numbers"):
        mmd([[1.0]] * 3, [[1.0]] * 3, gammas="median")
    assert np.isnan(mmd(X[:1], Y, unbiased=True))
