from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from scc2s.sentences._blocks import refuse_damaged

if TYPE_CHECKING:
    from collections.abc import Sequence

HIGH = 0.95
"""Quantile of the cells that express a gene at which its expression counts as full; 0.9 to 1 give the same accuracy
within about 0.01."""
LEAST_HIGH = 0.5
"""Where that is less than this, this is full expression: noise is not made a marker."""


def marker_scores(X: Any, present: Sequence[np.ndarray], absent: Sequence[np.ndarray] | None = None) -> np.ndarray:
    """How far each cell expresses the markers of each type, and not those of its relatives.

    Each gene counts from 0 (not expressed) to 1 (as much as the upper twentieth of the cells that express it), so that
    one abundant gene does not outweigh the others. The score is the mean over the markers that are there, less the mean
    over those that should be absent (scc2s definition). Z-scores over cells, which are common too, depend on the types
    that make up a sample: where 60 % of the cells are B cells, those express their markers hardly above the mean.

    Parameters
    ----------
    X
        Cells x genes, log-normalised; dense or sparse.
    present
        Columns of the markers of each type.
    absent
        Columns of the genes that each type lacks; ``None``: none are known.

    Returns
    -------
    Cells x types, -1 to 1.

    Raises
    ------
    ValueError
        A type without markers.

    Examples
    --------
    >>> X = np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 3.0]])
    >>> marker_scores(X, [[0], [1]], [[1], [0]]).round(2).tolist()
    [[1.0, -1.0], [-1.0, 1.0], [-0.49, 0.49]]
    """
    if any(not len(columns) for columns in present):
        msg = "a type has no markers among the columns; leave it out"
        raise ValueError(msg)
    if sparse.issparse(X):
        refuse_damaged(X)
    weights = np.zeros((X.shape[1], len(present)))
    for sign, lists in ((1.0, present), (-1.0, absent or [])):
        for label, columns in enumerate(lists):
            if len(columns):
                weights[np.asarray(columns, dtype=np.intp), label] += sign / len(columns)
    return np.asarray(_shares(X) @ weights)


def _shares(X: Any) -> sparse.csr_matrix:
    """Expression of each gene as a share of full expression, at most 1."""
    columns = sparse.csc_matrix(X, dtype=np.float64, copy=True)
    for start, end in zip(columns.indptr[:-1], columns.indptr[1:], strict=True):
        values = columns.data[start:end]
        if (values > 0).any():
            full = max(float(np.quantile(values[values > 0], HIGH)), LEAST_HIGH)
            columns.data[start:end] = np.minimum(values / full, 1)
    return columns.tocsr()
