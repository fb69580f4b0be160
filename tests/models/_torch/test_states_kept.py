from __future__ import annotations

import numpy as np
import torch
from transformers.cache_utils import Cache

from scc2s.models._torch._prefix import FilledLayer
from scc2s.models._torch._states_kept import KeptStates


def states(n: int, value: float = 0.0) -> Cache:
    """One layer, one head of width 4 in float32: 32 bytes a token."""
    block = torch.full((1, 1, n, 4), value)
    return Cache(layers=[FilledLayer(block, block.clone())])


def test_the_longest_beginning_is_found_and_one_token_is_left_to_read():
    kept = KeptStates()
    assert kept.start(np.array([1, 2])).n == 0
    kept.put(np.array([1, 2, 3, 4]), states(4, 1.0))
    kept.put(np.array([1, 2, 9]), states(3, 2.0))
    start = kept.start(np.array([1, 2, 3, 7, 7]))
    assert start.n == 3
    assert start.cache.layers[0].keys.shape == (1, 1, 3, 4)
    assert float(start.cache.layers[0].keys.max()) == 1.0
    assert kept.start(np.array([1, 2, 3, 4])).n == 3
    assert kept.start(np.array([1])).n == 0
    assert kept.start(np.array([5, 2, 3])).n == 0


def test_a_conversation_takes_the_place_of_its_own_beginning():
    kept = KeptStates()
    kept.put(np.array([1, 2]), states(2))
    kept.put(np.array([1, 3]), states(2))
    kept.put(np.array([1, 2, 3]), states(3))
    assert len(kept) == 2
    assert kept.start(np.array([1, 3, 3])).n == 2


def test_the_one_not_used_longest_makes_room_and_the_last_always_stays():
    kept = KeptStates(most_bytes=2 * 4 * 32)
    kept.put(np.array([1, 1, 1, 1]), states(4))
    kept.put(np.array([2, 2, 2, 2]), states(4))
    kept.start(np.array([1, 1, 5]))
    kept.put(np.array([3, 3, 3, 3]), states(4))
    assert [kept.start(np.array([i, i, 5])).n for i in (1, 2, 3)] == [2, 0, 2]
    kept.put(np.arange(100), states(100))
    assert len(kept) == 1
    kept.clear()
    assert kept.start(np.arange(100)).n == 0
