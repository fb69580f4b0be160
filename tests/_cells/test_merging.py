from __future__ import annotations

import math

import numpy as np
import pytest
import scanpy as sc
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sentence_cases import adata_of, counts

import scc2s
from scc2s._cells.merging import Merge, merge_columns

relaxed = settings(deadline=None, max_examples=30)


def twice_named(X, n_names):
    adata = adata_of(X)
    adata.var_names = [f"G{i % n_names}" for i in range(X.shape[1])]
    return adata


def sentences(adata, **arguments):
    return (
        scc2s.pp.sentences(adata, copy=True, n_genes=None, on_duplicate="sum", **arguments).obs["c2s_sentence"].tolist()
    )


@pytest.mark.filterwarnings("ignore")
@given(counts(), st.sampled_from([math.e, 2, 10]), st.sampled_from([np.float32, np.float64]))
@relaxed
def test_sums_of_counts_normalised_and_log_values_give_one_sentence(X, base, dtype):
    n_names = max(1, X.shape[1] // 2)
    summed = np.stack([X[:, i::n_names].sum(axis=1) for i in range(n_names)], axis=1)
    want = scc2s.pp.sentences(adata_of(summed.astype(np.float64)), copy=True, n_genes=None).obs["c2s_sentence"].tolist()
    adata = twice_named(X.astype(dtype), n_names)
    assert sentences(adata) == want
    sc.pp.normalize_total(adata, target_sum=1e4)
    if scc2s.pp.check(adata)["values"] == "normalised":
        assert sentences(adata) == want
    sc.pp.log1p(adata, base=base)
    if scc2s.pp.check(adata)["values"] == "log1p":  # a few ones alone tell nothing
        assert sentences(adata) == want


def test_logarithms_are_summed_as_what_they_are_logarithms_of():
    X = np.log1p(np.array([[1.0, 5, 2, 3], [4, 0, 0, 7]])) / math.log(2)
    for block in (X, sparse.csr_matrix(X), sparse.csr_matrix(X.astype(np.float32))):
        found = merge_columns(block, Merge("sum", np.array([0, 1, 0, -1], np.int32), 2, base=2))
        np.testing.assert_allclose(found.toarray(), np.log2([[4, 6], [5, 1]]), rtol=1e-6)
        assert found.dtype == block.dtype
        largest = merge_columns(block, Merge("max", np.array([0, 1, 0, -1], np.int32), 2)).toarray()
        np.testing.assert_array_equal(largest, np.asarray([[X[0, 2], X[0, 1]], [X[1, 0], 0]], block.dtype))


def test_values_of_a_gene_of_one_column_stay_to_the_bit():
    X = np.random.default_rng(0).uniform(0, 9, (50, 40)).astype(np.float32)
    gene = np.r_[np.arange(39), 0].astype(np.int32)
    found = merge_columns(X, Merge("sum", gene, 39, base=math.e)).toarray()
    np.testing.assert_array_equal(found[:, 1:], X[:, 1:39])
    np.testing.assert_allclose(
        found[:, 0], np.log(np.exp(X[:, 0].astype(float)) + np.expm1(X[:, 39].astype(float))), rtol=1e-5
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, bool, np.int16, np.float16])
def test_small_types_do_not_run_over(dtype):
    value = 1 if dtype is bool else 100
    X = np.full((2, 3), value).astype(dtype)
    found = merge_columns(X, Merge("sum", np.zeros(3, np.int32), 1)).toarray()
    assert found.tolist() == [[3 * value]] * 2


@pytest.mark.parametrize("how", ["max", "sum"])
@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_values_without_a_rank_are_not_hidden(how, bad):
    X = np.array([[5.0, bad, 1]])
    adata = twice_named(X, 2)
    adata.var_names = ["A", "A", "B"]
    for gene in ([0, 0, 1], [0, 1, 0], [0, -1, 0]):
        with pytest.raises(ValueError, match="pass counts or log-normalised values"):
            merge_columns(X, Merge(how, np.array(gene, np.int32), 2))
    with pytest.raises(ValueError, match="negative|NaN"):
        scc2s.pp.sentences(adata, on_duplicate=how)


def test_logarithms_of_an_unknown_base_are_not_summed():
    adata = twice_named(np.random.default_rng(0).uniform(1, 9, (50, 40)), 20)
    with pytest.raises(ValueError, match="base cannot be told.*on_duplicate='max'"):
        scc2s.pp.sentences(adata, on_duplicate="sum")
    assert list(adata.obs) == []
    adata.uns["log1p"] = {"base": None}
    scc2s.pp.sentences(adata, on_duplicate="sum")


@pytest.mark.parametrize("file", ["pbmc3k", "mouse_kidney", "mouse_dc_progenitors", "human_embryo_yan"])
def test_real_data_are_summed(shared_data, file):
    import anndata as ad

    adata = ad.read_h5ad(shared_data / f"{file}.h5ad")[:50].copy()
    adata.var_names = [name[:4] for name in adata.var_names]
    scc2s.pp.sentences(adata, on_duplicate="sum")
    assert adata.obs["c2s_n_genes"].min() > 0
