from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Augment:
    """How the cells of training *prompts* are varied, so that a model does not learn them by heart.

    Completions are never varied: noise there would be learned as truth.

    Parameters
    ----------
    thin
        Range of the share of molecules kept: each count is drawn from a binomial, as if the cell had been sequenced
        less deeply. Only for counts.
    mix
        Share of cells that become half another cell of the same answer: half of the molecules of each are kept, drawn
        at random. Only for counts.
    drop_genes
        Range of the share of genes left out of a cell.
    n_genes
        Range of the sentence length, drawn anew for each cell; ``None`` keeps the length asked for.

    Tied genes are shuffled anew in every copy as well.
    """

    thin: tuple[float, float] = (0.5, 1.0)
    mix: float = 0.0
    drop_genes: tuple[float, float] = (0.0, 0.2)
    n_genes: tuple[int, int] | None = None

    def apply(
        self, X: sparse.csr_matrix, rng: np.random.Generator, *, groups: np.ndarray | None = None
    ) -> sparse.csr_matrix:
        """A varied copy of `X` (cells x genes, CSR); counts are thinned and mixed, other values only lose genes.

        `groups` tells which cells have the same answer; without it none are mixed.
        """
        if X.nnz and np.equal(np.mod(X.data, 1), 0).all():
            if self.mix and groups is not None:
                X = _mixed(X, self.mix, groups, rng)
            X = _thinned(X, rng.uniform(*self.thin, size=X.shape[0]), rng)
        per_cell = np.diff(X.indptr)
        data = X.data.astype(np.float64)
        lost = np.repeat(rng.uniform(*self.drop_genes, size=X.shape[0]), per_cell)
        data[rng.random(len(data)) < lost] = 0
        return sparse.csr_matrix((data.astype(np.float32), X.indices, X.indptr), shape=X.shape)

    def lengths(self, n_cells: int, n_genes: int, rng: np.random.Generator) -> np.ndarray:
        """Sentence length of each cell."""
        if self.n_genes is None:
            return np.full(n_cells, n_genes)
        return rng.integers(self.n_genes[0], self.n_genes[1], size=n_cells, endpoint=True)


def _thinned(X: sparse.csr_matrix, keep: np.ndarray, rng: np.random.Generator) -> sparse.csr_matrix:
    """Each molecule of a cell is kept with the cell's probability."""
    data = rng.binomial(X.data.astype(np.int64), np.repeat(keep, np.diff(X.indptr))).astype(np.float32)
    return sparse.csr_matrix((data, X.indices, X.indptr), shape=X.shape)


def _mixed(X: sparse.csr_matrix, share: float, groups: np.ndarray, rng: np.random.Generator) -> sparse.csr_matrix:
    """A share of the cells, half of each replaced by half of a random cell of its group."""
    partner = np.arange(X.shape[0])
    for rows in (np.flatnonzero(groups == g) for g in np.unique(groups)):
        partner[rows] = rng.choice(rows, len(rows))
    chosen = rng.random(X.shape[0]) < share
    other = _thinned(X[partner], np.where(chosen, 0.5, 0.0), rng)
    return sparse.csr_matrix(_thinned(X, np.where(chosen, 0.5, 1.0), rng) + other)
