"""Genes that vary together in real cells are looked for in generated ones, within groups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s.metrics import gene_correlation, marginal_cells

LOADS = np.random.default_rng(7).normal(size=(4, 20))


def cells(n: int, seed: int, *, groups: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % groups
    X = rng.normal(size=(n, 4)) @ LOADS + 0.5 * rng.normal(size=(n, 20))
    return 20 + X + 5 * labels[:, None] * (np.arange(20) % 2), labels


def test_it_is_the_correlation_of_both_matrices_off_the_diagonal() -> None:
    (a, _), (b, _) = cells(60, 0), cells(50, 1)
    off = np.triu_indices(20, 1)
    expected = np.corrcoef(np.corrcoef(a.T)[off], np.corrcoef(b.T)[off])[0, 1]
    assert gene_correlation(a, b) == pytest.approx(expected)
    assert gene_correlation(sparse.csr_matrix(a), sparse.csr_matrix(b)) == pytest.approx(expected)


def test_real_cells_have_it_and_genes_drawn_one_by_one_have_not() -> None:
    (a, _), (b, _) = cells(400, 0), cells(400, 1)
    assert gene_correlation(a, b) > 0.95
    assert abs(gene_correlation(marginal_cells(a, 400), b)) < 0.25


def test_what_parts_the_groups_does_not_count() -> None:
    (a, own), (b, labels) = cells(400, 0, groups=2), cells(400, 1, groups=2)
    drawn = np.empty_like(a)
    for group in (0, 1):
        drawn[own == group] = marginal_cells(a[own == group], int((own == group).sum())).toarray()
    assert gene_correlation(drawn, b) > 0.4
    assert abs(gene_correlation(drawn, b, pred_groups=own, true_groups=labels)) < 0.25
    assert gene_correlation(a, b, pred_groups=own, true_groups=labels) > 0.95


def test_genes_are_those_that_vary_most_in_real_cells() -> None:
    (a, _), (b, _) = cells(60, 0), cells(50, 1)
    quiet = np.hstack([b, 0.01 * b[:, ::-1]])
    assert gene_correlation(np.hstack([a, a]), quiet, n_top=20) == pytest.approx(gene_correlation(a, b))


def test_few_cells_or_genes_have_no_value() -> None:
    (a, _), (b, _) = cells(60, 0), cells(50, 1)
    assert np.isnan(gene_correlation(a[:2], b))
    assert np.isnan(gene_correlation(np.ones((9, 20)), b))
    assert np.isnan(gene_correlation(a[:, :2], b[:, :2]))
    with pytest.raises(ValueError, match="over the same genes"):
        gene_correlation(a, b[:, :4])
    with pytest.raises(ValueError, match="one for each cell"):
        gene_correlation(a, b, true_groups=["x"])
