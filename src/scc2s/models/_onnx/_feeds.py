"""What the graph is fed with: rows of tokens, what each token sees, and which tokens are asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scc2s.models._tree import Tree

NAMES = ("input_ids", "position_ids", "seen", "shares", "at", "targets")


@dataclass(frozen=True)
class Row:
    """One prompt, and what may stand after it."""

    ids: np.ndarray
    shares: np.ndarray | None = None
    """Weight of each token in the pooled state."""
    at: np.ndarray | None = None
    """Tokens to go on from."""
    targets: np.ndarray | None = None
    """Token after each of them."""
    tree: Tree | None = None
    """Answers whose tokens are the last of `ids`."""


def with_answer(prompt: np.ndarray, text: np.ndarray) -> Row:
    """A prompt with one answer, `text` being both."""
    return Row(text, at=np.arange(len(prompt) - 1, len(text) - 1), targets=text[len(prompt) :])


def with_tree(prompt: np.ndarray, tree: Tree, eos: int) -> Row:
    """A prompt with a tree of answers; asked about are the nodes, then the end of each answer."""
    at = len(prompt) + np.concatenate([tree.parent, tree.ends])  # the parent of a first token is the prompt's last
    targets = np.concatenate([tree.tokens, np.full(len(tree.ends), eos)])
    return Row(np.concatenate([prompt, tree.tokens]), at=at, targets=targets, tree=tree)


def feeds(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """Arrays for one run of the graph; rows are padded on the right, where no token sees what is after it.

    Examples
    --------
    >>> made = feeds([Row(np.array([5, 6, 7])), Row(np.array([8]))])
    >>> made["input_ids"].tolist(), made["seen"][0].astype(int).tolist()
    ([[5, 6, 7], [8, 8, 8]], [[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    """
    width = max(len(row.ids) for row in rows)
    positions = np.tile(np.arange(width, dtype=np.int64), (len(rows), 1))
    seen = np.tile(np.tri(width, dtype=bool), (len(rows), 1, 1))
    shares = np.zeros((len(rows), width), dtype=np.float32)
    at: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    for i, row in enumerate(rows):
        if row.shares is not None:
            shares[i, : len(row.ids)] = row.shares
        if row.at is not None and row.targets is not None:
            at.append(i * width + row.at)
            targets.append(row.targets)
        if row.tree is not None:
            end = len(row.ids)
            start = end - len(row.tree.tokens)
            positions[i, start:end] = start + row.tree.depth
            seen[i, start:end, start:end] = row.tree.sees
    ids = np.stack([np.pad(row.ids, (0, width - len(row.ids)), mode="edge") for row in rows])
    # One answer nobody asked for where there is none: not every operator takes an empty tensor.
    nothing = np.zeros(1, dtype=np.int64)
    asked = [np.concatenate(parts).astype(np.int64) if parts else nothing for parts in (at, targets)]
    return dict(zip(NAMES, (ids.astype(np.int64), positions, seen, shares, *asked), strict=True))
