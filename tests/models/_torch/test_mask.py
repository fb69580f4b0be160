from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch

from scc2s.models._torch._mask import mask
from scc2s.models._tree import build


def test_masks_hide_padding_other_answers_and_what_lies_outside_the_window():
    tree = build(np.arange(2), [np.array([7, 8]), np.array([9])])
    lengths = torch.tensor([3, 2])
    config = SimpleNamespace(sliding_window=3, layer_types=["full_attention", "sliding_attention"])
    masks = mask(tree, lengths, 3, config=config, dtype=torch.float32)
    full = (masks["full_attention"][:, 0] == 0).int().tolist()
    # nodes 7, 8 (after 7) and 9; keys: three tokens of the prompt, then the nodes
    assert full[0] == [[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 1]]
    assert full[1] == [[1, 1, 0, 1, 0, 0], [1, 1, 0, 1, 1, 0], [1, 1, 0, 0, 0, 1]]
    near = (masks["sliding_attention"][:, 0] == 0).int().tolist()
    assert near[0] == [[0, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0], [0, 1, 1, 0, 0, 1]]
    assert near[1] == [[1, 1, 0, 1, 0, 0], [0, 1, 0, 1, 1, 0], [1, 1, 0, 0, 0, 1]]


def test_models_with_one_kind_of_layer_get_one_mask():
    tree = build(np.arange(1), [np.array([7])])
    lengths = torch.tensor([5])
    everywhere = mask(tree, lengths, 5, config=SimpleNamespace(sliding_window=None), dtype=torch.float32)
    assert everywhere.shape == (1, 1, 1, 6)
    windowed = mask(tree, lengths, 5, config=SimpleNamespace(sliding_window=2), dtype=torch.float32)
    assert (windowed[0, 0, 0] == 0).tolist() == [False, False, False, False, True, True]
    unused = SimpleNamespace(sliding_window=2, layer_types=["full_attention"])
    assert torch.equal(mask(tree, lengths, 5, config=unused, dtype=torch.float32), everywhere)
