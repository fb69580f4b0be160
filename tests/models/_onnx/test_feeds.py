from __future__ import annotations

import numpy as np

from scc2s.models._onnx._feeds import Row, feeds, with_answer, with_tree
from scc2s.models._tree import build


def test_answers_of_a_tree_see_the_prompt_and_their_own_way_alone():
    tree = build(np.arange(2), [np.array([7, 8]), np.array([9])])
    made = feeds([Row(np.arange(1, 8)), with_tree(np.array([5, 6]), tree, eos=0)])
    ids, seen, n = made["input_ids"][1], made["seen"][1], 2 + len(tree.tokens)
    assert ids[:n].tolist() == [5, 6, *tree.tokens.tolist()]
    assert made["position_ids"][1, 2:n].tolist() == (2 + tree.depth).tolist()
    assert seen[2:n, :2].all()
    assert (seen[2:n, 2:n] == tree.sees).all()
    assert not seen[2:n, n:].any()
    before = made["input_ids"].ravel()[made["at"]].tolist()
    assert sorted(zip(before, made["targets"].tolist(), strict=True)) == [(6, 7), (6, 9), (7, 8), (8, 0), (9, 0)]


def test_each_token_of_an_answer_is_asked_about_after_the_one_before():
    made = feeds([with_answer(np.array([5, 6]), np.array([5, 6, 7, 8]))])
    assert made["at"].tolist() == [1, 2]
    assert made["targets"].tolist() == [7, 8]


def test_rows_that_ask_nothing_still_give_the_graph_something():
    made = feeds([Row(np.array([3, 4]), shares=np.array([0.5, 0.5], dtype=np.float32))])
    assert made["at"].shape == made["targets"].shape == (1,)
    assert made["shares"].tolist() == [[0.5, 0.5]]
