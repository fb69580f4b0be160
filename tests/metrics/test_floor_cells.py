"""Floors are real cells with one thing taken away: what genes have to do with each other, or depth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s.metrics import gene_correlation, marginal_cells, thinned_cells
from scc2s.metrics._floor_cells import common_profile
from scc2s.sentences import RankFit, rank


def correlated(n: int = 400, n_genes: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loads = np.random.default_rng(1).normal(size=(3, n_genes))
    return np.exp(0.5 * rng.normal(size=(n, 3)) @ loads + 0.2 * rng.normal(size=(n, n_genes)))


def put_through_a_line(X: np.ndarray, n_genes: int) -> sparse.csr_matrix:
    return RankFit(slope=-1, intercept=2).inverse(
        rank(sparse.csr_matrix(X), names=[f"G{i}" for i in range(X.shape[1])], n_genes=n_genes), X.shape[1]
    )


def test_marginal_cells_keep_each_gene_and_lose_all_correlation() -> None:
    X = correlated()
    made = marginal_cells(X, 400).toarray()
    assert made.mean(axis=0) == pytest.approx(X.mean(axis=0), rel=0.2)
    assert gene_correlation(X[:200], X[200:]) > 0.9
    assert abs(gene_correlation(made, X)) < 0.4


def test_cells_put_through_a_line_stay_such_cells() -> None:
    X = put_through_a_line(correlated(), 6)
    profile = common_profile(X)
    assert profile is not None
    made = marginal_cells(X, 50)
    assert (np.diff(made.indptr) == 6).all()
    assert -np.sort(-made.data.reshape(50, 6)) == pytest.approx(np.tile(profile, (50, 1)))
    thinned = thinned_cells(X, share=0.5, counts=False)
    assert common_profile(thinned) == pytest.approx(profile[: np.diff(thinned.indptr).max()])
    assert np.diff(thinned.indptr).mean() == pytest.approx(3, abs=0.3)
    assert common_profile(sparse.csr_matrix(correlated())) is None
    assert common_profile(sparse.csr_matrix((3, 4))) is None


def test_molecules_are_taken_one_by_one() -> None:
    counts = np.random.default_rng(0).poisson(40, (200, 10))
    thinned = thinned_cells(counts, share=0.25).toarray()
    assert (thinned <= counts).all()
    assert (thinned == np.round(thinned)).all()
    assert thinned.mean() == pytest.approx(10, rel=0.05)
    # binomial: the variance of a share of a Poisson number is its mean
    assert thinned.var() == pytest.approx(10, rel=0.15)
    assert (thinned_cells(counts, share=1.0) != counts).sum() == 0
    assert thinned_cells(counts, share=0.0).nnz == 0


def test_what_was_given_stays_as_it_was() -> None:
    X = sparse.csr_matrix(np.arange(12.0).reshape(3, 4))
    before = X.copy()
    marginal_cells(X, 3)
    thinned_cells(X)
    assert (before != X).nnz == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: marginal_cells(np.empty((0, 3)), 1), "at least one real cell"),
        (lambda: marginal_cells(np.ones((2, 3)), -1), "n= from 0"),
        (lambda: marginal_cells(-np.ones((2, 3)), 1), "pass counts or log-normalised"),
        (lambda: thinned_cells(np.full((2, 3), 0.5)), "counts=False"),
        (lambda: thinned_cells(np.ones((2, 3)), share=1.5), "between 0 and 1"),
        (lambda: thinned_cells(sparse.csr_matrix([[np.nan]])), "not finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
