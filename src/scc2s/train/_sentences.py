from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from scc2s.sentences import join, rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._augment import Augment


def varied_sentences(
    X: sparse.spmatrix,
    names: Sequence[str],
    *,
    n_genes: int = 200,
    augment: Augment | None = None,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> list[str]:
    """Cell sentences for training prompts: each call with another `seed` varies cells and shuffles ties anew.

    Parameters
    ----------
    X
        Expression, cells x genes.
    names
        Words of the genes.
    n_genes
        Longest sentence.
    augment
        How to vary the cells; ``None`` gives the plain sentences, whatever the seed.
    groups
        Answer of each cell, for ``Augment(mix=)``.
    seed
        Seed of the variation.

    Returns
    -------
    One sentence a cell.
    """
    X = sparse.csr_matrix(X)
    if augment is None:
        return list(join(rank(X, n_genes, names=names), names).tolist())
    rng = np.random.default_rng([seed, X.shape[0]])
    lengths = augment.lengths(X.shape[0], n_genes, rng)
    ranks = rank(augment.apply(X, rng, groups=groups), n_genes, names=names, seed=int(rng.integers(2**31)))
    ranks = np.where(np.arange(ranks.shape[1]) < lengths[:, None], ranks, -1)
    return list(join(ranks, names).tolist())
