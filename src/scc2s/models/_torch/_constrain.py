"""Holding what a model writes to genes: which tokens may come next, for all rows of a batch at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from scc2s.models.decoding._trie import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scc2s.models.decoding._trie import GeneTrie

_LOW = float("-inf")


class GeneConstraint:
    """State of a batch: where each row is in the tree of genes, and which genes it has written.

    A gene counts as written when its last token is there, and no longer when the next token goes on to a longer name.
    A node of a gene that is already written does not end a word, it is only a place on the way to longer names. Where a
    token may both go on with a name and begin the next gene, it goes on, as long as a gene that way is left.

    Parameters
    ----------
    trie
        The genes.
    lengths
        Genes each row is to write.
    vocab_size
        Columns of the scores: the tokens of the model, or those of the tree and the ends.
    ends
        Columns of the tokens that end an answer; a row ends with the first of them, as likely as the likeliest.
    exact
        Whether a row may not end earlier.
    device
        Where the scores are.
    """

    def __init__(
        self,
        trie: GeneTrie,
        lengths: np.ndarray,
        *,
        vocab_size: int,
        ends: Sequence[int],
        exact: bool,
        device: torch.device,
    ) -> None:
        def tensor(values: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(values, device=device)

        n = len(lengths)
        self.exact, self._vocab_size = exact, vocab_size
        self.end, self._ends = ends[0], tensor(np.array(ends))
        self._rows = torch.arange(n, device=device)
        self._lengths = tensor(lengths)
        self._gene, self._path = tensor(trie.gene), tensor(trie.path)
        self._start, self._child, self._token = tensor(trie.start), tensor(trie.child), tensor(trie.token)
        parents = torch.repeat_interleave(torch.arange(trie.n_nodes, device=device), self._start.diff())
        self._edge = parents * vocab_size + self._token  # sorted, as the tree is built
        root_child, root_token = self._child[trie.root_children], self._token[trie.root_children]
        self._begins = torch.full((vocab_size,), ROOT, device=device)  # node of the genes that a token begins
        self._begins[root_token] = root_child
        self._first_token = torch.full((trie.n_nodes + 1,), -1, device=device)
        self._first_token[root_child] = root_token
        self._branches = trie.widest > 0
        self._chain, self._chain_end = tensor(trie.chain), tensor(trie.chain_end)
        # One node more than there are: what a path is filled up with.
        self._remaining = tensor(trie.n_below).to(torch.int32).repeat(n, 1)
        self._remaining = torch.nn.functional.pad(self._remaining, (0, 1))
        # Minus infinity for tokens that begin no gene that is left to write, else 0: adding is quicker than a mask.
        self._closed = torch.full((n, vocab_size), _LOW, device=device)
        self._closed[:, root_token] = 0.0
        self._used = torch.zeros((n, len(trie.path)), dtype=torch.bool, device=device)
        self._node = torch.full((n,), ROOT, device=device)
        self._whole = torch.ones(n, dtype=torch.bool, device=device)  # after a whole gene, or at the start
        self._done = torch.zeros(n, dtype=torch.bool, device=device)
        self._count = torch.zeros(n, dtype=torch.int64, device=device)
        self._written = torch.full((n, int(lengths.max())), -1, device=device)
        self._steps_before_end = int(lengths.min()) if exact else 1  # a token is no more than a gene

    @property
    def done(self) -> torch.Tensor:
        """Rows that have ended."""
        return self._done

    def written(self) -> list[list[int]]:
        """Genes that each row has written, in order."""
        return [row[:n] for row, n in zip(self._written.tolist(), self._count.tolist(), strict=True)]

    def stop(self, rows: torch.Tensor) -> None:
        """End rows (a mask) where they are; a name that is not whole is not counted."""
        self._done |= rows.to(self._done.device)
        self._steps_before_end = 0

    def hold(self, scores: torch.Tensor) -> torch.Tensor:
        """Scores of the next token (changed in place): minus infinity for those that may not come."""
        inside = self._inside(scores) if self._branches else None
        end_scores = scores[:, self._ends].amax(dim=1) if not self._steps_before_end else None
        scores += self._closed
        more = self._whole
        if end_scores is not None:
            more = more & (self._count < self._lengths) & ~self._done
        if len(begin_none := self._rows[~more]):
            scores[begin_none] = _LOW
        if inside is not None:
            rows, tokens, kept = inside
            scores[rows, tokens] = kept
        if end_scores is not None:
            may_end = self._whole & (self._count >= (self._lengths if self.exact else 1))
            scores[:, self.end] = torch.where(may_end, end_scores, _LOW)
            scores[self._done, self.end] = 0.0  # a row that has ended is only filled up
        return scores

    def _inside(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
        """Rows, tokens and scores of the ways on from a node below the root: the rest of a name, or a longer one."""
        rows = self._rows[(self._node != ROOT) & ~self._done]
        if not len(rows):
            return None
        node = self._node[rows]
        first, n = self._start[node], self._start[node + 1] - self._start[node]
        widest = int(n.max())
        if not widest:
            return None
        at = torch.arange(widest, device=scores.device)
        there = at < n[:, None]
        edge = (first[:, None] + at).clamp(max=len(self._child) - 1)
        there &= self._remaining[rows[:, None], self._child[edge]] > 0
        row, token = rows[:, None].expand(-1, widest)[there], self._token[edge][there]
        return row, token, scores[row, token]

    def advance(self, tokens: torch.Tensor) -> None:
        """Take in the token that was chosen for each row."""
        node = self._begins[tokens]  # none for a row that has ended
        if self._branches:
            key = self._node * self._vocab_size + tokens
            edge = torch.searchsorted(self._edge, key).clamp_(max=len(self._edge) - 1)
            child = self._child[edge]
            deeper = (self._edge[edge] == key) & (self._remaining[self._rows, child] > 0)
            longer = deeper & self._whole & (self._node != ROOT)
            if bool(longer.any()):
                self._take_back(self._rows[longer])
            node = torch.where(deeper, child, node)
        self._node = node
        gene = self._gene[node]
        ends = (gene >= 0) & ~self._used[self._rows, gene]
        self._whole = ends
        if self._steps_before_end:
            self._steps_before_end -= 1
        else:
            self._done |= tokens == self.end
            self._whole = ends | self._done
        self._write(self._rows[ends], gene[ends])

    def skip(self, room: torch.Tensor) -> torch.Tensor:
        """Take in the tokens that are the only way on from where a row is.

        Parameters
        ----------
        room
            Most tokens for each row; a row for which its only way on is too long ends.

        Returns
        -------
        The tokens, rows x most tokens, filled up with -1.
        """
        here = torch.where(self._whole | self._done, ROOT, self._node)
        forced = self._chain[here]
        if not forced.shape[1]:
            return forced
        n = (forced >= 0).sum(dim=1)
        if bool((n > room).any()):
            self.stop(n > room)
        forced[self._done] = -1
        moves = (n > 0) & ~self._done
        self._node = torch.where(moves, self._chain_end[here], self._node)
        gene = self._gene[self._node]
        ends = moves & (gene >= 0) & ~self._used[self._rows, gene]
        self._whole |= ends
        self._write(self._rows[ends], gene[ends])
        return forced

    def _write(self, rows: torch.Tensor, genes: torch.Tensor) -> None:
        self._used[rows, genes] = True
        self._written[rows, self._count[rows]] = genes
        self._count[rows] += 1
        path = self._path[genes]
        self._remaining[rows[:, None], path] -= 1
        self._close(rows, path[:, 1])
        if self.exact and not self._steps_before_end:
            last = (self._count[rows] >= self._lengths[rows]) & (self._remaining[rows, self._node[rows]] == 0)
            self._done[rows] |= last  # there is no longer name to go on to

    def _take_back(self, rows: torch.Tensor) -> None:
        genes = self._gene[self._node[rows]]
        self._used[rows, genes] = False
        self._count[rows] -= 1
        path = self._path[genes]
        self._remaining[rows[:, None], path] += 1
        self._close(rows, path[:, 1])

    def _close(self, rows: torch.Tensor, first: torch.Tensor) -> None:
        """Close the way to the genes at or below the first node of a path when none of them is left, else open it."""
        none_left = self._remaining[rows, first] == 0
        self._closed[rows, self._first_token[first]] = torch.where(none_left, _LOW, 0.0)
