from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TARGET = 1e4
_LEAST_SD = 0.2
_CLIP = (-3.0, 6.0)


def gene_vectors(
    studies: Iterable[tuple[Any, Sequence[str]]], genes: Sequence[str], *, n: int = 64, seed: int = 0
) -> pd.DataFrame:
    """Start values of the gene embeddings of a new model: genes of like use in cells have like vectors.

    Loadings of a truncated singular value decomposition of the standardised cells of all studies together, times the
    square roots of the singular values. In each study a gene has mean 0 and standard deviation 1 (or less, where it is
    under 0.2 before), and values are cut at -3 and 6. A gene that a study does not have is 0 there. Cells stay sparse.

    Parameters
    ----------
    studies
        Expression (cells x genes) and the names of its genes, for each study. Whole numbers are taken as counts and
        brought to ``log(1 + x / sum * 10,000)``; other values are taken as they are, as logarithms.
    genes
        Names of the genes that get a vector.
    n
        Length of the vectors; shorter, where there are fewer cells or genes.
    seed
        Of the first vector of the decomposition.

    Returns
    -------
    Genes x `n`, the first column of most variance; the mean of all squares is 1, and the largest value of a column is
    positive. For ``new_model(..., vectors=)``.

    Raises
    ------
    ValueError
        If there are no studies, no gene is in any, or values are negative or not finite.

    Examples
    --------
    >>> import scanpy as sc
    >>> from scc2s import train
    >>> raw = sc.datasets.pbmc68k_reduced().raw
    >>> vectors = train.gene_vectors([(raw.X, raw.var_names)], ["CD3D", "LYZ", "S100A8", "CD79A"], n=2)
    >>> vectors.shape, bool(vectors.loc["LYZ"] @ vectors.loc["S100A8"] > 0 > vectors.loc["LYZ"] @ vectors.loc["CD3D"])
    ((4, 2), True)
    """
    from scipy.sparse.linalg import LinearOperator, svds

    genes = list(genes)
    where = {gene: i for i, gene in enumerate(genes)}
    parts = [_standard(X, list(names), where) for X, names in studies]
    if not parts or not any(part.shape[0] for part, _ in parts):
        msg = "there are no cells to learn vectors from; pass studies= [(adata.X, adata.var_names), ...]"
        raise ValueError(msg)
    n_cells = np.cumsum([0, *(part.shape[0] for part, _ in parts)])
    shape = (int(n_cells[-1]), len(genes))
    most = min(n, min(shape) - 1)
    if most < 1:
        msg = f"{shape[0]} cells and {shape[1]} genes have no vectors; pass more of them"
        raise ValueError(msg)
    if not any(part.nnz for part, _ in parts):
        msg = f"none of the {len(genes)} genes is expressed in the studies; pass names as in studies="
        raise ValueError(msg)

    def times(v: np.ndarray) -> np.ndarray:
        v = v.reshape(len(genes), -1)
        return np.concatenate([part @ v + base @ v for part, base in parts])

    def transposed(u: np.ndarray) -> np.ndarray:
        u = u.reshape(shape[0], -1)
        rows = [u[a:b] for a, b in zip(n_cells[:-1], n_cells[1:], strict=True)]
        out = np.zeros((len(genes), u.shape[1]))
        for (part, base), own in zip(parts, rows, strict=True):
            out += part.T @ own + np.outer(base, own.sum(axis=0))
        return out

    whole = LinearOperator(shape, matvec=times, matmat=times, rmatvec=transposed, rmatmat=transposed, dtype=np.float64)
    _, size, found = svds(whole, k=most, random_state=seed)
    order = np.argsort(-size)
    loadings = (found[order] * np.sqrt(size[order])[:, None]).T
    # the sign of a singular vector is a matter of chance
    largest = loadings[np.abs(loadings).argmax(axis=0), np.arange(most)]
    loadings = loadings * np.where(largest < 0, -1, 1)
    scale = np.sqrt((loadings**2).mean())
    return pd.DataFrame((loadings / scale).astype(np.float32), index=pd.Index(genes, name="gene"))


def _standard(X: Any, names: list[str], where: dict[str, int]) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Standardised cells as what is the same in all of them (that of a gene that is not expressed), and the rest."""
    X = sparse.csr_matrix(X, dtype=np.float64, copy=True)
    if not np.isfinite(X.data).all() or (X.data < 0).any():
        msg = "values are negative or not finite, so they are no expression; pass counts or log1p values"
        raise ValueError(msg)
    X.eliminate_zeros()
    if X.nnz and np.equal(np.mod(X.data, 1), 0).all():
        X = sparse.csr_matrix(sparse.diags(_TARGET / np.maximum(np.asarray(X.sum(axis=1)).ravel(), 1)) @ X)
        X.data = np.log1p(X.data)
    own = np.array([i for i, name in enumerate(names) if name in where], dtype=np.int64)
    X = sparse.csc_matrix(X[:, own])
    n = max(X.shape[0], 1)
    mean = np.asarray(X.sum(axis=0)).ravel() / n
    square = np.asarray(X.multiply(X).sum(axis=0)).ravel() / n
    sd = np.maximum(np.sqrt(np.maximum(square - mean**2, 0)), _LEAST_SD)
    none = np.clip(-mean / sd, *_CLIP)
    at = np.repeat(np.arange(len(own)), np.diff(X.indptr))
    X.data = np.clip((X.data - mean[at]) / sd[at], *_CLIP) - none[at]
    columns = np.array([where[names[i]] for i in own], dtype=np.int64)
    base = np.zeros(len(where))
    base[columns] = none
    coo = X.tocoo()
    part = sparse.csr_matrix((coo.data, (coo.row, columns[coo.col])), shape=(X.shape[0], len(where)))
    return part, base
