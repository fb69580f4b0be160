"""How much of a prompt fits: bisection over all prompts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST_GENES = 50
"""Genes of each of several cells below which a prompt loses cells rather than more genes."""


def most_that_fits(low: np.ndarray, high: np.ndarray, fits: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Largest number for each prompt with which it fits.

    Parameters
    ----------
    low
        Numbers that fit.
    high
        Numbers that do not, above those.
    fits
        Whether each prompt fits with these numbers.

    Examples
    --------
    >>> most_that_fits(np.array([0, 0]), np.array([9, 4]), lambda n: n <= np.array([5, 0])).tolist()
    [5, 0]
    """
    while (high - low > 1).any():
        middle = (low + high) // 2
        enough = fits(middle)
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    return low


def genes_and_cells(
    n_genes: np.ndarray,
    n_cells: np.ndarray,
    fits: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    *,
    least: int = LEAST_GENES,
) -> tuple[np.ndarray, np.ndarray]:
    """Genes of each cell, and cells, that several prompts of several cells may keep.

    Genes go first, those at the ends of the longest sentences, down to `least` of each cell; where that is not enough,
    cells go from the end, and the rest get as many genes as then fit; genes under `least` go last, from a single cell.

    Parameters
    ----------
    n_genes, n_cells
        Genes of the longest sentence, and cells, of each prompt that does not fit.
    fits
        Whether the prompts at the places of the first argument fit with these numbers of genes and of cells.
    least
        Genes of a cell that are kept as long as there is another cell to leave out.

    Returns
    -------
    Genes and cells of each prompt; 0 genes where not even one of one cell fits.

    Examples
    --------
    >>> def fits(at, genes, cells):
    ...     return genes * cells <= 60
    >>> genes, cells = genes_and_cells(np.array([20, 20, 100]), np.array([4, 8, 1]), fits, least=10)
    >>> genes.tolist(), cells.tolist()
    ([15, 10, 60], [4, 6, 1])
    """
    every = np.arange(len(n_genes))
    floor = np.minimum(n_genes, least)
    genes, cells = np.zeros_like(n_genes), n_cells.copy()
    low = np.zeros_like(n_genes)
    enough = fits(every, floor, n_cells)
    tight = every[~enough]
    one = fits(tight, floor[tight], np.ones_like(tight)) if len(tight) else np.zeros(0, dtype=bool)
    fewer = tight[one]
    if len(fewer):
        cells[fewer] = most_that_fits(np.ones_like(fewer), n_cells[fewer], lambda n: fits(fewer, floor[fewer], n))
    bare = tight[~one]
    cells[bare] = 1
    low[enough] = floor[enough]
    low[fewer] = floor[fewer]
    high = n_genes + 1
    high[bare] = floor[bare]
    genes = most_that_fits(low, high, lambda n: fits(every, n, cells))
    return genes, cells
