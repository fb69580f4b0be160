from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s.metrics import sentence_fidelity


def test_distinct_values_have_no_ties_and_full_sentences_keep_all():
    rng = np.random.default_rng(0)
    X = rng.permuted(np.tile(np.linspace(1, 5, 30), (40, 1)), axis=1)
    found = sentence_fidelity(X, n_genes=30, n_components=5)
    assert found["tied"] == 0
    assert found["tie_overlap"] == found["kept"] == 1
    assert found["neighbors"] > 1.4 * found["neighbors_chance"]


def test_all_ties_leave_the_choice_of_genes_to_the_rule():
    X = np.ones((50, 40))
    X[0] = 2.0  # so that the correlations are defined
    found = sentence_fidelity(X, n_genes=10, n_components=3)
    assert found["tied"] == 1
    assert found["tie_overlap"] == pytest.approx(0.25, abs=0.08)  # two random choices of 10 of 40
    assert found["kept"] == 0.25


def test_sparse_is_dense_and_the_seed_decides():
    X = np.log1p(np.random.default_rng(1).poisson(0.7, (60, 50)))
    first = sentence_fidelity(X, n_genes=15, n_components=5)
    again = sentence_fidelity(sparse.csr_matrix(X), n_genes=15, n_components=5)
    assert first == pytest.approx(again, nan_ok=True)


@pytest.mark.slow
def test_real_umi_data_are_nearly_all_ties(shared_data):
    """Kang, control cells: 98.5 % of expressed values tied; two orders share 77 % of the top 200 genes; R2 0.863."""
    import anndata
    import scanpy as sc

    adata = anndata.read_h5ad(shared_data / "kang_ifnb.h5ad")
    adata = adata[adata.obs["condition"] == "ctrl"].copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    found = sentence_fidelity(adata.X / np.log(10), n_genes=200, names=list(adata.var_names))
    assert found["tied"] == pytest.approx(0.985, abs=0.005)
    assert found["tie_overlap"] == pytest.approx(0.77, abs=0.04)
    assert found["r2"] == pytest.approx(0.863, abs=0.003)
    assert found["neighbors"] > 5 * found["neighbors_chance"]


@pytest.mark.parametrize("kind", ["counts", "counts, sparse", "scaled", "not finite"])
def test_what_is_not_log_normalised_is_refused(kind):
    X = np.random.default_rng(0).poisson(1.0, (30, 20)).astype(float)
    X = {"scaled": X - X.mean(axis=0), "not finite": np.where(X > 3, np.nan, np.log1p(X))}.get(kind, X)
    with pytest.raises(ValueError, match=r"sc\.pp\.log1p"):
        sentence_fidelity(sparse.csr_matrix(X) if "sparse" in kind else X, n_genes=5, n_components=3)
