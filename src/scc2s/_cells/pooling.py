"""Cells of a group as one profile: the sum of their rows, read block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterable


def group_sums(
    blocks: Iterable[tuple[int, np.ndarray | sparse.csr_matrix]], codes: np.ndarray, n_groups: int, n_genes: int
) -> sparse.csr_matrix:
    """Sum of the rows of each group, in float64: sums of counts are exact, whatever the order of the cells.

    Parameters
    ----------
    blocks
        Rows of the matrix, each block with the row it begins at.
    codes
        Group of each row, -1 for none.
    n_groups, n_genes
        Shape of the result.

    Examples
    --------
    >>> group_sums([(0, np.array([[1.0, 0], [2, 3], [4, 4]]))], np.array([0, 0, -1]), 2, 2).toarray().tolist()
    [[3.0, 3.0], [0.0, 0.0]]
    """
    total = sparse.csr_matrix((n_groups, n_genes), dtype=np.float64)
    for start, block in blocks:
        here = codes[start : start + block.shape[0]]
        rows = np.flatnonzero(here >= 0)
        if not len(rows):
            continue
        member = sparse.csr_matrix((np.ones(len(rows)), (here[rows], rows)), shape=(n_groups, block.shape[0]))
        total = total + member @ sparse.csr_matrix(block, dtype=np.float64)
    total.eliminate_zeros()
    total.sort_indices()
    return sparse.csr_matrix(total)
