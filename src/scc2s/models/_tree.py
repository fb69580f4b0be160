"""Answers as one tree of tokens, so that one forward pass reads them all and no shared start is read twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Tree:
    """Tokens of some answers, each standing after its parent; parents come before children."""

    choices: np.ndarray
    """Numbers of the answers."""
    tokens: np.ndarray
    parent: np.ndarray
    """Node before each node, -1 for the end of the prompt."""
    depth: np.ndarray
    sees: np.ndarray
    """Nodes x nodes, bool: the node itself and all nodes on its way from the prompt."""
    ends: np.ndarray
    """Last node of each answer."""


def build(choices: np.ndarray, answers: Sequence[np.ndarray]) -> Tree:
    """Tree of some answers.

    Examples
    --------
    >>> tree = build(np.arange(3), [np.array([7, 8]), np.array([7, 9]), np.array([7])])
    >>> tree.tokens.tolist(), tree.parent.tolist(), tree.ends.tolist()
    ([7, 8, 9], [-1, 0, 0], [1, 2, 0])
    """
    nodes: dict[tuple[int, int], int] = {}
    depth, ends = [], []
    for choice in choices:
        node = -1
        for level, token in enumerate(answers[choice].tolist()):
            if (node, token) not in nodes:
                nodes[node, token] = len(nodes)
                depth.append(level)
            node = nodes[node, token]
        ends.append(node)
    parent, tokens = np.array(list(nodes), dtype=np.int64).T
    sees = np.eye(len(nodes), dtype=bool)
    for node, above in enumerate(parent):
        if above >= 0:
            sees[node] |= sees[above]
    return Tree(np.asarray(choices), tokens, parent, np.array(depth), sees, np.array(ends))


def trees(answers: Sequence[np.ndarray], limit: int) -> Iterator[Tree]:
    """All answers, in trees of at most `limit` tokens (or of one answer); those with the same start stand together."""
    order = sorted(range(len(answers)), key=lambda choice: answers[choice].tolist())
    group: list[int] = []
    size = 0
    for choice in order:
        if group and size + len(answers[choice]) > limit:
            yield build(np.array(group), answers)
            group, size = [], 0
        group.append(choice)
        size += len(answers[choice])
    if group:
        yield build(np.array(group), answers)
