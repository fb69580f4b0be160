"""Real cells with something taken away, for the groups of a comparison: each gene drawn alone, and molecules lost."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from scc2s._cells.values import describe
from scc2s.metrics import marginal_cells, thinned_cells
from scc2s.sentences import marginal_sentences

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARE = 0.8
"""Of molecules, genes or words that thinned cells keep."""


class Pools(NamedTuple):
    """Cells for each floor, and the real cells that took no part in making them."""

    genes: dict[str, Any]
    """Expression by name of the floor; empty where expression is not read."""
    texts: dict[str, np.ndarray]
    """Sentences by name of the floor; empty where sentences are not read."""
    groups: dict[str, np.ndarray]
    """Group of each cell of a floor."""
    held: np.ndarray
    """Whether each real cell took no part."""


def floor_cells(
    genes: Mapping[str, Any], texts: Mapping[str, Any], groups: Mapping[str, np.ndarray], random_state: int
) -> Pools:
    """As many cells for each floor and group as a draw of the comparison has.

    They are made from training cells of the group where there are some; else from one half of the real ones, and stand
    beside the other half.

    Parameters
    ----------
    genes, texts
        Expression (cells x genes) and sentences of each side, ``"pred"``, ``"true"`` and where it is there ``"train"``;
        ``None`` where they are not read.
    groups
        Group of each cell of each side.
    random_state
        Seed.
    """
    true, train = groups["true"], groups.get("train", np.empty(0, dtype=object))
    held = np.ones(len(true), dtype=bool)
    chosen: list[tuple[str, str, np.ndarray, int]] = []
    for group in sorted(set(true.tolist()) & set(groups["pred"].tolist())):
        real, known = np.flatnonzero(true == group), np.flatnonzero(train == group)
        n = min(int((groups["pred"] == group).sum()), len(real) // 2)
        side, rows = ("train", known) if len(known) >= max(n, 2) else ("true", real)
        if side == "true":
            rows = np.random.default_rng(_seed(group, random_state)).permutation(real)[: len(real) // 2]
            held[rows] = False
        if n and len(rows):
            chosen.append((group, side, rows, n))
    made: dict[str, Any] = {}
    wrote: dict[str, Any] = {}
    scaled = genes["true"] is not None and _lowest(genes["true"]) < 0  # nothing that could be taken away
    sources = {side: X for side, X in genes.items() if X is not None and side in ("true", "train")}
    log = {side: _logarithms(X) for side, X in sources.items()}
    sources = {side: sparse.csr_matrix(X) for side, X in sources.items()}
    for group, side, rows, n in chosen:
        seed = _seed(group, random_state)
        thin = np.random.default_rng(seed).permutation(rows)[:n]
        if side in sources:
            X = sources[side]
            made.setdefault("floor_marginal", []).append(_marginal(X[rows], n, seed))
            if not scaled:
                made.setdefault("floor_thinned", []).append(_thinned(X[thin], log[side], seed))
        if texts["true"] is not None:
            own = [texts[side][row] for row in rows.tolist()]
            wrote.setdefault("floor_marginal", []).extend(marginal_sentences(own, n, seed=seed))
            wrote.setdefault("floor_thinned", []).extend(_fewer_words([texts[side][row] for row in thin], seed))
    labels = {
        "floor_marginal": _repeated([(group, n) for group, _, _, n in chosen]),
        "floor_thinned": _repeated([(group, min(n, len(rows))) for group, _, rows, n in chosen]),
    }
    if scaled:
        del labels["floor_thinned"]
    return Pools(
        {key: _together(parts, genes["true"]) for key, parts in made.items()},
        {key: np.array(found, dtype=object) for key, found in wrote.items()},
        labels,
        held,
    )


def _marginal(X: sparse.csr_matrix, n: int, seed: int) -> sparse.csr_matrix:
    """Values below 0, as scaled data has, are drawn as they are."""
    if _lowest(X) >= 0:
        return marginal_cells(X, n, random_state=seed)
    dense = X.toarray()
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix(dense[rng.integers(0, len(dense), (n, dense.shape[1])), np.arange(dense.shape[1])])


def _thinned(X: sparse.csr_matrix, base: float | None, seed: int) -> sparse.csr_matrix:
    """Molecules are taken from counts, or from what logarithms of normalised counts say they were; else genes."""
    if base is None:
        whole = not (X.data != np.round(X.data)).any()
        return thinned_cells(X, share=_SHARE, counts=whole, random_state=seed)
    levels = X.copy()
    levels.data = np.power(base, levels.data) - 1
    total = np.asarray(levels.sum(axis=1)).ravel()
    least = np.array([levels.data[a:b].min(initial=np.inf) for a, b in _parts(levels)])
    counts = levels.copy()
    counts.data = np.round(counts.data / np.repeat(least, np.diff(levels.indptr)))
    out = thinned_cells(counts, share=_SHARE, random_state=seed)
    left = np.asarray(out.sum(axis=1)).ravel()
    scale = np.divide(total, left, out=np.zeros(len(left)), where=left > 0)
    out.data = np.log1p(out.data * np.repeat(scale, np.diff(out.indptr))) / np.log(base)
    return out


def _together(parts: list[sparse.csr_matrix], like: Any) -> Any:
    """Cells of all groups, sparse or dense as other cells are."""
    out = sparse.vstack(parts, format="csr")
    return out if sparse.issparse(like) else out.toarray()


def _lowest(X: Any) -> float:
    values = X.data if sparse.issparse(X) else X
    return float(np.min(values, initial=0))


def _parts(X: sparse.csr_matrix) -> list[tuple[int, int]]:
    return list(zip(X.indptr[:-1].tolist(), X.indptr[1:].tolist(), strict=True))


def _logarithms(X: Any) -> float | None:
    """Base, where values are surely logarithms of normalised counts."""
    values = describe([(0, X)])
    return values.base if values.kind == "log1p" and values.certain else None


def _fewer_words(texts: list[str], seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(word for word in text.split() if rng.random() < _SHARE) for text in texts]


def _repeated(sizes: list[tuple[str, int]]) -> np.ndarray:
    names = np.array([group for group, _ in sizes], dtype=object)
    return np.repeat(names, np.array([n for _, n in sizes], dtype=np.int64))


def _seed(group: str, random_state: int) -> int:
    """Of a group, whatever other groups there are."""
    digest = hashlib.blake2b(f"{random_state}:{group}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "little")
