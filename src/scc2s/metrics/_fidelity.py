from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from scc2s.sentences import RankFit, rank

if TYPE_CHECKING:
    from collections.abc import Sequence


def sentence_fidelity(
    X: Any,
    *,
    n_genes: int = 200,
    names: Sequence[str] | None = None,
    n_neighbors: int = 15,
    n_components: int = 50,
    max_cells: int = 5000,
    random_state: int = 0,
) -> dict[str, float]:
    """What cell sentences keep of a data set, and what they lose.

    Parameters
    ----------
    X
        Log-normalised expression, cells x genes, dense or sparse.
    n_genes
        Length of a sentence.
    names
        Names of the genes, for the order of ties; ``None``: their number.
    n_neighbors, n_components
        Neighbours that are compared, in a PCA of each side.
    max_cells
        Most cells that ties and neighbours are measured on, drawn by `random_state`.
    random_state
        Seed of the draw, of the PCA, and of the second order of ties.

    Returns
    -------
    ``tied``
        Share of expressed values that another gene of the cell has too: their order is the tie rule's.
    ``tie_overlap``
        Share of the first `n_genes` genes that two orders of the ties have in common, mean over cells with more.
    ``kept``
        Share of a cell's expressed genes that its sentence holds, mean over cells.
    ``r2``, ``r2_all_ranks``, ``r2_rank_means``, ``pearson``, ``spearman``, ``below_zero``
        Of the line from rank to expression; see :class:`scc2s.sentences.RankFit`.
    ``r2_sentence``
        1 - residual / total sum of squares over all cells and genes, zeros too, of expression put back from sentences.
    ``neighbors``
        Share of the nearest neighbours (PCA of expression) that are neighbours in a PCA of expression put back from
        sentences; ``neighbors_chance`` is what random neighbours would share.

    Raises
    ------
    ValueError
        If `X` holds counts, negative values, or values that are not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.log1p(rng.poisson(1.0, (60, 40)))
    >>> found = sentence_fidelity(X, n_genes=10, n_components=5)
    >>> found["tied"] > 0.9, 0 < found["tie_overlap"] < 1
    (True, True)
    """
    X = sparse.csr_matrix(X, dtype=np.float32)
    _check(X)
    fit = RankFit.fit(X, seed=random_state)
    rng = np.random.default_rng(random_state)
    some = X[np.sort(rng.permutation(X.shape[0])[:max_cells])]
    words = [str(i) for i in range(X.shape[1])] if names is None else list(names)
    first, second = (rank(some, n_genes, names=words, seed=random_state + seed) for seed in (0, 1))
    n_expressed = (some > 0).getnnz(axis=1)
    long = np.flatnonzero(n_expressed > n_genes)
    shared = [len(np.intersect1d(first[i], second[i])) / n_genes for i in long]
    back = fit.inverse(first, X.shape[1])
    real, made = (_components(part, n_components, random_state) for part in (some, back))
    k = min(n_neighbors, some.shape[0] - 1)
    dense_error = float((some - back).power(2).sum())
    total = float(some.power(2).sum()) - float(np.square(np.asarray(some.mean(axis=0))).sum()) * some.shape[0]
    return {
        "tied": _tied(some),
        "tie_overlap": float(np.mean(shared)) if shared else 1.0,
        "kept": float(np.mean(np.minimum(n_expressed, n_genes) / np.maximum(n_expressed, 1))),
        "r2": fit.r2,
        "r2_all_ranks": fit.r2_all_ranks,
        "r2_rank_means": fit.r2_rank_means,
        "pearson": fit.pearson,
        "spearman": fit.spearman,
        "below_zero": fit.below_zero,
        "r2_sentence": 1 - dense_error / total if total else float("nan"),
        "neighbors": _shared_neighbors(real, made, k),
        "neighbors_chance": k / max(1, some.shape[0] - 1),
    }


def _check(X: sparse.csr_matrix) -> None:
    mend = "pass log-normalised expression, e.g. after sc.pp.normalize_total(adata, target_sum=1e4); sc.pp.log1p(adata)"
    if not np.isfinite(X.data).all():
        msg = f"X has values that are not finite; {mend}"
        raise ValueError(msg)
    if (X.data < 0).any():
        msg = f"X has negative values, as scaled data have; {mend}"
        raise ValueError(msg)
    if X.nnz and (np.mod(X.data, 1) == 0).all() and _varied(X):
        msg = f"X holds whole numbers, as counts are, which have no line from rank to expression; {mend}"
        raise ValueError(msg)


def _varied(X: sparse.csr_matrix) -> bool:
    """Whether a cell has expressed genes of different values."""
    cell, value = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))[X.data > 0], X.data[X.data > 0]
    return bool(((cell[1:] == cell[:-1]) & (value[1:] != value[:-1])).any())


def _tied(X: sparse.csr_matrix) -> float:
    tied = n = 0
    for values in np.split(X.data, X.indptr[1:-1]):
        expressed = values[values > 0]
        _, counts = np.unique(expressed, return_counts=True)
        tied, n = tied + int(counts[counts > 1].sum()), n + len(expressed)
    return tied / n if n else float("nan")


def _components(X: sparse.csr_matrix, n: int, random_state: int) -> np.ndarray:
    from sklearn.decomposition import PCA

    dense = X.toarray()
    n = min(n, *dense.shape)
    return np.asarray(PCA(n, svd_solver="randomized", random_state=random_state).fit_transform(dense))


def _shared_neighbors(a: np.ndarray, b: np.ndarray, k: int) -> float:
    from sklearn.neighbors import NearestNeighbors

    if k < 1:
        return float("nan")
    near = [NearestNeighbors(n_neighbors=k).fit(Z).kneighbors(return_distance=False) for Z in (a, b)]
    return float(np.mean([len(np.intersect1d(u, v)) / k for u, v in zip(*near, strict=True)]))
