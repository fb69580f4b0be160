from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from scipy import sparse, stats

from scc2s.metrics import de_table


def samples(seed=0, n=40, m=90, genes=30):
    """Counts of cells of one depth each, so that CP10k of scanpy are exact too."""
    rng = np.random.default_rng(seed)
    rates = 0.2 + rng.gamma(0.5, 4, genes)
    fold = np.exp2(rng.normal(0, 1, genes) * (rng.random(genes) < 0.4))
    draw = [rng.poisson(rates * f, (k, genes)).astype(float) for f, k in ((fold, n), (1, m))]
    for Y in draw:
        Y[:, -1] = 400 - Y[:, :-1].sum(1)
        assert Y.min() >= 0
    return draw


@pytest.mark.parametrize("continuity", [False, True])
def test_agrees_with_mannwhitneyu_of_scipy(continuity):
    a, b = samples()
    a[:, :2] = b[:, 0] = 0  # a gene that neither has, and one that only the control has
    a[0] *= 3  # depth is taken out
    found = de_table(a, b, min_cpm=-1, continuity=continuity)
    shares = [Y * 1e6 / Y.sum(1, keepdims=True) for Y in (a, b)]
    with np.errstate(invalid="ignore", divide="ignore"):
        theirs = stats.mannwhitneyu(*shares, axis=0, method="asymptotic", use_continuity=continuity).pvalue
    assert found.p_value == pytest.approx(np.nan_to_num(theirs, nan=1.0), rel=1e-9)
    assert found.p_adjusted == pytest.approx(stats.false_discovery_control(found.p_value), rel=1e-12)


def test_agrees_with_scanpy():
    a, b = samples(1)
    adata = ad.AnnData(sparse.csr_matrix(np.concatenate([a, b])))
    adata.obs["group"] = ["a"] * len(a) + ["b"] * len(b)
    adata.X = (adata.X * 25).log1p()  # all cells have one total, so ranks are those of counts
    adata.uns["log1p"] = {"base": None}
    sc.tl.rank_genes_groups(adata, "group", groups=["a"], reference="b", method="wilcoxon", tie_correct=True)
    theirs = sc.get.rank_genes_groups_df(adata, "a").set_index("names").loc[adata.var_names]
    found = de_table(a, b, min_cpm=-1)
    assert found.p_value == pytest.approx(theirs["pvals"].to_numpy(), rel=1e-6)
    assert found.p_adjusted == pytest.approx(theirs["pvals_adj"].to_numpy(), rel=1e-6)


def test_fold_changes_are_of_mean_shares():
    found = de_table([[1, 3], [4, 4]], [[1, 1], [2, 2]])
    assert found.lfc == pytest.approx(np.log2([0.375 / 0.5, 0.625 / 0.5]), abs=1e-6)


def test_genes_that_the_control_hardly_has_are_not_tested_whatever_the_cells_have():
    control = np.array([[0, 1_000_000], [6, 999_994], [0, 1_000_000]])
    found = de_table(np.full((3, 2), 500), control)
    assert np.isnan(found.lfc[0])
    assert np.isfinite(found.lfc[1])
    assert np.isfinite(de_table(np.full((3, 2), 500), control, min_cpm=1).p_adjusted).all()


def test_equal_shares_at_other_depths_stay_tied():
    cells = np.outer([1, 3, 7, 49], [1, 2, 10])
    assert (de_table(cells, 3 * cells).p_value == 1).all()


def test_sparse_dense_and_stored_zeros_give_the_same():
    a, b = samples(2)
    held = sparse.csr_matrix(a + 1)
    held.data -= 1
    first, second = de_table(a, b), de_table(held, sparse.csc_matrix(b))
    for x, y in zip(first, second, strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_lone_cell_and_no_gene_to_test_have_a_table():
    assert (de_table([[1, 2]], [[1, 2]]).p_value == 1).all()
    assert np.isnan(de_table([[1, 2]], [[0, 0]]).lfc).all()


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="same genes"):
        de_table([[1, 2]], [[1, 2, 3]])
    with pytest.raises(ValueError, match="real control cells"):
        de_table([[1, 2]], np.empty((0, 2)))
    with pytest.raises(ValueError, match="negative"):
        de_table([[1, -2]], [[1, 2]])
