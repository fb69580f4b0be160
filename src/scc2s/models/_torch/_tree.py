"""Answers as one tree of tokens, so that one forward pass reads them all and no shared start is read twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any


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


def mask(
    tree: Tree, lengths: torch.Tensor, width: int, *, config: Any, dtype: torch.dtype
) -> torch.Tensor | dict[str, torch.Tensor]:
    """Additive attention mask: a node sees the prompt of its row, and its own answer up to itself.

    Parameters
    ----------
    tree
        Nodes, the queries; also the last keys.
    lengths
        Tokens of each prompt.
    width
        Tokens of the padded prompts, the first keys.
    config
        Configuration of the model: layers with a sliding window see only that far back.
    dtype
        Number format of the model.

    Returns
    -------
    Rows x 1 x nodes x (width + nodes); with two kinds of layers, one of these for each kind.
    """
    device = lengths.device
    prompt = torch.arange(width, device=device).expand(len(lengths), -1)
    nodes = lengths[:, None] + torch.as_tensor(tree.depth, device=device)
    keys = torch.cat([prompt, nodes], dim=1)
    n = len(tree.tokens)
    seen = torch.cat(
        [
            (prompt < lengths[:, None])[:, None].expand(-1, n, -1),
            torch.as_tensor(tree.sees, device=device).expand(len(lengths), -1, -1),
        ],
        dim=2,
    )
    full = _additive(seen, dtype)
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if window is None or (kinds is not None and "sliding_attention" not in kinds):
        return full
    sliding = _additive(seen & (nodes[:, :, None] - keys[:, None] < window), dtype)
    return sliding if kinds is None else {"full_attention": full, "sliding_attention": sliding}


def _additive(seen: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, torch.finfo(dtype).min)[:, None]
