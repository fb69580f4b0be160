"""Keys and values of the rows that are being written, in blocks that stay where they are.

The token at position p of a row stands in slot p, so that rows of any length stand side by side without padding before
them. What lies after a row's last token is hidden by the mask until it is written over. A step adds its keys in place,
where a growing cache would copy all earlier ones.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import Cache

from ._prefix import FilledLayer

if TYPE_CHECKING:
    from collections.abc import Iterator

_MORE = 1.25
"""Growth of the blocks: each key is copied about four times in all."""


class _SlotLayer(FilledLayer):
    """One layer. Its length is that of its blocks: only good with a mask and positions of one's own."""

    def __init__(self, slots: Slots, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__(keys, values)
        self._slots = weakref.proxy(slots)  # a cycle would keep the blocks until the next collection

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        n, width = len(key_states), self._slots.width
        places = self._slots.places(self.keys.shape[1], key_states.device)
        for block, states in ((self.keys, key_states), (self.values, value_states)):
            block.view(-1, block.shape[3]).index_copy_(0, places, states.reshape(-1, block.shape[3]))
        return self.keys[:n, :, :width], self.values[:n, :, :width]


class Slots:
    """Keys and values of some rows.

    Parameters
    ----------
    n_rows
        Rows.
    n_slots
        Slots to begin with; there will be more where they are needed.
    """

    def __init__(self, n_rows: int, n_slots: int) -> None:
        self._n_rows, self._n_slots = n_rows, n_slots
        self._layers: list[_SlotLayer] = []
        self._at = torch.empty(0, dtype=torch.int64)
        self._places: dict[tuple[int, torch.device], torch.Tensor] = {}
        self.width = 0
        """Slots up to the last of the tokens that were put."""

    @property
    def cache(self) -> Cache:
        """What a model of transformers takes."""
        return Cache(layers=list(self._layers))

    def fill(self, rows: torch.Tensor, cache: Cache, source: torch.Tensor) -> None:
        """Set what rows begin with.

        Parameters
        ----------
        rows
            Numbers of the rows.
        cache
            Keys and values of prompts, padded on the right.
        source
            Row of `cache` for each of the rows; one may serve several.
        """
        read: list[Any] = cache.layers
        if not self._layers:
            self._layers = [_SlotLayer(self, self._block(layer.keys), self._block(layer.values)) for layer in read]
        for layer, new in zip(self._layers, read, strict=True):
            for block, states in ((layer.keys, new.keys), (layer.values, new.values)):
                block[rows.to(block.device), :, : states.shape[2]] = states[source.to(states.device)]

    def first(self, n: int) -> Cache:
        """Copies of the keys and values of the first row's first `n` tokens."""
        layers = [FilledLayer(layer.keys[:1, :, :n].clone(), layer.values[:1, :, :n].clone()) for layer in self._layers]
        return Cache(layers=list(layers))

    def _block(self, states: torch.Tensor) -> torch.Tensor:
        # Zeros, as what is hidden still counts times nothing.
        return states.new_zeros((self._n_rows, states.shape[1], self._n_slots, states.shape[3]))

    def put(self, at: torch.Tensor) -> None:
        """Say where the next tokens belong: position of each, rows x tokens."""
        self._at, self.width = at, int(at.max()) + 1
        self._places.clear()
        if self.width <= self._n_slots:
            return
        more = max(self.width, int(self._n_slots * _MORE)) - self._n_slots
        for layer in self._layers:
            # Rows that were dropped are not copied.
            layer.keys, layer.values = (
                torch.nn.functional.pad(block[: len(at)], (0, 0, 0, more)) for block in (layer.keys, layer.values)
            )
        self._n_slots += more

    def places(self, n_heads: int, device: torch.device) -> torch.Tensor:
        """Where the next tokens belong in a block of that many heads that is one long list."""
        key = n_heads, device
        if key not in self._places:
            at = self._at.to(device)
            heads = torch.arange(len(at) * n_heads, device=device).reshape(len(at), n_heads, 1)
            self._places[key] = (heads * self._n_slots + at[:, None]).reshape(-1)
        return self._places[key]

    def keep(self, rows: torch.Tensor) -> torch.Tensor:
        """Drop the other rows; the last ones move into the gaps, so that little is copied.

        Parameters
        ----------
        rows
            Mask over the rows there are.

        Returns
        -------
        Number, until now, of each row that is left.
        """
        n = int(rows.sum())
        order = torch.arange(n, device=rows.device)
        gaps = (~rows[:n]).nonzero()[:, 0]
        last = n + rows[n:].nonzero()[:, 0]
        order[gaps] = last
        for block in self._blocks():
            block[gaps.to(block.device)] = block[last.to(block.device)]
        return order

    def _blocks(self) -> Iterator[torch.Tensor]:
        for layer in self._layers:
            yield from (layer.keys, layer.values)
