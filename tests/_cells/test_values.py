from __future__ import annotations

import math

import anndata as ad
import numpy as np
import pytest
from scipy import sparse

from scc2s._cells.rows import row_blocks
from scc2s._cells.values import Facts, as_whole, describe, evenly


def count_matrix(n_cells=300, n_genes=120):
    counts = np.random.default_rng(0).negative_binomial(0.3, 0.2, (n_cells, n_genes)).astype(np.float64)
    counts[:, 0] += 1
    return counts


COUNTS = count_matrix()
CP10K = COUNTS / COUNTS.sum(axis=1, keepdims=True) * 1e4


def verdict(X, size=64):
    return describe(row_blocks(X, size))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_counts(container, dtype):
    values = verdict(container(COUNTS.astype(dtype)))
    assert (values.kind, values.base, values.target_sum, values.n_cells) == ("counts", None, None, 300)


def test_normalised_counts_and_their_total():
    values = verdict(CP10K.astype(np.float32))
    assert values.kind == "normalised"
    assert values.target_sum == pytest.approx(1e4, rel=1e-4)
    subset = verdict(CP10K[:, :60].astype(np.float32))
    assert (subset.kind, subset.target_sum) == ("normalised", None)


@pytest.mark.parametrize("base", [math.e, 2, 10])
@pytest.mark.parametrize("target_sum", [1, 1e4, 1e6])
def test_logarithms_their_base_and_total(base, target_sum):
    X = np.log1p(COUNTS / COUNTS.sum(axis=1, keepdims=True) * target_sum) / np.log(base)
    values = verdict(sparse.csr_matrix(X.astype(np.float32)))
    if target_sum == 1:  # log(1 + x) is nearly x: nothing tells them apart, nor the base
        assert values.kind in ("normalised", "log1p")
        return
    assert values.kind == "log1p"
    assert values.base == pytest.approx(base)
    assert values.target_sum == pytest.approx(target_sum, rel=1e-3)


def test_logarithms_of_a_subset_of_genes_and_of_rounded_values():
    X = np.log1p(CP10K)[:, :70].round(3)
    values = verdict(X.astype(np.float32))
    assert (values.kind, values.base, values.target_sum) == ("log1p", math.e, None)


def test_log_counts_that_were_not_normalised():
    assert verdict(np.log1p(COUNTS)).kind == "log1p"


def test_scaled():
    X = (CP10K - CP10K.mean(0)) / CP10K.std(0).clip(1e-9)
    assert verdict(X).kind == "scaled"
    assert verdict(X).n_negative == (X < 0).sum()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_comes_before_all_else(bad):
    X = -COUNTS
    X[5, 5] = bad
    assert verdict(X).kind == "not finite"
    assert verdict(sparse.csr_matrix(X)).n_not_finite == 1


def test_values_that_are_no_counts_go_by_their_size():
    rng = np.random.default_rng(0)
    assert verdict(rng.lognormal(2, 2, (50, 40))).kind == "normalised"
    assert verdict(rng.uniform(0, 9, (50, 40))).kind == "log1p"


def test_zeros_and_empty_cells_are_counted():
    X = sparse.csr_matrix(([0.0, 1, 0], [0, 1, 2], [0, 2, 3, 3]), shape=(3, 3))
    values = verdict(X)
    assert (values.kind, values.n_stored_zeros, values.n_empty) == ("counts", 2, 2)
    assert verdict(X.toarray()).n_empty == 2


@pytest.mark.parametrize("X", [np.zeros((3, 2)), np.empty((0, 2)), sparse.csr_matrix((3, 2))])
def test_nothing_expressed(X):
    assert verdict(X).kind == "empty"


def test_one_cell():
    assert verdict(COUNTS[:1]).kind == "counts"
    assert verdict(np.log1p(CP10K[:1])).kind == "log1p"


def test_blocks_do_not_change_the_kind():
    X = np.log1p(CP10K).astype(np.float32)
    assert {verdict(X, size).kind for size in (1, 7, 300)} == {"log1p"}


@pytest.mark.parametrize(
    ("file", "kind", "base"),
    [
        ("pbmc3k", "counts", None),
        ("mouse_kidney", "log1p", 2.0),
        ("mouse_dc_progenitors", "log1p", 2.0),
        ("human_embryo_yan", "normalised", None),
        ("bulk_hematopoiesis_dmap", "log1p", math.e),  # microarray: the base cannot be told
    ],
)
def test_real_data(shared_data, file, kind, base):
    values = verdict(ad.read_h5ad(shared_data / f"{file}.h5ad").X)
    assert (values.kind, values.base) == (kind, base)


def test_values_too_large_for_any_logarithm_are_not_taken_for_one():
    X = np.full((2, 26), 377.0)
    X[0, 0], X[1, :2] = 38, (2, 1)
    assert verdict(X / X.sum(axis=1, keepdims=True) * 1e4).kind == "normalised"


def test_facts_of_parts_put_together_give_the_verdict_on_the_whole():
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.5, (300, 40)).astype(float)
    counts[:, 0] += 1
    logged = np.log1p(counts / counts.sum(1, keepdims=True) * 1e4)
    for X in (counts, logged, logged / np.log(2)):
        whole = describe([(0, X)])
        rows = evenly(len(X))
        together = Facts()
        for start in range(0, len(X), 70):
            part = Facts()
            stop = min(start + 70, len(X))
            part.add(X[start:stop], rows[(rows >= start) & (rows < stop)] - start)
            together.add_state(part.state())
        assert together.verdict() == whole


def test_a_part_of_a_data_set_is_what_the_whole_is():
    logged = describe([(0, np.log1p(np.array([[1.0, 2.0, 3.0], [4.0, 1.0, 2.5]])))])
    with as_whole(logged):
        assert describe([(0, np.array([[1.0, 2.0]]))]) is logged
    assert describe([(0, np.array([[1.0, 2.0]]))]).kind == "counts"
