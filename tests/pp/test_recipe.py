from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from mudata import MuData
from scipy import sparse
from sentence_cases import adata_of

import scc2s


def count_matrix(n_cells=60, n_genes=300, dtype=np.float32):
    counts = np.random.default_rng(0).poisson(0.9, (n_cells, n_genes))
    counts[:5, 50:] = 0  # cells with few genes
    counts[:, -4:] = 0  # genes in few cells
    counts[7, -3] = 3
    return counts.astype(dtype)


@pytest.mark.parametrize("base", [None, 10])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_does_what_the_scanpy_calls_do(base, container, dtype):
    adata = adata_of(container(count_matrix(dtype=dtype)))
    by_hand = adata.copy()
    sc.pp.filter_cells(by_hand, min_genes=100)
    sc.pp.filter_genes(by_hand, min_cells=3)
    counts = by_hand.X.copy()
    sc.pp.normalize_total(by_hand, target_sum=1e4)
    sc.pp.log1p(by_hand, base=base)
    scc2s.pp.recipe(adata, min_genes=100, base=base)
    assert adata.shape == by_hand.shape == (55, 296)
    np.testing.assert_allclose(adata.to_df(), by_hand.to_df(), rtol=1e-6)
    np.testing.assert_array_equal(adata.to_df("counts"), ad.AnnData(counts).to_df())
    sc.pp.pca(adata, n_comps=5)


def test_remembers_what_it_did_and_survives_a_write(tmp_path):
    adata = adata_of(count_matrix())
    scc2s.pp.recipe(adata, min_genes=100)
    adata.write_h5ad(tmp_path / "a.h5ad")
    params = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["recipe"]["params"]
    assert params["n_cells_before"] == 60
    assert params["n_cells"] == 55
    assert params["target_sum"] == 1e4


def test_second_call_is_refused():
    adata = adata_of(count_matrix())
    scc2s.pp.recipe(adata, min_genes=100)
    with pytest.raises(ValueError, match="went through the recipe before; to start anew"):
        scc2s.pp.recipe(adata, min_genes=100)
    adata.X = adata.layers["counts"].copy()
    del adata.uns["c2s"]["recipe"]
    scc2s.pp.recipe(adata, min_genes=100)


@pytest.mark.parametrize("state", ["normalised", "log1p", "scaled", "not finite", "empty"])
def test_anything_but_counts_is_refused_and_left_as_it_was(state):
    adata = adata_of(count_matrix())
    adata.X[:, 0] += 1
    if state in ("normalised", "log1p", "scaled"):
        sc.pp.normalize_total(adata, target_sum=1e4)
    if state in ("log1p", "scaled"):
        sc.pp.log1p(adata)
    if state == "scaled":
        sc.pp.scale(adata)
    if state == "not finite":
        adata.X[3, 3] = np.nan
    if state == "empty":
        adata.X[:] = 0
    before = adata.X.copy()
    with pytest.raises(ValueError, match=f"X holds {state} values, and the recipe is for counts"):
        scc2s.pp.recipe(adata)
    np.testing.assert_array_equal(adata.X, before)
    assert "c2s" not in adata.uns


def test_filters_that_leave_nothing_are_refused_before_anything_changes():
    adata = adata_of(count_matrix())
    with pytest.raises(ValueError, match=r"0 of 60 cells have 299 genes.*pass a lower min_genes="):
        scc2s.pp.recipe(adata, min_genes=299)
    assert adata.shape == (60, 300)
    with pytest.raises(ValueError, match=r"0 of 300 genes are in 59 of these cells"):
        scc2s.pp.recipe(adata, min_genes=100, min_cells=59)
    assert adata.shape == (60, 300)
    assert list(adata.obs) == []


def test_counts_that_were_kept_before_stay():
    adata = adata_of(count_matrix(), layers={"counts": count_matrix() + 1})
    scc2s.pp.recipe(adata, min_genes=100)
    assert adata.layers["counts"].min() == 1


def test_copy_view_and_mudata():
    adata = adata_of(count_matrix())
    out = scc2s.pp.recipe(adata, min_genes=100, copy=True)
    assert out.shape == (55, 296)
    assert adata.shape == (60, 300)
    assert "counts" not in adata.layers
    data = MuData({"rna": adata.copy(), "prot": adata_of(count_matrix(n_genes=9))})
    scc2s.pp.recipe(data, min_genes=100)
    assert data.mod["rna"].n_obs == 55
    assert data.mod["prot"].n_obs == 60
    assert data.obsm["rna"].sum() == 55
    view = adata[10:40]
    scc2s.pp.recipe(view, min_genes=100)
    assert view.n_obs == 30
    assert adata.X.max() == count_matrix().max()


def test_files_on_disk_are_refused(tmp_path):
    adata_of(count_matrix()).write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(ValueError, match=r"call it on adata.to_memory\(\)"):
        scc2s.pp.recipe(ad.read_h5ad(tmp_path / "a.h5ad", backed="r"))


def test_sentences_are_the_same_before_and_after():
    adata = adata_of(count_matrix())
    scc2s.pp.sentences(adata, var_mask=(adata.X > 0).sum(0) >= 3)
    out = scc2s.pp.recipe(adata, min_genes=100, copy=True)
    before = out.obs["c2s_sentence"].tolist()
    scc2s.pp.sentences(out)
    assert out.obs["c2s_sentence"].tolist() == before
