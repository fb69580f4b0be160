from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s._cells.pooling import group_sums
from scc2s._cells.rows import row_blocks


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_sums_are_those_of_numpy_in_blocks_of_any_size(form, size: int) -> None:
    rng = np.random.default_rng(0)
    X, codes = rng.poisson(0.7, (50, 6)).astype(np.float32), rng.integers(-1, 4, 50)
    found = group_sums(row_blocks(form(X), size), codes, 5, 6)
    expected = np.array([X[codes == group].sum(axis=0) for group in range(5)])
    assert found.dtype == np.float64
    assert (found.toarray() == expected).all()


def test_counts_beyond_float32_stay_exact() -> None:
    X = np.array([[2.0**24], [1.0]], dtype=np.float32)
    assert group_sums([(0, X)], np.zeros(2, int), 1, 1)[0, 0] == 2**24 + 1
