"""Probabilities of answers and the true ones, checked and numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_SUM = 1e-3
"""How far a row may be from 1: float32, and labels that were rounded."""


def numbered(
    probs: np.ndarray | pd.DataFrame, true: Sequence[Any] | np.ndarray, labels: Sequence[Any] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, column of each true label (-1 where it is none of them), and cells of each true label.

    Raises
    ------
    ValueError
        Rows that do not add up to 1, other numbers of cells or labels, labels that repeat, or missing true labels.
    """
    p = matrix(probs, "probs")
    if (p < 0).any() or (np.abs(p.sum(axis=1) - 1) > _SUM).any():
        msg = (
            "rows of probs are not probabilities that add up to 1; divide them: "
            "probs / probs.sum(axis=1, keepdims=True)"
        )
        raise ValueError(msg)
    return p, *true_columns(p.shape, true, columns_of(probs, labels))


def columns_of(probs: Any, labels: Sequence[Any] | None) -> list[Any] | None:
    """Labels of the columns: those given, else those of a DataFrame."""
    return list(getattr(probs, "columns", [])) or None if labels is None else list(labels)


def true_columns(
    shape: tuple[int, ...], true: Sequence[Any] | np.ndarray, labels: list[Any] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Column of each true label, and cells of each true label."""
    import pandas as pd

    found = pd.Series(list(true), dtype=object)
    if len(found) != shape[0] or not len(found):
        msg = f"{len(found)} true labels for {shape[0]} rows of probs; pass one for each, and at least one"
        raise ValueError(msg)
    if n_missing := int(found.isna().sum()):
        msg = f"{n_missing} true labels are missing; leave these cells out: adata[adata.obs[key].notna()]"
        raise ValueError(msg)
    counts = found.value_counts().to_numpy()
    if labels is None:
        columns = pd.to_numeric(found, errors="coerce").to_numpy(dtype=np.float64)
        if not ((columns == np.rint(columns)) & (columns >= 0) & (columns < shape[1])).all():
            msg = f"true is not a column of probs for each cell (0 to {shape[1] - 1}); pass labels= the label of each"
            raise ValueError(msg)
        return columns.astype(np.intp), counts
    names = [str(label) for label in labels]
    if len(names) != shape[1] or len(set(names)) < len(names):
        msg = f"labels are {len(names)} for {shape[1]} columns of probs, or repeat; pass the label of each column once"
        raise ValueError(msg)
    return np.asarray(pd.Index(names).get_indexer(pd.Index(found.astype(str)))), counts
