"""Groups of cells for a text by their captions, which an encoder of sentences compares with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.groups import Groups
from scc2s._cells.results import stored
from scc2s._logging import logger
from scc2s.tl._searching.floor import beats, floor_table, say_floor
from scc2s.tl._searching.found import Found, of_groups, order
from scc2s.tl._searching.queries import reordered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anndata import AnnData

_CALL = "sc.tl.c2s_caption(adata, groupby=...)"


def captioned(
    data: AnnData, text: str, encoder: Any, *, captions: str, groupby: str | None, n_shuffled: int, random_state: int
) -> Found:
    """Cosine of a text with the nearest caption of each group.

    Raises
    ------
    KeyError
        There are no captions.
    TypeError, ValueError
        `encoder` cannot be called, does not give one finite vector for each text, or the captions are of other groups.
    """
    encode = as_encoder(encoder)
    table = stored(data, captions, call=_CALL, kind=pd.DataFrame)
    if not {"group", "text"} <= set(table):
        msg = f"adata.uns['c2s'][{captions!r}] holds no captions; call {_CALL} first"
        raise KeyError(msg)
    record = stored(data, "caption" if captions == "captions" else f"caption_{captions}", call=_CALL, kind=dict)
    of = str(record["params"]["groupby"])
    if groupby not in (None, of):
        msg = f"the captions are of the groups of {of!r}, not of {groupby!r}; pass groupby={of!r}, or none"
        raise ValueError(msg)
    groups = Groups.of(data, of)
    texts = [str(one) for one in table["text"]]
    place = {name: code for code, name in enumerate(groups.names)}
    codes = np.array([place.get(str(name), -1) for name in table["group"]])
    there = np.array([bool(one.strip()) for one in texts]) & (codes >= 0)
    if not there.any():
        msg = f"none of the {len(texts)} captions has a text about a group that is there; call {_CALL} again"
        raise ValueError(msg)
    if gone := sorted(set(groups.names) - {groups.names[code] for code in codes[there]}):
        logger.warning("%d of %d groups have no caption and no score: %s", len(gone), len(groups.names), gone[0])
    others = reordered(text, n_shuffled, random_state)
    vectors = encoded(encode, [text, *others, *(one for one, known in zip(texts, there, strict=True) if known)])
    similar = vectors[: 1 + len(others)] @ vectors[1 + len(others) :].T
    scores = np.full((len(similar), len(groups.names)), -np.inf)
    for column, code in zip(similar.T, codes[there], strict=True):
        scores[:, code] = np.maximum(scores[:, code], column)
    scores[np.isinf(scores)] = np.nan
    best: dict[int, int] = {}
    for value, code, row in zip(similar[0], codes[there].tolist(), np.flatnonzero(there).tolist(), strict=True):
        if value == scores[0, code]:
            best.setdefault(code, row)
    top = int(order(scores[0], groups.names)[0])
    floor = floor_table(others, scores[1:], groups.names, top)
    say_floor(text, groups.names[top], float(scores[0, top]), floor)
    shown = [texts[best[code]] if code in best else "" for code in range(len(groups.names))]
    columns: dict[str, Any] = {"text": np.array(shown, dtype=object)}
    if "flagged" in table:
        flags = table["flagged"].to_numpy(dtype=bool)
        columns["flagged"] = np.array([code in best and bool(flags[best[code]]) for code in range(len(groups.names))])
    params = {
        "how": "captions",
        "captions": captions,
        "captions_groupby": of,
        "encoder": type(encoder).__name__,
        "beats_floor": beats(float(scores[0, top]), floor),
    }
    cells = of_groups(groups, scores[0])
    return Found("group", groups.names, scores[0], cells, columns=columns, floor=floor, params=params)


def as_encoder(encoder: Any) -> Callable[[list[str]], Any]:
    """A function of texts: the encoder itself, or its method ``encode``.

    Raises
    ------
    TypeError
        It has neither.
    """
    found = getattr(encoder, "encode", encoder)
    if isinstance(encoder, str) or not callable(found):
        msg = (
            f"encoder is {type(encoder).__name__}; pass encoder= a function from a list of texts to an array (texts x "
            "dimensions), or an object with such an encode, e.g. sentence_transformers.SentenceTransformer(folder)"
        )
        raise TypeError(msg)
    return found  # type: ignore[no-any-return]


def encoded(encode: Callable[[list[str]], Any], texts: Sequence[str]) -> np.ndarray:
    """One vector of length 1 for each text.

    Raises
    ------
    ValueError
        The encoder gave something else than one finite vector for each text, or one that is 0.
    """
    found = encode(list(texts))
    try:
        X = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        X = np.empty(0)
    if X.ndim != 2 or len(X) != len(texts) or not X.shape[1]:
        msg = (
            f"encoder gave {type(found).__name__} of shape {np.shape(X)} for {len(texts)} texts; return an array with "
            "one vector for each, e.g. np.stack([tokens(text).vectors.mean(axis=0) for text in texts]) of an encoder "
            "of tokens"
        )
        raise ValueError(msg)
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or not (norms > 0).all():
        wrong = texts[int(np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))[0])]
        msg = f"encoder gave a vector for {wrong!r} that is 0 or not finite; pass another encoder="
        raise ValueError(msg)
    scaled: np.ndarray = X / norms
    return scaled
