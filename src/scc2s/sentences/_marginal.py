from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDS = 50
"""Draws of all genes after which a sentence stays shorter than asked: of so few genes no longer one can be made."""


def marginal_sentences(texts: Sequence[str], n: int, *, n_genes: int | None = None, seed: int = 0) -> list[str]:
    """Sentences that know how often, and how high, each gene stands, and nothing of which genes stand together.

    For each word a real sentence is drawn, each time anew, and the word gets its place there, or stays out where that
    sentence lacks it. Words are then written in the order of their places, ties at random. So the marginals are those
    of the real sentences, and words are independent of each other. It is a floor for models that write cells: whoever
    does no better has not learned which genes belong together (scc2s definition).

    Parameters
    ----------
    texts
        Real sentences of one group, e.g. of a cell type.
    n
        Sentences to write.
    n_genes
        Words of each; ``None``: each has as many as a real sentence that is drawn. Where the places that were drawn do
        not suffice, words of another draw follow. No word comes twice, so there may be fewer than asked for.
    seed
        Of the draws.

    Returns
    -------
    `n` sentences; empty where all `texts` are.

    Raises
    ------
    ValueError
        If there are no texts, or `n` or `n_genes` is negative.

    Examples
    --------
    >>> found = marginal_sentences(["A B C", "A C B"], 4)
    >>> {text.split()[0] for text in found}, {len(text.split()) for text in found}
    ({'A'}, {3})
    """
    if not len(texts) or n < 0 or (n_genes is not None and n_genes < 0):
        msg = f"{len(texts)} texts, n={n}, n_genes={n_genes}; pass at least one sentence, and numbers from 0"
        raise ValueError(msg)
    found = [list(dict.fromkeys(text.split())) for text in texts]
    names = sorted({word for words in found for word in words})
    column = {word: i for i, word in enumerate(names)}
    lengths = np.array([len(words) for words in found])
    rows = np.repeat(np.arange(len(found)), lengths)
    columns = np.array([column[word] for words in found for word in words], dtype=np.int64)
    # the first word has the highest value
    places = np.concatenate([np.arange(length) for length in lengths]) if len(columns) else np.empty(0)
    X = sparse.csr_matrix((lengths.max() - places, (rows, columns)), shape=(len(found), len(names)))
    rng = np.random.default_rng(seed)
    asked = rng.choice(lengths, n) if n_genes is None else np.full(n, n_genes)
    ranks = independent_ranks(X, asked, rng)
    return [" ".join(names[i] for i in row[row >= 0]) for row in ranks]


def independent_genes(X: sparse.csr_matrix, n: int, rng: np.random.Generator) -> sparse.csr_matrix:
    """`n` cells, each gene of which has the value of a real cell that is drawn for this gene alone.

    Parameters
    ----------
    X
        Cells x genes, with at least one cell.
    n
        Cells to draw.
    rng
        Consumed gene by gene.
    """
    by_gene = sparse.csc_matrix(X)
    by_gene.eliminate_zeros()
    n_cells = by_gene.shape[0]
    data, rows, counts = [], [], np.zeros(by_gene.shape[1], dtype=np.int64)
    for gene in np.flatnonzero(np.diff(by_gene.indptr)):
        values = by_gene.data[by_gene.indptr[gene] : by_gene.indptr[gene + 1]]
        drawn = rng.integers(0, n_cells, n)
        there = np.flatnonzero(drawn < len(values))
        data.append(values[drawn[there]])
        rows.append(there)
        counts[gene] = len(there)
    pointers = np.concatenate([[0], np.cumsum(counts)])
    kept: tuple[np.ndarray, np.ndarray] = (
        (np.concatenate(data), np.concatenate(rows)) if data else (np.empty(0, by_gene.dtype), np.empty(0, np.int64))
    )
    return sparse.csc_matrix((*kept, pointers), shape=(n, by_gene.shape[1])).tocsr()


def independent_ranks(X: sparse.csr_matrix, lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Genes of :func:`independent_genes`, highest first, ties at random, as many as `lengths` says for each cell.

    Genes of further draws follow where the first has too few.

    Returns
    -------
    int32, cells x longest, -1 where none stands.
    """
    lengths = np.minimum(lengths, len(np.unique(X.indices)))
    found: list[list[int]] = [[] for _ in lengths]
    short = np.flatnonzero(lengths > 0)
    for _ in range(_ROUNDS):
        if not len(short) or not X.nnz:
            break
        drawn = independent_genes(X, len(short), rng)
        for i, cell in enumerate(short.tolist()):
            part = slice(drawn.indptr[i], drawn.indptr[i + 1])
            order = np.lexsort((rng.random(part.stop - part.start), -drawn.data[part]))
            genes = dict.fromkeys([*found[cell], *drawn.indices[part][order].tolist()])
            found[cell] = list(genes)[: lengths[cell]]
        short = np.array([cell for cell in short.tolist() if len(found[cell]) < lengths[cell]], dtype=np.int64)
    out = np.full((len(lengths), max(1, int(lengths.max(initial=1)))), -1, dtype=np.int32)
    for cell, genes_of in enumerate(found):
        out[cell, : len(genes_of)] = genes_of
    return out
