"""Cells beside bulk profiles: how alike they are, and how often a cell is closer to others than to its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s._cells.access import sentence_slots
from scc2s._cells.columns import column
from scc2s._logging import logger
from scc2s.metrics import foscttm
from scc2s.tl._labelling.sides import by_sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

EXPRESSION, RELATIVE, SENTENCE, RANDOM = "expression", "relative", "sentence", "random"
"""Ways to compare that no model takes part in."""
_FARTHEST = 2.0
"""Distance of what has no direction, such as a cell without genes."""
_RANDOM_WIDTH = 64


class Nearest(NamedTuple):
    """The most similar profile of each cell."""

    profile: np.ndarray
    """Its number, -1 for a cell that is like none; the first of equal ones."""
    similarity: np.ndarray
    margin: np.ndarray
    """How much more similar it is than the second; NaN where there is none."""


def cosine(cells: Any, profiles: Any) -> np.ndarray:
    """Cosine similarity, cells x profiles, float32; NaN for rows that are 0.

    Examples
    --------
    >>> cosine(np.array([[1.0, 0], [0, 0]]), np.array([[2.0, 0], [0, 3]])).tolist()
    [[1.0, 0.0], [nan, nan]]
    """
    left, right = (_directions(side) for side in (cells, profiles))
    product = left @ right.T
    found = np.asarray(product.toarray() if sparse.issparse(product) else product, dtype=np.float32)
    for side, axis in ((left, 0), (right, 1)):
        length = np.asarray((side.multiply(side) if sparse.issparse(side) else side * side).sum(axis=1)).ravel()
        found[(length == 0, slice(None)) if axis == 0 else (slice(None), length == 0)] = np.nan
    return found


def centred_cosine(cells: sparse.csr_matrix, profiles: sparse.csr_matrix) -> np.ndarray:
    """:func:`cosine` of each row less the mean of its side; NaN for cells without a value. Nothing is made dense.

    Examples
    --------
    >>> sides = [sparse.csr_matrix(rows) for rows in ([[9.0, 1], [9, 3]], [[1.0, 5], [1, 2]])]
    >>> centred_cosine(*sides).tolist()
    [[-1.0, 1.0], [1.0, -1.0]]
    """
    mean, middle = (np.asarray(side.mean(axis=0), dtype=np.float64).ravel() for side in (cells, profiles))
    away = np.asarray(profiles.todense(), dtype=np.float64) - middle
    dot = np.asarray(cells @ away.T) - mean @ away.T
    square = np.asarray(cells.multiply(cells).sum(axis=1)).ravel() - 2 * (cells @ mean) + mean @ mean
    length = np.sqrt(np.maximum(square, 0))[:, None] * np.sqrt((away * away).sum(axis=1))
    told = (np.diff(cells.indptr) > 0)[:, None] & (length > 1e-9)
    return np.where(told, np.divide(dot, length, out=np.zeros_like(dot), where=told), np.nan).astype(np.float32)


def nearest(similarity: np.ndarray) -> Nearest:
    """The most similar profile of each row."""
    filled = np.where(np.isnan(similarity), -np.inf, similarity)
    rows = np.arange(len(filled))
    best = filled.argmax(axis=1)
    top = filled[rows, best]
    told = np.isfinite(top)
    margin = np.full(len(filled), np.nan)
    if filled.shape[1] > 1:
        others = filled.copy()
        others[rows, best] = -np.inf
        second = others.max(axis=1)
        both = told & np.isfinite(second)
        margin[both] = top[both] - second[both]
    return Nearest(np.where(told, best, -1), np.where(told, top, np.nan), margin)


def embeddings(adata: AnnData, bulk: AnnData, rep: str) -> tuple[np.ndarray, np.ndarray]:
    """The same entry of ``.obsm`` of both.

    Raises
    ------
    KeyError
        If one has none.
    ValueError
        If they were made by different models, or are not finite.
    """
    found = []
    for data, name in ((adata, "adata"), (bulk, "bulk")):
        if rep not in data.obsm:
            known = "call sc.tl.c2s_embed({0})" if rep == "X_c2s" else "set {0}.obsm[{1!r}]"
            msg = (
                f"{name}.obsm has no {rep!r}; {known.format(name, rep)} first, or pass use_rep='expression', which no "
                "model takes part in"
            )
            raise KeyError(msg)
        values = np.asarray(data.obsm[rep], dtype=np.float32)
        if values.ndim != 2 or not np.isfinite(values).all():
            msg = f"{name}.obsm[{rep!r}] is not a table of finite numbers; pass use_rep= another, or make it again"
            raise ValueError(msg)
        found.append(values)
    ours, theirs = (_model_of(data, rep) for data in (adata, bulk))
    if found[0].shape[1] != found[1].shape[1] or (ours and theirs and ours != theirs):
        msg = (
            f"obsm[{rep!r}] of adata and bulk come from different models ({ours or found[0].shape[1]} and "
            f"{theirs or found[1].shape[1]}); call sc.tl.c2s_embed(bulk, model=...) with the model of adata"
        )
        raise ValueError(msg)
    return found[0], found[1]


def own_profiles(adata: AnnData, bulk: AnnData, pairs_by: Sequence[str]) -> np.ndarray:
    """Number of the profile that has a cell's values in the columns `pairs_by`; -1 where none has.

    Raises
    ------
    KeyError
        If a column is not there.
    ValueError
        If two profiles have the same values, or no cell has a profile.
    """
    keys = []
    for data, name in ((adata, "adata"), (bulk, "bulk")):
        try:
            parts = [column(data, by, "pairs_by") for by in pairs_by]
        except KeyError as error:
            msg = f"of {name}: {error.args[0]}"
            raise KeyError(msg) from None
        known = np.all([part.notna().to_numpy() for part in parts], axis=0)
        rows = zip(*(part.astype(str).to_numpy(dtype=object) for part in parts), strict=True)
        keys.append([row if there else None for row, there in zip(rows, known, strict=True)])
    place: dict[Any, int] = {}
    for number, key in enumerate(keys[1]):
        if key is not None and place.setdefault(key, number) != number:
            msg = (
                f"two profiles of bulk have {' '.join(key)!r} in {list(pairs_by)}, so that a cell's own is not one; "
                "pass pairs_by= more columns, or average them first: scc2s.pp.pseudobulk(bulk, by=[...])"
            )
            raise ValueError(msg)
    own = np.array([place.get(key, -1) if key is not None else -1 for key in keys[0]], dtype=np.int64)
    if not (own >= 0).any():
        msg = f"no cell has a profile in bulk with its values of {list(pairs_by)}; write them in the same words in both"
        raise ValueError(msg)
    if n_without := int((own < 0).sum()):
        logger.warning("%d of %d cells have no profile of their own in bulk, and are in no pair", n_without, len(own))
    return own


def sentence_floor(adata: AnnData, bulk: AnnData, sentence_key: str) -> np.ndarray | None:
    """Similarity of the words of the sentences and their ranks; ``None`` where one of them has no sentences."""
    ranks = sentence_slots(sentence_key).ranks
    if not all(sentence_key in data.obs or ranks in data.obsm for data in (adata, bulk)):
        return None
    sides = by_sentences(bulk, adata, sentence_key, called="bulk")
    return cosine(sides.query, sides.reference)


def random_similarity(n_cells: int, n_profiles: int, seed: int) -> np.ndarray:
    """Similarity of vectors that know nothing."""
    rng = np.random.default_rng(seed)
    return cosine(rng.standard_normal((n_cells, _RANDOM_WIDTH)), rng.standard_normal((n_profiles, _RANDOM_WIDTH)))


def pair_table(similarities: Mapping[str, np.ndarray], own: np.ndarray, asked: str) -> pd.DataFrame:
    """One row a way to compare: ``foscttm`` (0 perfect), ``accuracy`` (1 perfect), ``n_pairs``, and ``floor``."""
    rows = own >= 0
    table = []
    for name, similarity in similarities.items():
        distance = 1.0 - np.nan_to_num(similarity[rows].astype(np.float64), nan=1.0 - _FARTHEST)
        best = nearest(similarity[rows]).profile
        table.append((name, foscttm(distance, own[rows]), float((best == own[rows]).mean()), int(rows.sum())))
    found = pd.DataFrame(table, columns=["rep", "foscttm", "accuracy", "n_pairs"])
    found["floor"] = [name != asked for name in found["rep"]]
    return found


def by_chance(own: np.ndarray, n_profiles: int) -> dict[str, float]:
    """What distances that know nothing give on average, for each score of :func:`pair_table`.

    A cell's own profile is never closer than itself, and other cells of the profile bring the same one: of ``x_i`` half
    the share of the cells that have another profile is left, of ``y_j`` half the share of the other cells. Only with
    many profiles that is 0.5.

    Parameters
    ----------
    own
        Number of each cell's profile; -1 where there is none.
    n_profiles
        Profiles that a cell may get.

    Examples
    --------
    >>> by_chance(np.array([0, 0, 1, 1, -1]), 4)
    {'foscttm': 0.3125, 'accuracy': 0.25}
    """
    kept = own[own >= 0]
    others = 1.0 - float(((np.bincount(kept) / len(kept)) ** 2).sum())
    return {"foscttm": (others + 1.0 - 1.0 / len(kept)) / 4, "accuracy": 1.0 / n_profiles}


def say_verdict(table: pd.DataFrame, chance: Mapping[str, float]) -> None:
    """In one line, and as a warning where a way that no model takes part in does as well.

    Parameters
    ----------
    table
        Of :func:`pair_table`.
    chance
        Of :func:`by_chance`.
    """
    asked, floors = table[~table["floor"]].iloc[0], table[table["floor"] & (table["rep"] != RANDOM)]
    told = table[table["rep"] != RANDOM]
    text = "; ".join(
        f"{name} ({best} perfect, {chance[score]:.3f} chance): "
        + ", ".join(f"{rep} {value:.3f}" for rep, value in zip(told["rep"], told[score], strict=True))
        for score, name, best in (("foscttm", "FOSCTTM", 0), ("accuracy", "accuracy", 1))
    )
    if (
        len(floors)
        and asked["rep"] not in (EXPRESSION, RELATIVE, SENTENCE)
        and floors["foscttm"].min() <= asked["foscttm"]
    ):
        best = floors["rep"].iloc[int(floors["foscttm"].argmin())]
        logger.warning("%s; by FOSCTTM %s is no better than %s", text, asked["rep"], best)
    else:
        logger.info("%s", text)


def _directions(rows: Any) -> Any:
    """Rows of length 1; those of 0 stay."""
    if sparse.issparse(rows):
        rows = sparse.csr_matrix(rows, dtype=np.float64)
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    else:
        rows = np.asarray(rows, dtype=np.float64)
        length = np.sqrt((rows * rows).sum(axis=1))
    factor = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return sparse.csr_matrix(sparse.diags_array(factor) @ rows) if sparse.issparse(rows) else rows * factor[:, None]


def _model_of(adata: AnnData, rep: str) -> str | None:
    """The model that made an embedding, as far as a record says."""
    found = adata.uns.get("c2s", {}).get("embed" if rep == "X_c2s" else f"embed_{rep}", {})
    model = found.get("model", {}) if isinstance(found, dict) else {}
    told = [str(model[name]) for name in ("id", "weights_hash") if model.get(name) not in (None, "None")]
    return " ".join(told) or None
