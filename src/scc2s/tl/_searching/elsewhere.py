"""Cells of another data set, in memory or on disk, that lie near to some vectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from anndata import AnnData

from scc2s._logging import logger
from scc2s.tl._searching.found import Found
from scc2s.tl._searching.index import opened, unit
from scc2s.tl._searching.near import embedded
from scc2s.tl._searching.reference import Reference, record_of, said_of, shown, unlike

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike

    from scc2s.tl._searching.index import Index


def near_elsewhere(
    data: AnnData,
    rows: np.ndarray,
    reference: str | PathLike[str] | AnnData,
    *,
    use_rep: str,
    n_top: int,
    keys: Sequence[str],
    exact: bool,
) -> Found:
    """Cells of a `reference` near to cells of `data`.

    Raises
    ------
    TypeError
        The reference is something else.
    KeyError
        There is no such embedding, or column.
    ValueError
        Embeddings do not compare, or no cell of the query has a direction.
    FileNotFoundError
        There is no store, or it has no index and `exact` is not asked for.
    """
    vectors = embedded(data, use_rep)[rows].astype(np.float32)
    made = said_of(data.uns.get("c2s", {}).get(record_of(use_rep), {}))
    if isinstance(reference, AnnData):
        X = embedded(reference, use_rep)
        _refuse_unlike(vectors.shape[1], made, X.shape[1], reference.uns.get("c2s", {}).get(record_of(use_rep), {}))
        if lost := [key for key in keys if key not in reference.obs]:
            msg = f"reference.obs has no column {lost[0]!r}; pass keys= some of {list(map(str, reference.obs))}"
            raise KeyError(msg)
        centre, n = centre_of(vectors)
        hits, scores, background = exactly(iter([(0, X)]), centre, n, n_top, _NONE)
        columns = {key: shown(reference.obs[key].iloc[hits].tolist()) for key in keys}
        names = reference.obs_names.astype(str).to_numpy(dtype=object)[hits]
        params: dict[str, Any] = {"reference": f"{reference.n_obs} cells in memory", "exact": True}
    elif isinstance(reference, str | Path) or hasattr(reference, "__fspath__"):
        there = Reference.at(Path(reference), use_rep)
        _refuse_unlike(vectors.shape[1], made, there.width, there.record)
        index = None if exact else opened(there)
        return near_stored(there, vectors, _NONE, n_top=n_top, keys=keys, index=index)
    else:
        msg = (
            f"reference is {type(reference).__name__}; pass reference= the path of a store with an embedding, or an "
            "AnnData"
        )
        raise TypeError(msg)
    return _found(names, scores, columns, {**params, "use_rep": use_rep, "n_query": n, "background": background})


def near_stored(
    reference: Reference,
    vectors: np.ndarray,
    own: np.ndarray,
    *,
    n_top: int,
    keys: Sequence[str],
    index: Index | None,
) -> Found:
    """Cells of a store near to some vectors.

    Parameters
    ----------
    reference
        The store.
    vectors
        Of the query.
    own
        Rows of the store that are not to be found: the cells of the query, where they are of it.
    n_top
        Cells that are wanted.
    keys
        Columns of obs.
    index
        Its index; ``None``: all cells are looked at.
    """
    if taken := {"cell", "score"} & set(keys):
        msg = f"keys={min(taken)!r} is a column of the table already; leave it out"
        raise ValueError(msg)
    centre, n = centre_of(vectors)
    params: dict[str, Any] = {
        "reference": str(reference.path),
        "use_rep": reference.use_rep,
        "exact": index is None,
        "n_query": n,
    }
    if index is None:
        rows, scores, background = exactly(reference.blocks(), centre, n, n_top, own)
        names = reference.names(rows)
    else:
        rows, scores = index.nearest(centre / n, n_top, own)
        names = index.names.of(rows)
        background = float(np.median(index.sample @ centre / n))
        params |= {"n_probe": index.n_probe, "recall": index.manifest["recall"]}
    columns = reference.table(rows, keys)
    return _found(names, np.clip(scores, -1.0, 1.0), columns, {**params, "background": background})


_NONE = np.empty(0, dtype=np.int64)


def centre_of(vectors: np.ndarray) -> tuple[np.ndarray, int]:
    """Sum of the directions of vectors, and how many have one.

    Raises
    ------
    ValueError
        None has.
    """
    directions, good = unit(vectors)
    n = int(good.sum())
    if not n:
        msg = (
            f"none of the {len(vectors)} cells of the query has a vector that is finite and not 0; pass query= other "
            "cells, or make the embedding again: sc.tl.c2s_embed(adata)"
        )
        raise ValueError(msg)
    if n < len(vectors):
        logger.warning("%d of %d cells of the query have no finite vector, or a zero one", len(vectors) - n,
                       len(vectors))  # fmt: skip
    centre: np.ndarray = directions.sum(axis=0, dtype=np.float64).astype(np.float32)
    return centre, n


def exactly(
    blocks: Iterator[tuple[int, np.ndarray]], centre: np.ndarray, n: int, n_top: int, own: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Rows of the `n_top` cells with the highest mean cosine, the best first; their scores; the median of all."""
    parts = []
    for _, block in blocks:
        directions, good = unit(block)
        scores = (directions @ centre.astype(block.dtype)).astype(np.float32) / np.float32(n)
        scores[~good] = np.nan
        parts.append(scores)
    scores = np.concatenate(parts)
    scores[own] = np.nan
    there = np.flatnonzero(np.isfinite(scores))
    background = float(np.median(scores[there])) if len(there) else float("nan")
    best = there
    if n_top < len(there):
        best = there[np.argpartition(-scores[there], n_top - 1)[:n_top]]
    best = best[np.argsort(-scores[best], kind="stable")]
    return best, scores[best].astype(np.float64), background


def _refuse_unlike(width: int, made: Mapping[str, str], other_width: int, record: Mapping[str, Any]) -> None:
    mend = "embed both by the same model and prompt: sc.tl.c2s_embed(adata, model=..., prompt=...)"
    if found := unlike(said_of(record), made, "{} is {!r} of the reference, and {!r} of the query"):
        msg = f"embeddings of the reference and of the query do not compare ({'; '.join(found)}); {mend}"
        raise ValueError(msg)
    if width != other_width:
        msg = f"vectors of the reference have {other_width} numbers, those of the query {width}; {mend}"
        raise ValueError(msg)


def _found(names: np.ndarray, scores: np.ndarray, columns: Mapping[str, Any], params: Mapping[str, Any]) -> Found:
    return Found("cell", names.tolist(), scores, None, columns=columns, params={"how": "embedding", **params})
