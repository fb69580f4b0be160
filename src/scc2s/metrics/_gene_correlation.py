from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ._arrays import matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

N_TOP = 50
"""Genes that are correlated: of more of them, most pairs have no correlation that could be seen."""


def gene_correlation(
    pred: Any,
    true: Any,
    *,
    pred_groups: Sequence[Any] | np.ndarray | None = None,
    true_groups: Sequence[Any] | np.ndarray | None = None,
    n_top: int = N_TOP,
) -> float:
    """Whether genes that vary together in real cells do so in generated ones.

    The Pearson correlation, over pairs of genes, of their correlation over predicted and over real cells, for the genes
    that vary most in real cells (the entries off the diagonal of both matrices). With groups, within these: what makes
    two cell types different is taken out, so that a model gets nothing for writing the right type alone. Genes drawn
    one by one have 0 (scc2s definition).

    Parameters
    ----------
    pred, true
        Cells x genes, log-normalised, dense or sparse.
    pred_groups, true_groups
        Group of each cell; their means are subtracted. ``None``: all are one.
    n_top
        Genes, those of the largest variance in real cells.

    Returns
    -------
    -1 to 1. What real cells reach depends on their number, since correlations over few cells are noise: compare at
    equal numbers. NaN where a side has fewer than three cells, or fewer than three genes vary in both.

    Raises
    ------
    ValueError
        Other numbers of columns, groups that are not one for each cell, values that are not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> true, same = rng.normal(size=(2, 400, 30)) @ rng.normal(size=(30, 30))
    >>> gene_correlation(same, true) > 0.9, abs(gene_correlation(rng.permuted(same, axis=0), true)) < 0.3
    (True, True)
    """
    if pred.shape[1] != true.shape[1]:
        msg = f"pred has {pred.shape[1]} columns and true {true.shape[1]}; give both over the same genes"
        raise ValueError(msg)
    genes = most_varying(true, true_groups, n_top)
    sides = [centred(X[:, genes], groups) for X, groups in ((pred, pred_groups), (true, true_groups))]
    return of_centred(*sides)


def most_varying(X: Any, groups: Sequence[Any] | np.ndarray | None, n_top: int) -> np.ndarray:
    """Columns of the largest variance within groups, in the order of the columns."""
    total = np.zeros(X.shape[1])
    for rows in _members(X.shape[0], groups):
        part = X[rows]
        if sparse.issparse(part):
            squares = np.asarray(part.multiply(part).sum(axis=0)).ravel()
            total += squares - np.asarray(part.sum(axis=0)).ravel() ** 2 / len(rows)
        else:
            total += np.asarray(part, dtype=np.float64).var(axis=0) * len(rows)
    return np.sort(np.argsort(-total, kind="stable")[:n_top])


def centred(X: Any, groups: Sequence[Any] | np.ndarray | None) -> np.ndarray:
    """Dense, less the mean of each group."""
    out = matrix(X, "X").copy()
    for rows in _members(len(out), groups):
        out[rows] -= out[rows].mean(axis=0)
    return out


def of_centred(pred: np.ndarray, true: np.ndarray) -> float:
    """Correlation of the correlations of genes over cells whose groups have mean 0."""
    if min(len(pred), len(true)) < 3:
        return float("nan")
    vary = (pred.std(axis=0) > 1e-9) & (true.std(axis=0) > 1e-9)
    if vary.sum() < 3:
        return float("nan")
    pairs = np.triu_indices(int(vary.sum()), 1)
    a, b = (np.corrcoef(side[:, vary].T)[pairs] for side in (pred, true))
    if min(a.std(), b.std()) < 1e-9:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _members(n: int, groups: Sequence[Any] | np.ndarray | None) -> list[np.ndarray]:
    if groups is None:
        return [np.arange(n)]
    labels = np.asarray(list(groups), dtype=object)
    if len(labels) != n:
        msg = f"{len(labels)} groups for {n} cells; pass one for each cell"
        raise ValueError(msg)
    return [np.flatnonzero(labels == group) for group in sorted(set(labels.tolist()), key=str)]
