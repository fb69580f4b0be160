from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import scc2s


@pytest.fixture(scope="module")
def adata() -> ad.AnnData:
    out = sc.datasets.pbmc68k_reduced()
    scc2s.pp.rank_fit(out)
    return out


def test_line_is_that_of_the_stored_fit(adata: ad.AnnData) -> None:
    ax = scc2s.pl.rank_fit(adata, show=False)
    line = ax.lines[-1]
    fit = adata.uns["c2s"]["rank_fit"]
    expected = fit["slope"] * np.log10(line.get_xdata()) + fit["intercept"]
    np.testing.assert_allclose(line.get_ydata(), expected.clip(0))


def test_every_pair_is_in_the_density_and_the_means_are_those_of_each_rank(adata: ad.AnnData) -> None:
    ax = scc2s.pl.rank_fit(adata, show=False)
    assert ax.collections[0].get_array().sum() == adata.raw.X.nnz
    first = np.asarray(adata.raw.X.max(axis=1).todense()).mean()
    assert ax.lines[0].get_ydata()[0] == pytest.approx(first)


def test_all_three_r2_are_named_with_their_values(adata: ad.AnnData) -> None:
    text = scc2s.pl.rank_fit(adata, show=False).get_legend().get_title().get_text()
    fit = adata.uns["c2s"]["rank_fit"]
    for name in ("r2", "r2_all_ranks", "r2_rank_means"):
        assert f"R² {fit[name]:.3f}" in text


def test_counts_are_drawn_in_the_units_of_their_fit() -> None:
    rng = np.random.default_rng(0)
    counts = ad.AnnData(rng.poisson(2.0, (30, 40)).astype("float32"))
    counts.var_names = [f"GENE{i}" for i in range(40)]
    scc2s.pp.rank_fit(counts, target_sum=100, key_added="other_fit")
    logged = counts.copy()
    sc.pp.normalize_total(logged, target_sum=100)
    sc.pp.log1p(logged)
    ax = scc2s.pl.rank_fit(counts, key="other_fit", show=False)
    assert ax.lines[0].get_ydata()[0] == pytest.approx(logged.X.max(axis=1).mean(), rel=1e-5)


def test_missing_fit_names_the_call_that_makes_it() -> None:
    with pytest.raises(KeyError, match=r"sc\.pp\.c2s_rank_fit\(adata\)"):
        scc2s.pl.rank_fit(ad.AnnData(np.ones((2, 2), dtype="float32")))
