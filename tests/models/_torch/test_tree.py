from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.models._torch._tree import build, mask, trees

ANSWERS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=6).map(np.array), min_size=1, max_size=12)


def path(tree, node: int) -> list[int]:
    out = []
    while node >= 0:
        out.append(node)
        node = int(tree.parent[node])
    return out[::-1]


@given(ANSWERS, st.integers(1, 20))
@settings(deadline=None, max_examples=100)
def test_the_way_to_each_end_spells_its_answer(answers, limit):
    seen = []
    for tree in trees(answers, limit):
        for choice, end in zip(tree.choices, tree.ends, strict=True):
            assert tree.tokens[path(tree, end)].tolist() == answers[choice].tolist()
            seen.append(choice)
        assert len(tree.tokens) <= limit or len(tree.choices) == 1
    assert sorted(seen) == list(range(len(answers)))


@given(ANSWERS)
@settings(deadline=None, max_examples=100)
def test_a_node_sees_its_own_way_and_nothing_else(answers):
    tree = build(np.arange(len(answers)), answers)
    for node in range(len(tree.tokens)):
        assert np.flatnonzero(tree.sees[node]).tolist() == sorted(path(tree, node))
        assert tree.depth[node] == len(path(tree, node)) - 1
    starts = {tuple(answer[:n].tolist()) for answer in answers for n in range(1, len(answer) + 1)}
    assert len(tree.tokens) == len(starts)


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
