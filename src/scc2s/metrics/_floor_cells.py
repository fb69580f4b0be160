"""Cells that a prediction is to be better than: real ones with something taken away."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from scc2s.sentences._marginal import independent_genes, independent_ranks

from ._arrays import matrix


def marginal_cells(X: Any, n: int, *, random_state: int = 0) -> sparse.csr_matrix:
    """Cells each gene of which is that of a real cell, drawn for this gene alone: a floor for generated cells.

    The mean and the spread of each gene are those of the real cells, and genes are independent of each other. Whoever
    writes cells and does no better has not learned which genes belong together (scc2s definition;
    :func:`scc2s.sentences.marginal_sentences` is the same for sentences).

    Parameters
    ----------
    X
        Real cells of one group x genes, none negative. Where all cells have the same values in another order, as
        sentences have that were put through one line, the new cells have these values too: genes are put in the order
        of what was drawn.
    n
        Cells to draw.
    random_state
        Seed of the draws.

    Returns
    -------
    `n` cells x genes.

    Raises
    ------
    ValueError
        There are no cells, `n` is negative, or values are negative or not finite.

    Examples
    --------
    >>> marginal_cells([[3.0, 1.0, 0.0], [3.0, 1.0, 0.0]], 2).toarray().tolist()
    [[3.0, 1.0, 0.0], [3.0, 1.0, 0.0]]
    """
    cells = _not_negative(X)
    if not cells.shape[0] or n < 0:
        msg = f"{cells.shape[0]} cells and n={n}; pass at least one real cell, and n= from 0"
        raise ValueError(msg)
    rng = np.random.default_rng(random_state)
    profile = common_profile(cells)
    if profile is None:
        return independent_genes(cells, n, rng)
    lengths = np.diff(cells.indptr)
    return _from_ranks(independent_ranks(cells, rng.choice(lengths, n), rng), profile, cells.shape[1])


def thinned_cells(X: Any, *, share: float = 0.8, counts: bool = True, random_state: int = 0) -> sparse.csr_matrix:
    """Real cells with some of their molecules, or genes, taken away: what real cells of less depth would score.

    Parameters
    ----------
    X
        Real cells x genes, none negative.
    share
        Of the molecules that are kept, each on its own (binomial); without counts, of the genes of a cell.
    counts
        Whether `X` holds counts. If not, genes are taken away; where all cells have the same values in another order,
        as sentences have that were put through one line, the genes after them move up.
    random_state
        Seed of the draws.

    Returns
    -------
    As many cells x genes.

    Raises
    ------
    ValueError
        `share` is not between 0 and 1, values are negative or not finite, or counts are not whole.

    Examples
    --------
    >>> thinned_cells(np.full((1, 4), 1000), share=0.5).toarray().round(-2).tolist()
    [[500.0, 500.0, 500.0, 500.0]]
    """
    cells = _not_negative(X)
    if not 0 <= share <= 1:
        msg = f"share={share} is out of range; pass share= between 0 and 1"
        raise ValueError(msg)
    rng = np.random.default_rng(random_state)
    if counts:
        if (cells.data != np.round(cells.data)).any():
            msg = "X holds values that are not whole; pass counts, or counts=False"
            raise ValueError(msg)
        cells.data = rng.binomial(cells.data.astype(np.int64), share).astype(np.float64)
        cells.eliminate_zeros()
        return cells
    profile = common_profile(cells)
    cells.data[rng.random(len(cells.data)) >= share] = 0
    cells.eliminate_zeros()
    if profile is not None:
        for row in range(cells.shape[0]):
            part = slice(cells.indptr[row], cells.indptr[row + 1])
            order = np.argsort(-cells.data[part], kind="stable")
            cells.data[part.start + order] = profile[: len(order)]
    return cells


def common_profile(cells: sparse.csr_matrix) -> np.ndarray | None:
    """The values that all cells have, highest first, each in its own order; ``None`` where there are no such values.

    Cells may end before the last of them, as sentences that are shorter than others do.
    """
    lengths = np.diff(cells.indptr)
    if cells.shape[0] < 2 or not lengths.max(initial=0):
        return None
    sorted_rows = [
        -np.sort(-cells.data[start:stop]) for start, stop in zip(cells.indptr[:-1], cells.indptr[1:], strict=True)
    ]
    profile = sorted_rows[int(lengths.argmax())]
    same = all(np.allclose(row, profile[: len(row)], rtol=1e-5, atol=1e-7) for row in sorted_rows)
    return profile if same else None


def _from_ranks(ranks: np.ndarray, profile: np.ndarray, n_genes: int) -> sparse.csr_matrix:
    rows, places = np.nonzero(ranks >= 0)
    return sparse.csr_matrix((profile[places], (rows, ranks[rows, places])), shape=(len(ranks), n_genes))


def _not_negative(X: Any) -> sparse.csr_matrix:
    """A copy without stored zeros."""
    cells = (
        sparse.csr_matrix(X, dtype=np.float64, copy=True) if sparse.issparse(X) else sparse.csr_matrix(matrix(X, "X"))
    )
    cells.eliminate_zeros()
    if not np.isfinite(cells.data).all() or (cells.data < 0).any():
        msg = "X has negative values, or values that are not finite; pass counts or log-normalised expression"
        raise ValueError(msg)
    return cells
