from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb

if TYPE_CHECKING:
    import numpy as np


@nb.njit(cache=True, nogil=True)
def column_of_rows(indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, column: int, out: np.ndarray) -> None:
    """Values of one column of a CSR matrix whose rows are sorted; `out` holds zeros. Each row is searched by halves."""
    for row in range(len(indptr) - 1):
        low, high = indptr[row], indptr[row + 1]
        end = high
        while low < high:
            middle = (low + high) // 2
            if indices[middle] < column:
                low = middle + 1
            else:
                high = middle
        if low < end and indices[low] == column:
            out[row] = data[low]
