"""Embeddings of answers and of real sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Vectors:
    """An embedder that is asked once for each text of a call; what it gave for real sentences is kept.

    Parameters
    ----------
    embedder
        A function from texts to texts x dimensions, or an object with such an ``embed``.
    """

    def __init__(self, embedder: Any) -> None:
        self._embed: Callable[[list[str]], Any] = getattr(embedder, "embed", embedder)
        if not callable(self._embed):
            msg = f"embedder is {type(embedder).__name__}; pass a function from texts to vectors, or a model"
            raise TypeError(msg)
        self._kept: dict[str, np.ndarray] = {}

    def answers(self, texts: Sequence[str]) -> np.ndarray:
        """Texts x dimensions, float64; an empty text has the vector of all zeros."""
        distinct = list(dict.fromkeys(text for text in texts if text.strip()))
        found = dict(zip(distinct, self._asked(distinct), strict=True))
        if not found:
            msg = "all answers are empty, so there is nothing to embed; look at what the model writes"
            raise ValueError(msg)
        empty = np.zeros_like(next(iter(found.values())))
        return np.array([found.get(text, empty) for text in texts])

    def real(self, texts: Sequence[str]) -> np.ndarray:
        """As :meth:`answers`, of sentences that come again in later steps."""
        new = [text for text in dict.fromkeys(texts) if text not in self._kept]
        if blank := [text for text in new if not text.strip()]:
            msg = f"a real sentence is empty ({blank[0]!r}); leave its row out of the prompts"
            raise ValueError(msg)
        self._kept.update(zip(new, self._asked(new), strict=True))
        return np.array([self._kept[text] for text in texts])

    def _asked(self, texts: list[str]) -> np.ndarray:
        if not texts:
            return np.empty((0, 0))
        found = np.asarray(self._embed(texts), dtype=np.float64)
        if found.ndim != 2 or len(found) != len(texts):
            msg = f"the embedder gives shape {found.shape} for {len(texts)} texts; return texts x dimensions"
            raise ValueError(msg)
        if not np.isfinite(found).all():
            msg = "the embedder gives vectors that are not finite numbers"
            raise ValueError(msg)
        return found
