"""The start that all prompts share is computed once: its keys and values are set before those of every prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._decoder import Decoder


def common_prefix(ids: Sequence[np.ndarray]) -> int:
    """Number of tokens that all rows start with, at least one token of each row left over.

    Taken over tokens, not characters: a prompt is never split where its tokenizer would not split it.

    Examples
    --------
    >>> common_prefix([np.array([5, 6, 7, 8]), np.array([5, 6, 9])])
    2
    >>> common_prefix([np.array([5, 6]), np.array([5, 6])])
    1
    """
    if not len(ids):
        return 0
    shared = ids[0][: min(len(row) for row in ids) - 1]
    for row in ids:
        differs = row[: len(shared)] != shared
        if differs.any():
            shared = shared[: int(differs.argmax())]
    return len(shared)


class FilledLayer(DynamicLayer):
    """One layer of a cache that begins with keys and values."""

    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.keys, self.values = keys, values
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True


class _ReadLayer(FilledLayer):
    """Keys and values of one layer. New ones are set after them for one forward pass, and not kept."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        n = len(key_states)
        return (
            torch.cat([self.keys.expand(n, -1, -1, -1), key_states], dim=-2),
            torch.cat([self.values.expand(n, -1, -1, -1), value_states], dim=-2),
        )


def read_only(cache: Cache) -> Cache:
    """The same keys and values for any number of forward passes; those of one row serve as many rows as are asked."""
    return Cache(layers=[_ReadLayer(keys, values) for keys, values in _states(cache)])


def growing(cache: Cache | None, n: int) -> DynamicCache:
    """An empty cache, or one of `n` rows that all start as the one row of `cache`.

    Made without the model's configuration, so that it keeps all keys also of layers with a sliding window: there the
    mask hides what lies outside, and with padding on the right only a mask can tell padding from text.
    """
    out = DynamicCache()
    for i, (keys, values) in enumerate(_states(cache) if cache is not None else []):
        out.update(keys.expand(n, -1, -1, -1), values.expand(n, -1, -1, -1), i)
    return out


def _states(cache: Cache) -> list[tuple[torch.Tensor, torch.Tensor]]:
    layers: list[Any] = cache.layers
    return [(layer.keys, layer.values) for layer in layers]


@dataclass(frozen=True)
class Start:
    """The tokens that all prompts start with."""

    n: int
    hidden: torch.Tensor | None = None
    """Tokens x width, float32."""
    cache: Cache | None = None


def shared_start(decoder: Decoder, ids: Sequence[np.ndarray], layer: int | None = None) -> Start:
    """Hidden states, keys and values of the tokens that all prompts start with, where the model can share them."""
    n = common_prefix(ids) if decoder.tested and len(ids) > 1 and layer != 0 else 0
    if n == 0:
        return Start(0)
    cache = growing(None, 1)
    hidden = decoder.hidden(torch.from_numpy(ids[0][:n].astype(np.int64))[None], layer=layer, cache=cache)
    return Start(n, hidden[0].float(), cache)
