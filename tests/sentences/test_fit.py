from __future__ import annotations

import math

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import linregress, spearmanr

from scc2s.sentences import InvalidValuesError, RankFit, rank
from scc2s.sentences._rank_sums import RankSums


def log_counts(n_cells=60, n_genes=80, seed=0):
    rng = np.random.default_rng(seed)
    counts = rng.negative_binomial(0.4, 0.3, (n_cells, n_genes)).astype(np.float64)
    counts[:, 0] += 1
    return np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)


def pairs(X):
    """Rank and expression of every expressed gene of every cell, one by one."""
    out = [(r + 1, v) for row in X for r, v in enumerate(sorted(row[row > 0], reverse=True))]
    return np.array(out).T


def plain_r2(x, y, line):
    return 1 - ((y - (line.slope * x + line.intercept)) ** 2).sum() / ((y - y.mean()) ** 2).sum()


@pytest.mark.parametrize("fit_range", [(1, 1000), (1, 12), (3, 20), None])
def test_agrees_with_ordinary_least_squares_on_single_pairs(fit_range):
    X = log_counts()
    fit = RankFit.fit(X, fit_range=fit_range)
    r, y = pairs(X)
    x = np.log10(r)
    start, stop = fit_range or (1, np.inf)
    inside = (r >= start) & (r < stop)
    line, everywhere = linregress(x[inside], y[inside]), linregress(x, y)
    means = np.array([y[r == i].mean() for i in range(1, int(r.max()) + 1)])
    log_ranks = np.log10(np.arange(1, len(means) + 1))
    np.testing.assert_allclose([fit.slope, fit.intercept], [line.slope, line.intercept])
    np.testing.assert_allclose(fit.r2, plain_r2(x, y, line))
    np.testing.assert_allclose(fit.r2_all_ranks, plain_r2(x, y, everywhere))
    np.testing.assert_allclose(fit.r2_rank_means, linregress(log_ranks, means).rvalue ** 2)
    np.testing.assert_allclose(fit.pearson, -everywhere.rvalue)
    np.testing.assert_allclose(fit.spearman, -spearmanr(x, y).statistic)
    np.testing.assert_allclose(fit.below_zero, (line.slope * x + line.intercept < 0).mean())
    assert (fit.n_cells, fit.n_pairs, fit.n_pairs_spearman) == (len(X), len(y), len(y))


def test_fit_on_all_ranks_scores_the_squared_correlation():
    fit = RankFit.fit(log_counts(), fit_range=None)
    assert fit.r2 == pytest.approx(fit.r2_all_ranks) == pytest.approx(fit.pearson**2)


@pytest.mark.parametrize("base", [2, 10])
def test_r2_does_not_depend_on_the_base_of_the_logarithm(base):
    X = log_counts()
    natural, other = RankFit.fit(X), RankFit.fit(X / math.log(base))
    assert other.r2 == pytest.approx(natural.r2)
    assert other.slope == pytest.approx(natural.slope / math.log(base))


@given(st.integers(0, 2**31 - 1), st.integers(1, 70))
@settings(deadline=None, max_examples=20)
def test_cells_blocks_formats_and_gene_order_do_not_matter(seed, size):
    X = log_counts()
    rng = np.random.default_rng(seed)
    shuffled = sparse.csr_matrix(X[rng.permutation(len(X))][:, rng.permutation(X.shape[1])])
    whole, parts = RankSums(max_pairs=300), RankSums(max_pairs=300)
    whole.add(X)
    for start in range(0, len(X), size):
        parts.add(shuffled[start : start + size])
    a, b = (RankFit.from_sums(s).to_dict() for s in (whole, parts))
    for name in (
        "slope",
        "intercept",
        "r2",
        "r2_all_ranks",
        "r2_rank_means",
        "pearson",
        "spearman",
        "n_pairs_spearman",
    ):
        np.testing.assert_allclose(a[name], b[name], rtol=1e-9)
    assert 0 < a["n_pairs_spearman"] <= 300


def test_stored_zeros_and_repeated_entries_count_as_what_they_stand_for():
    X = sparse.csr_matrix(([3.0, 0.0, 2.0, 1.0, 1.0], [0, 1, 2, 2, 1], [0, 3, 5]), shape=(2, 3))
    repeated = sparse.csr_matrix(([1.0, 2.0, 2.0, 1.0, 1.0], [0, 0, 2, 2, 1], [0, 3, 5]), shape=(2, 3))
    expected = RankFit.fit(X.toarray())
    assert RankFit.fit(X).slope == expected.slope
    assert RankFit.fit(repeated).slope == expected.slope
    assert repeated.nnz == 5


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
def test_types_do_not_matter(dtype):
    X = (log_counts() * 8).round()
    assert RankFit.fit(X.astype(dtype)).slope == pytest.approx(RankFit.fit(X).slope)
    assert RankFit.fit(sparse.csc_array(X)).slope == pytest.approx(RankFit.fit(X).slope)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_values_without_a_rank_are_refused(bad):
    X = log_counts()
    X[3, 3] = bad
    for matrix in (X, sparse.csr_matrix(X)):
        with pytest.raises(InvalidValuesError, match="negative or non-finite"):
            RankFit.fit(matrix)


def test_too_few_ranks_are_refused():
    with pytest.raises(ValueError, match="fewer than two ranks"):
        RankFit.fit(np.eye(4))
    with pytest.raises(ValueError, match=r"fit_range=\(500, 600\)"):
        RankFit.fit(log_counts(), fit_range=(500, 600))
    with pytest.raises(ValueError, match="fewer than two ranks"):
        RankFit.fit(np.zeros((0, 4)))


def test_dictionary_round_trip(tmp_path):
    for fit in (RankFit.fit(log_counts(), target_sum=1e4), RankFit.fit(log_counts(), fit_range=None, base=10.0)):
        adata = ad.AnnData(np.zeros((1, 1)), uns={"fit": {**fit.to_dict(), "params": {"layer": "x"}}})
        adata.write_h5ad(tmp_path / "fit.h5ad")
        assert RankFit.from_dict(ad.read_h5ad(tmp_path / "fit.h5ad").uns["fit"]) == fit


def test_predict_clips_by_default_and_gives_absent_genes_nothing():
    fit = RankFit(slope=-1, intercept=0.5)
    assert fit.predict(np.array([[0, 1], [5, 100]])).tolist() == [[0, 0.5], [0, 0]]
    np.testing.assert_allclose(fit.predict([0, 100], clip=False), [0, -1.5])


@pytest.mark.parametrize("clip", [True, False])
def test_inverse_puts_the_value_of_each_place_at_its_gene(clip):
    X = log_counts(n_cells=300)
    fit = RankFit(slope=-1, intercept=1.2)
    ranks = rank(X, 50, names=[f"g{i}" for i in range(X.shape[1])])
    ranks[7, 2] = -1
    expected = np.zeros(X.shape)
    for i, row in enumerate(ranks):
        for j, gene in enumerate(row):
            if gene >= 0:
                expected[i, gene] = fit.predict(j + 1, clip=clip)
    out = fit.inverse(ranks, X.shape[1], clip=clip, n_jobs=2)
    assert out.format == "csr"
    assert out.dtype == np.float32
    assert out.has_canonical_format
    assert (out.data != 0).all()
    np.testing.assert_allclose(out.toarray(), expected, rtol=1e-6)


def test_inverse_of_no_cells_and_of_empty_cells():
    fit = RankFit(slope=-1, intercept=2)
    assert fit.inverse(np.empty((0, 3), np.int32), 5).shape == (0, 5)
    assert fit.inverse(np.full((2, 3), -1, np.int32), 5).nnz == 0


def test_inverse_refuses_genes_it_has_no_column_for():
    with pytest.raises(ValueError, match="ranks name gene 5 of 5"):
        RankFit(slope=-1, intercept=2).inverse(np.array([[5]]), 5)


@pytest.mark.parametrize(
    ("file", "condition", "slope", "intercept", "r2", "spearman"),
    [
        ("kang_ifnb", "ctrl", -0.711, 2.705, 0.863, 0.840),
        ("kang_ifnb", "stim", -0.726, 2.733, 0.871, 0.843),
        ("kang_ifnb_labelled", None, -0.876, 3.045, 0.927, 0.937),
    ],
)
def test_published_preprocessing_gives_the_known_numbers(shared_data, file, condition, slope, intercept, r2, spearman):
    adata = ad.read_h5ad(shared_data / f"{file}.h5ad")
    if condition:
        adata = adata[adata.obs["condition"] == condition].copy()
        sc.pp.filter_cells(adata, min_genes=200)
        sc.pp.filter_genes(adata, min_cells=3)
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata, base=10)
    fit = RankFit.fit(adata.X)
    np.testing.assert_allclose(
        [fit.slope, fit.intercept, fit.r2, fit.spearman], [slope, intercept, r2, spearman], atol=0.002
    )


def test_sums_of_parts_put_together_give_the_same_fit_to_the_bit_whatever_the_parts():
    X = log_counts()
    whole = RankSums(max_pairs=300)
    whole.add(X)
    expected = RankFit.from_sums(whole)
    for size, halved in ((7, 0), (31, 0), (64, 1)):
        together = RankSums(max_pairs=300)
        for start in range(0, len(X), size):
            part = RankSums(max_pairs=300, halved=halved)
            part.add(sparse.csr_matrix(X[start : start + size]))
            together.add_state(part.state())
        assert RankFit.from_sums(together) == expected
