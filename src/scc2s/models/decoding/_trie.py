from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = 0


@dataclass(frozen=True)
class GeneTrie:
    """Genes as a tree of tokens: from the root, each path to a node that stands for a gene spells its name.

    A gene whose name starts another (CD3, CD3D) stands at a node that has children.
    """

    gene: np.ndarray
    """Gene at each node, -1 where none ends."""
    path: np.ndarray
    """Genes x depth: nodes from the root to the gene; filled up with the last node + 1, the number of nodes."""
    start: np.ndarray
    """First child of each node in `child` and `token` (nodes + 1)."""
    child: np.ndarray
    token: np.ndarray
    """Token on the way to each child."""
    n_below: np.ndarray
    """Genes at or below each node."""

    @property
    def n_nodes(self) -> int:
        """Nodes, the root among them."""
        return len(self.gene)

    @cached_property
    def _forced(self) -> tuple[np.ndarray, np.ndarray]:
        only = np.diff(self.start) == 1
        only[ROOT] = False
        edge = np.minimum(self.start[:-1], max(0, len(self.child) - 1))
        here = np.arange(self.n_nodes)
        rows, going = [], only.copy()
        while going.any():
            rows.append(np.where(going, self.token[edge[here]], -1))
            here = np.where(going, self.child[edge[here]], here)
            going &= only[here] & (self.gene[here] < 0)
        return np.array(rows, dtype=np.int64).reshape(-1, self.n_nodes).T.copy(), here

    @property
    def chain(self) -> np.ndarray:
        """Tokens that can only follow after each node, up to the next gene or branch: nodes x most, -1 after them.

        Where a gene ends at the node they are the only way on to a longer name. None follow the root.
        """
        return self._forced[0]

    @property
    def chain_end(self) -> np.ndarray:
        """Node that those tokens lead to."""
        return self._forced[1]

    @cached_property
    def tokens(self) -> np.ndarray:
        """Tokens of the names, in order."""
        return np.unique(self.token)

    def renumbered(self, tokens: np.ndarray) -> GeneTrie:
        """The same tree over tokens counted by their place among `tokens`, which are in order."""
        return replace(self, token=np.searchsorted(tokens, self.token))

    @property
    def root_children(self) -> slice:
        """Where the children of the root stand."""
        return slice(int(self.start[ROOT]), int(self.start[ROOT + 1]))

    @property
    def widest(self) -> int:
        """Most children of a node that is not the root."""
        sizes = np.diff(self.start)
        return int(sizes[1:].max(initial=0))


def build(tokens: Sequence[Sequence[int] | np.ndarray]) -> GeneTrie:
    """Tree of genes, each given as its tokens.

    Raises
    ------
    ValueError
        A gene without tokens, or two genes with the same.

    Examples
    --------
    >>> trie = build([[5], [5, 6], [7]])
    >>> trie.gene.tolist(), trie.n_below.tolist()
    ([-1, 0, 1, 2], [3, 2, 1, 1])
    >>> trie.path.tolist()
    [[0, 1, 4], [0, 1, 2], [0, 3, 4]]
    >>> trie.chain.tolist(), trie.chain_end.tolist()
    ([[-1], [6], [-1], [-1]], [0, 2, 2, 3])
    """
    node_of: dict[tuple[int, int], int] = {}
    genes_at: dict[int, int] = {}
    paths = []
    for gene, row in enumerate(tokens):
        node, path = ROOT, [ROOT]
        for token in row:
            node = node_of.setdefault((node, int(token)), len(node_of) + 1)
            path.append(node)
        if node == ROOT or node in genes_at:
            msg = (
                f"gene {gene} has no tokens"
                if node == ROOT
                else f"genes {genes_at[node]} and {gene} have the same tokens"
            ) + "; leave one out: names=[...]"
            raise ValueError(msg)
        genes_at[node] = gene
        paths.append(path)
    n = len(node_of) + 1
    gene_of = np.full(n, -1, dtype=np.int64)
    gene_of[list(genes_at)] = list(genes_at.values())
    depth = max((len(path) for path in paths), default=1)
    padded = np.full((len(paths), depth), n, dtype=np.int64)
    for gene, path in enumerate(paths):
        padded[gene, : len(path)] = path
    n_below = np.bincount(padded.ravel(), minlength=n + 1)[:n]
    edges = np.array([(*key, node) for key, node in node_of.items()], dtype=np.int64).reshape(-1, 3)
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    start = np.searchsorted(edges[:, 0], np.arange(n + 1))
    return GeneTrie(gene_of, padded, start, edges[:, 2].copy(), edges[:, 1].copy(), n_below)
