from __future__ import annotations

import anndata as ad
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from mudata import MuData
from scipy import sparse
from sentence_cases import adata_of
from slots import layer_names

import scc2s


def count_matrix(n_cells=60, n_genes=300, dtype=np.float32):
    counts = np.random.default_rng(0).poisson(0.9, (n_cells, n_genes))
    counts[:5, 50:] = 0  # cells with few genes
    counts[:, -4:] = 0  # genes in few cells
    counts[7, -3] = 3
    return counts.astype(dtype)


CONTAINERS = {
    "dense": np.asarray,
    "fortran": np.asfortranarray,
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_matrix,
    "csr_array": sparse.csr_array,
    "csc_array": sparse.csc_array,
    "dask": lambda X: da.from_array(X, chunks=(17, -1)),
    "dask of parts": lambda X: da.from_array(X, chunks=(17, 90)),
    "dask of csr": lambda X: da.from_array(X, chunks=(17, -1)).map_blocks(sparse.csr_matrix),
}


def dense(X):
    if hasattr(X, "dask"):
        # block by block: not every dask can join sparse ones
        rows = [[dense(X.blocks[i, j].compute()) for j in range(X.numblocks[1])] for i in range(X.numblocks[0])]
        return np.block(rows)
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


@pytest.mark.parametrize("base", [None, 10])
@pytest.mark.parametrize("container", list(CONTAINERS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.int32, np.uint8, bool])
def test_does_what_the_scanpy_calls_do_however_counts_are_kept(base, container, dtype):
    if ("csr" in container or "csc" in container) and dtype == np.float16:
        pytest.skip("scipy has no sparse matrices of this type")
    X = count_matrix(dtype=dtype)
    by_hand = adata_of(X.astype(np.float64 if dtype == np.float64 else np.float32))
    sc.pp.filter_cells(by_hand, min_genes=100)
    sc.pp.filter_genes(by_hand, min_cells=3)
    counts = by_hand.X.copy()
    sc.pp.normalize_total(by_hand, target_sum=1e4)
    sc.pp.log1p(by_hand, base=base)
    adata = adata_of(CONTAINERS[container](X))
    kind = type(adata.X)
    scc2s.pp.recipe(adata, min_genes=100, base=base)
    assert adata.shape == by_hand.shape == (55, 296)
    assert type(adata.X) is type(adata.layers["counts"]) is kind
    assert adata.layers["counts"].dtype == dtype
    assert adata.X.dtype == by_hand.X.dtype
    np.testing.assert_allclose(dense(adata.X), by_hand.X, rtol=1e-6)
    np.testing.assert_array_equal(dense(adata.layers["counts"]), counts)
    pd.testing.assert_frame_equal(adata.obs, by_hand.obs, check_dtype=False)
    pd.testing.assert_frame_equal(adata.var, by_hand.var, check_dtype=False)
    assert adata.uns["log1p"] == by_hand.uns["log1p"]
    if "dask" not in container:
        sc.pp.pca(adata, n_comps=5)


def test_a_gene_that_comes_twice_in_a_row_counts_once():
    X = sparse.csr_matrix(count_matrix())
    twice = sparse.csr_matrix(
        (np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape, dtype=np.float32
    )
    twice.data = np.tile([0, 1], X.nnz).astype(np.float32) * np.repeat(X.data, 2)  # 0 + all of it
    one, other = adata_of(X), adata_of(twice)
    scc2s.pp.recipe(one, min_genes=100)
    scc2s.pp.recipe(other, min_genes=100)
    np.testing.assert_allclose(dense(one.X), dense(other.X), rtol=1e-6)
    assert one.obs.equals(other.obs)


def test_all_that_lies_beside_the_matrix_is_filtered_along():
    adata = adata_of(sparse.csr_matrix(count_matrix()), layers={"more": count_matrix()})
    adata.raw = adata.copy()
    adata.obsm["X_pca"], adata.varm["PCs"] = np.ones((60, 2)), np.ones((300, 2))
    adata.obsp["near"] = sparse.eye_array(60, format="csr")
    adata.uns["mine"] = {"a": 1}
    scc2s.pp.recipe(adata, min_genes=100)
    assert adata.layers["more"].shape == (55, 296)
    assert (adata.obsm["X_pca"].shape, adata.varm["PCs"].shape) == ((55, 2), (296, 2))
    assert adata.obsp["near"].shape == (55, 55)
    assert adata.raw.shape == (55, 300)
    assert adata.uns["mine"] == {"a": 1}
    assert not adata.is_view


@pytest.mark.parametrize("step", ["normalize_total", "log1p"])
@pytest.mark.parametrize("within", ["AnnData", "MuData"])
def test_what_fails_on_the_way_leaves_everything_as_it_was(monkeypatch, step, within):
    X = sparse.csr_matrix(count_matrix())
    adata = adata_of(X.copy(), layers={"more": count_matrix()})
    data = MuData({"rna": adata}) if within == "MuData" else adata

    def fails(*args, **kwargs):
        msg = "no memory"
        raise MemoryError(msg)

    monkeypatch.setattr(sc.pp, step, fails)
    with pytest.raises(MemoryError):
        scc2s.pp.recipe(data, min_genes=100)
    assert adata.shape == (60, 300)
    assert list(adata.obs) == list(adata.var) == []
    assert layer_names(adata) == ["more"]
    assert adata.uns == {}
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(adata.X, part), getattr(X, part))


@pytest.mark.parametrize(
    "arguments",
    [
        {"min_genes": 2.5}, {"min_genes": -1}, {"min_genes": True}, {"min_genes": None}, {"min_cells": "3"},
        {"min_cells": -1}, {"target_sum": 0}, {"target_sum": np.nan}, {"target_sum": "1e4"}, {"target_sum": None},
        {"base": 0}, {"base": 1}, {"base": -2}, {"base": "e"}, {"mod": "atac"},
    ],
)  # fmt: skip
def test_bad_arguments_are_named_and_nothing_is_changed(arguments):
    data = MuData({"rna": adata_of(count_matrix())})
    with pytest.raises(
        (TypeError, ValueError, KeyError), match=f"{next(iter(arguments))}.*pass {next(iter(arguments))}="
    ):
        scc2s.pp.recipe(data, **{"min_genes": 100, **arguments})
    assert data.mod["rna"].shape == (60, 300)
    assert data.mod["rna"].uns == {}


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_nothing_to_work_on_is_refused(shape):
    with pytest.raises(ValueError, match=r"adata has no (cells|genes) \(shape"):
        scc2s.pp.recipe(adata_of(np.zeros(shape, np.float32)))


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
