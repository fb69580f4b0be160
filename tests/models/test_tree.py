from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.models._tree import build, trees

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
