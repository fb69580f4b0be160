from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import entr

from ._arrays import matrix
from ._knn import vote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COLUMNS = ["knn_accuracy", "knn_recall", "silhouette", "batch_entropy", "ilisi", "implementation"]
_OWN = "scc2s"


def embedding_scores(
    X: Any,
    labels: Sequence[Any],
    batch: Sequence[Any] | None = None,
    *,
    others: Mapping[str, Any] | None = None,
    ranks: Any = None,
    k: int = 15,
    max_cells: int = 10_000,
    random_state: int = 0,
    implementation: Literal["scc2s", "scib-metrics"] = "scc2s",
) -> pd.DataFrame:
    """How well an embedding keeps labels together and batches apart from nothing, beside its floors.

    The zero-shot evaluation of embeddings in one table: label transfer, silhouette, batch mixing. A model's embedding
    says something where it is above the simple rows, and none of these scores says that it is *right*: labels that
    were made from expression favour representations of expression.

    Parameters
    ----------
    X
        Cells x dimensions, e.g. ``adata.obsm["X_c2s"]``.
    labels
        Label of each cell.
    batch
        Batch of each cell; ``None``: batch mixing is not scored.
    others
        Other representations of the same cells by name, each a row, e.g. ``{"PCA-50": adata.obsm["X_pca"]}``.
    ranks
        Cells x k positions of genes, highest first, -1 for none (``adata.obsm["c2s_ranks"]``): adds the row
        ``"bag of ranks"``, the sentences without any model.
    k
        Neighbours of a cell, by Euclidean distance; at most all others.
    max_cells
        Most cells that are scored, drawn by `random_state`; all rows are of the same cells.
    random_state
        Seed of this draw and of the permutation.
    implementation
        ``"scib-metrics"`` takes silhouette and iLISI of that package, which must be installed.

    Returns
    -------
    A row for ``"embedding"``, each of `others`, ``"bag of ranks"``, and the two floors ``"permuted"`` (labels, and for
    mixing batches, of the embedding in random order) and ``"majority"`` (the most frequent label for every cell).

    ``knn_accuracy``, ``knn_recall``
        Share of cells that the vote of their `k` neighbours gives their own label (leave one out; ties go to the label
        of the nearest), and its mean over labels.
    ``silhouette``
        Mean over cells of ``(b - a) / max(a, b)``, with a and b the mean distances to the cells of the own and of the
        nearest other label (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7); -1 to 1. scib-metrics gives
        ``(value + 1) / 2``.
    ``batch_entropy``
        Mean over cells of the entropy of the batches among the neighbours, over that of all cells' batches (after
        Haghverdi et al. 2018, doi:10.1038/nbt.4091): 0 for neighbours of one batch. Batches of other cell types mix
        less than 1 however good the embedding is; the row ``"permuted"`` is what no structure at all would give.
    ``ilisi``
        Median over cells of the inverse Simpson index of these batches, ``1 / sum p^2``, less 1, over the number of
        batches less 1 (after Korsunsky et al. 2019, doi:10.1038/s41592-019-0619-0, scaled as in Luecken et al. 2022,
        doi:10.1038/s41592-021-01336-8). Here all neighbours weigh the same; scib-metrics weighs them by distance.
    ``implementation``
        What silhouette and iLISI came from, with its version.

    Raises
    ------
    ImportError
        scib-metrics is asked for and not installed.
    ValueError
        Other numbers of cells, a missing label, fewer than two cells or values that are not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat(["B cell", "T cell"], 40)
    >>> X = rng.normal(size=(80, 3)) + 5 * (labels == "B cell")[:, None]
    >>> embedding_scores(X, labels)["knn_accuracy"].round(1).loc[["embedding", "majority"]].to_dict()
    {'embedding': 1.0, 'majority': 0.5}
    """
    if implementation not in (_OWN, "scib-metrics"):
        msg = f"implementation={implementation!r} is not known; pass 'scc2s' or 'scib-metrics'"
        raise ValueError(msg)
    if k < 1 or max_cells < 2:
        msg = f"k={k} neighbours among at most {max_cells} cells; pass k= from 1 and max_cells= from 2"
        raise ValueError(msg)
    named = {"embedding": X, **(others or {})}
    if reserved := {"embedding", "bag of ranks", "permuted", "majority"} & set(others or {}):
        msg = f"{sorted(reserved)[0]!r} is the name of another row; give this one of others= another name"
        raise ValueError(msg)
    spaces: dict[str, Any] = {name: matrix(value, name) for name, value in named.items()}
    if ranks is not None:
        spaces["bag of ranks"] = _bag(np.asarray(ranks))
    known = _codes(labels, "labels")
    batches = None if batch is None else _codes(batch, "batch")
    lengths = {name: space.shape[0] for name, space in spaces.items()} | {"labels": len(known)}
    lengths |= {} if batches is None else {"batch": len(batches)}
    if len(set(lengths.values())) > 1 or len(known) < 2:
        msg = f"numbers of cells: {lengths}; pass at least two cells, and the same ones everywhere"
        raise ValueError(msg)
    rng = np.random.default_rng(random_state)
    some = np.sort(rng.permutation(len(known))[:max_cells])
    shuffle = rng.permutation(len(some))
    known = known[some]
    batches = None if batches is None else batches[some]
    scored = {name: _scores(space[some], known, batches, k, implementation) for name, space in spaces.items()}
    mixed = None if batches is None else batches[shuffle]
    scored["permuted"] = _scores(spaces["embedding"][some], known[shuffle], mixed, k, implementation)
    n_labels = len(np.unique(known))
    scored["majority"] = [np.bincount(known).max() / len(known), 1 / n_labels, np.nan, np.nan, np.nan, ""]
    return pd.DataFrame.from_dict(scored, orient="index", columns=_COLUMNS)


def _codes(values: Any, name: str) -> np.ndarray:
    series = pd.Series(np.asarray(values, dtype=object))
    if series.isna().any():
        msg = f"{name} has {int(series.isna().sum())} missing values; leave these cells out: X[~adata.obs[...].isna()]"
        raise ValueError(msg)
    return np.asarray(pd.factorize(series.astype(str))[0])


def _bag(ranks: np.ndarray) -> sparse.csr_matrix:
    """Cells x genes: 1 for the first gene of a sentence, falling evenly to 1/k for the last; rows of length 1."""
    if ranks.ndim != 2 or ranks.dtype.kind not in "iu":
        msg = (
            "ranks are not whole numbers, cells x k; pass adata.obsm['c2s_ranks'] of sc.pp.c2s_sentences(store='ranks')"
        )
        raise ValueError(msg)
    rows, places = np.nonzero(ranks >= 0)
    weights = 1 - places / max(1, ranks.shape[1])
    bag = sparse.csr_matrix((weights, (rows, ranks[rows, places])), shape=(len(ranks), int(ranks.max(initial=0)) + 1))
    lengths = np.sqrt(np.asarray(bag.power(2).sum(axis=1)).ravel())
    return sparse.csr_matrix(
        sparse.diags_array(np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)) @ bag
    )


def _scores(X: Any, labels: np.ndarray, batches: np.ndarray | None, k: int, implementation: str) -> list[Any]:
    from sklearn.metrics import silhouette_score
    from sklearn.neighbors import NearestNeighbors

    distances, near = NearestNeighbors(n_neighbors=min(k, len(labels) - 1)).fit(X).kneighbors()
    hits = np.array([vote(labels[row]) == own for row, own in zip(near, labels, strict=True)])
    recall = float(np.mean([hits[labels == label].mean() for label in np.unique(labels)]))
    n_labels = len(np.unique(labels))
    entropy, ilisi = (np.nan, np.nan) if batches is None else _mixing(batches[near], batches)
    silhouette, made_by = np.nan, _OWN
    if implementation == "scib-metrics":
        silhouette, ilisi, made_by = _scib(X, labels, batches, distances, near)
    elif 1 < n_labels < len(labels):
        silhouette = float(silhouette_score(X, labels))
    return [float(hits.mean()), recall, silhouette, entropy, ilisi, made_by]


def _mixing(near: np.ndarray, batches: np.ndarray) -> tuple[float, float]:
    """Entropy and inverse Simpson index of the batches of each cell's neighbours, scaled."""
    n = int(batches.max()) + 1
    if n < 2:
        return np.nan, np.nan
    shares = np.stack([(near == b).mean(axis=1) for b in range(n)], axis=1)
    whole = entr(np.bincount(batches, minlength=n) / len(batches)).sum()
    lisi = 1 / np.square(shares).sum(axis=1)
    return float(entr(shares).sum(axis=1).mean() / whole), float((np.median(lisi) - 1) / (n - 1))


def _scib(
    X: Any, labels: np.ndarray, batches: np.ndarray | None, distances: np.ndarray, near: np.ndarray
) -> tuple[float, float, str]:
    try:
        import scib_metrics
        from scib_metrics.nearest_neighbors import NeighborsResults
    except ImportError as error:
        msg = "implementation='scib-metrics' needs that package: pip install scib-metrics; or pass 'scc2s'"
        raise ImportError(msg) from error
    dense = X.toarray() if sparse.issparse(X) else X
    own = np.arange(len(labels))[:, None]  # scib-metrics counts a cell among its own neighbours
    found = NeighborsResults(
        indices=np.hstack([own, near]), distances=np.hstack([np.zeros_like(distances[:, :1]), distances])
    )
    silhouette = float(scib_metrics.silhouette_label(dense, labels)) if len(np.unique(labels)) > 1 else np.nan
    several = batches is not None and len(np.unique(batches)) > 1
    ilisi = float(scib_metrics.ilisi_knn(found, batches)) if several else np.nan
    return silhouette, ilisi, f"scib-metrics {scib_metrics.__version__}"
