from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse, special

from ._cell_kernels import rank_sums, sort_columns
from ._natural_units import per_cell, refuse_unnatural

CPM = 1e6
_EPSILON = 1e-9
_MIN_CPM = 5.0


class DETable(NamedTuple):
    """Differential expression of one group of cells against a control; one value a gene, NaN where not tested."""

    lfc: np.ndarray
    """Logarithm to base 2 of the ratio of the mean expression, group to control."""
    p_value: np.ndarray
    """Of the two-sided test."""
    p_adjusted: np.ndarray
    """By Benjamini and Hochberg, over the genes that were tested."""


class DEControl:
    """Control cells, sorted once for the tests of many groups."""

    def __init__(self, control: Any, *, min_cpm: float = _MIN_CPM, continuity: bool = False) -> None:
        Y = per_cell(refuse_unnatural(control, "control"), CPM)
        if not Y.shape[0]:
            msg = "control has no cells; pass the real control cells"
            raise ValueError(msg)
        self.n_cells, self.n_genes = Y.shape
        self._step = 0.5 if continuity else 0.0
        mean = np.asarray(Y.mean(axis=0)).ravel()
        self.tested: np.ndarray = np.flatnonzero(mean > min_cpm)
        self._mean = mean[self.tested]
        self._sorted = _columns(Y, self.tested)

    def table(self, cells: Any) -> DETable:
        """The group `cells` against these."""
        Y = per_cell(refuse_unnatural(cells, "cells"), CPM)
        if Y.shape[1] != self.n_genes:
            msg = f"cells have {Y.shape[1]} genes and control {self.n_genes}; pass the same genes in the same order"
            raise ValueError(msg)
        full = [np.full(self.n_genes, np.nan) for _ in range(3)]
        if Y.shape[0] and len(self.tested):
            own = _columns(Y, self.tested)
            mean = np.asarray(Y.mean(axis=0)).ravel()[self.tested]
            p = self._p_values(own, Y.shape[0])
            found = np.log2((mean + _EPSILON) / (self._mean + _EPSILON)), p, adjusted(p)
            for out, values in zip(full, found, strict=True):
                out[self.tested] = values
        return DETable(*full)

    def _p_values(self, own: sparse.csc_matrix, n: int) -> np.ndarray:
        ranks, ties = np.empty(len(self.tested)), np.empty(len(self.tested))
        other, m = self._sorted, self.n_cells
        rank_sums(own.data, own.indptr, n, other.data, other.indptr, m, ranks, ties)
        N = n + m
        expected = n * (N + 1) / 2
        variance = n * m / 12 * ((N + 1) - ties / (N * (N - 1))) if N > 1 else np.zeros_like(ties)
        spread = np.sqrt(np.maximum(variance, 0))
        away = np.maximum(np.abs(ranks - expected) - self._step, 0)
        z = np.divide(away, spread, out=np.zeros_like(ranks), where=spread > 1e-12)
        return np.asarray(2 * special.ndtr(-z))


def de_table(cells: Any, control: Any, *, min_cpm: float = _MIN_CPM, continuity: bool = False) -> DETable:
    """Wilcoxon rank-sum test of each gene of a group of cells against control cells, as perturbation scores use it.

    Values are brought to one total a cell first, since the depth of a cell would rank it otherwise. The p-value is that
    of the normal approximation, corrected for ties (Wilcoxon 1945; Mann & Whitney 1947), as in
    ``scanpy.tl.rank_genes_groups(method="wilcoxon", tie_correct=True)``; those of all tested genes are adjusted by
    Benjamini & Hochberg 1995 within the group.

    Parameters
    ----------
    cells, control
        Cells x genes: counts, or shares of a cell's total; dense or sparse.
    min_cpm
        Genes are tested whose mean in `control` is above so many in a million: the same genes, whatever is predicted.
    continuity
        Correct for continuity, as ``scipy.stats.mannwhitneyu`` and pdex do.

    Raises
    ------
    ValueError
        Values that are negative or not finite, no control cells, or other numbers of genes.

    Examples
    --------
    >>> control = np.tile([5, 5], (20, 1))
    >>> table = de_table([[9, 1]] * 20, control)
    >>> table.lfc.round(2).tolist(), bool((table.p_adjusted < 0.05).all())
    ([0.85, -2.32], True)
    """
    return DEControl(control, min_cpm=min_cpm, continuity=continuity).table(cells)


def adjusted(p: np.ndarray) -> np.ndarray:
    """P-values after Benjamini and Hochberg."""
    order = np.argsort(-p, kind="stable")
    raised = p[order] * len(p) / np.arange(len(p), 0, -1)
    out = np.empty_like(p)
    out[order] = np.minimum(np.minimum.accumulate(raised), 1.0)
    return out


def _columns(Y: sparse.csr_matrix, genes: np.ndarray) -> sparse.csc_matrix:
    """Some genes, the values of each in rising order; which cell has which is not kept."""
    out = sparse.csc_matrix(Y[:, genes])
    out.indptr = out.indptr.astype(np.int64)
    sort_columns(out.data, out.indptr)
    return out
