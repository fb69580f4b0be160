from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s._cells.stored import csr_rows
from scc2s.sentences._blocks import refuse_damaged


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint32])
def test_rows_are_those_of_the_matrix_whatever_its_indices(kind: type) -> None:
    whole = sparse.random(23, 9, density=0.4, format="csr", rng=np.random.default_rng(0), dtype=np.float32)
    arrays = whole.indptr.astype(np.int64), whole.indices.astype(kind), whole.data
    for start, stop in ((0, 23), (5, 6), (7, 19), (4, 4)):
        found = csr_rows(*arrays, start, stop, 9)
        assert found.shape == (stop - start, 9)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found.toarray(), whole[start:stop].toarray())


@pytest.mark.parametrize("index", [2**32, -1, -(2**40)])
def test_an_index_that_is_no_column_stays_one_that_is_none(index: int) -> None:
    """2**32 would be column 0 if it were cut to 32 bits."""
    found = csr_rows(np.array([0, 1]), np.array([index]), np.ones(1, dtype=np.float32), 0, 1, 9)
    with pytest.raises(ValueError, match="damaged"):
        refuse_damaged(found)
