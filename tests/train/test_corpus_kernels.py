from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s.train._corpus_kernels import find_plain, put_rows


def made(dtype: type = np.float32) -> sparse.csr_matrix:
    rng = np.random.default_rng(0)
    return sparse.csr_matrix(rng.poisson(0.7, (60, 30)).astype(dtype))


def plain_of(X: sparse.csr_matrix) -> np.ndarray:
    found = np.empty(X.shape[0], dtype=bool)
    find_plain(X.indptr, X.indices, X.data, found)
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_counts_are_plain_and_rows_with_any_other_value_are_not(dtype: type) -> None:
    X = made(dtype)
    X[0] = 0
    X.eliminate_zeros()
    assert plain_of(X).all()
    for value in (0, -1, 0.5, 65_536, 65_535.5, np.nan, np.inf, -np.inf):
        for place in (X.indptr[7], X.indptr[8] - 1):
            odd = X.copy()
            odd.data[place] = value
            assert np.flatnonzero(~plain_of(odd)).tolist() == [7]
    X.data[X.indptr[7]] = 65_535
    assert plain_of(X).all()


def test_genes_out_of_order_or_twice_are_not_plain() -> None:
    X = made()
    for changed in (X.indices[X.indptr[9] + 1], X.indices[X.indptr[9] + 1] + 1):
        odd = X.copy()
        odd.indices[odd.indptr[9]] = changed
        assert np.flatnonzero(~plain_of(odd)).tolist() == [9]


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("types", [(np.uint16, np.uint16), (np.int32, np.float32)])
def test_rows_are_put_one_after_the_other(numbered: bool, types: tuple[type, type]) -> None:
    X = made()
    rows = np.array([3, 0, 59, 17])
    numbers = np.random.default_rng(1).permutation(500)[:30].astype(np.int32)
    expected = X[rows]
    genes, values = np.empty(expected.nnz, types[0]), np.empty(expected.nnz, types[1])
    put_rows(X.indptr, X.indices, X.data, rows, numbers if numbered else numbers[:0], genes, values)
    assert genes.tolist() == (numbers[expected.indices] if numbered else expected.indices).tolist()
    assert values.tolist() == expected.data.tolist()
