"""Keys and values of the last conversations: another question about the same cells does not read them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from transformers.cache_utils import Cache

from ._prefix import FilledLayer, Start

if TYPE_CHECKING:
    import torch

_MOST_BYTES = 2**30
"""Of all conversations together; the last one is kept however large it is."""


class KeptStates:
    """Conversations that were read or written, the last one at the end.

    Parameters
    ----------
    most_bytes
        Memory for all of them.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._rows: list[tuple[np.ndarray, Cache]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def start(self, ids: np.ndarray) -> Start:
        """The longest beginning of these tokens that is kept; at least one token of theirs is left over."""
        shared = [_n_shared(kept, ids) for kept, _ in self._rows]
        if not shared or max(shared) == 0:
            return Start(0)
        best = int(np.argmax(shared))
        n = shared[best]
        self._rows.append(self._rows.pop(best))
        layers = [FilledLayer(keys[:, :, :n], values[:, :, :n]) for keys, values in _states(self._rows[-1][1])]
        return Start(n, None, Cache(layers=list(layers)))

    def put(self, ids: np.ndarray, cache: Cache) -> None:
        """Keep the states of these tokens, in place of those of their own beginnings; the oldest make room."""
        self._rows = [row for row in self._rows if _n_same(row[0], ids) < len(row[0])]
        self._rows.append((ids, cache))
        while len(self._rows) > 1 and sum(_n_bytes(kept) for _, kept in self._rows) > self._most:
            self._rows.pop(0)

    def clear(self) -> None:
        """Forget all."""
        self._rows.clear()


def _n_same(a: np.ndarray, b: np.ndarray) -> int:
    """Tokens that both begin with."""
    n = min(len(a), len(b))
    differs = a[:n] != b[:n]
    return int(differs.argmax()) if differs.any() else n


def _n_shared(kept: np.ndarray, ids: np.ndarray) -> int:
    return min(_n_same(kept, ids), len(ids) - 1)


def _states(cache: Cache) -> list[tuple[torch.Tensor, torch.Tensor]]:
    layers: list[Any] = cache.layers
    return [(layer.keys, layer.values) for layer in layers]


def _n_bytes(cache: Cache) -> int:
    return sum(block.nbytes for pair in _states(cache) for block in pair)
