"""A vocabulary of genes in the tokens of a model: what sentences cost, and where they end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ._constrain import GeneConstraint

if TYPE_CHECKING:
    from scc2s.models.decoding import GeneVocabulary
    from scc2s.models.decoding._trie import GeneTrie

    from ._decoder import Decoder
    from ._vocabulary import Tries


@dataclass(frozen=True)
class Plan:
    """What to write after each prompt, in tokens."""

    genes: GeneVocabulary
    trie: GeneTrie
    sizes: np.ndarray
    """Tokens of each gene."""
    words: np.ndarray
    """Genes to write after each prompt."""
    ends: list[int]
    """Tokens that end an answer."""
    most: int | None
    """Longest answer in tokens, where the caller set one."""

    @classmethod
    def make(cls, genes: GeneVocabulary, tries: Tries, n_prompts: int, ends: list[int], most: int | None) -> Plan:
        """Look up the tokens of the genes.

        Raises
        ------
        ValueError
            The model has no end token, or its tokenizer cannot write some genes.
        """
        if not ends:
            msg = "the tokenizer has no end token, so a sentence has no end; set it: model.tokenizer.eos_token = ..."
            raise ValueError(msg)
        return cls(genes, *tries.get(genes.names), genes.lengths(n_prompts), ends, most)

    def expected(self, rows: np.ndarray) -> np.ndarray:
        """Tokens of each answer with its end token, were the genes drawn at random."""
        found: np.ndarray = np.ceil(self.words[rows] * self.sizes.mean()).astype(np.int64) + 1
        return found if self.most is None else np.minimum(found, self.most)

    def check(self, rows: np.ndarray, lengths: np.ndarray, context: int | None) -> None:
        """Refuse prompts after which the genes will not fit.

        Raises
        ------
        ValueError
            With the number of genes that does.
        """
        if context is None:
            return
        long = np.flatnonzero(lengths + self.expected(rows) > context)
        if not long.size:
            return
        row = int(long[0])
        fits = max(0, int((context - lengths[long].max() - 1) / self.sizes.mean()))
        mend = f"ask for fewer genes: n_genes={fits}" if fits else "show fewer genes in the prompts"
        msg = (
            f"{long.size} sentences do not fit the context of {context} tokens (prompt {rows[row]} has {lengths[row]}, "
            f"and {self.words[rows[row]]} genes of {self.sizes.mean():.1f} tokens take about "
            f"{int(self.expected(rows)[row])} more); {mend}"
        )
        raise ValueError(msg)

    def room(self, rows: np.ndarray, lengths: np.ndarray, context: int | None) -> np.ndarray:
        """Most tokens that each answer may take: those of the longest names, as far as its own context goes."""
        most: np.ndarray = self._longest[self.words[rows] - 1] + 1
        if context is not None:
            most = np.minimum(most, context - lengths)
        return most if self.most is None else np.minimum(most, self.most)

    @cached_property
    def _longest(self) -> np.ndarray:
        """Tokens of the longest gene, the two longest genes, and so on."""
        return np.cumsum(np.sort(self.sizes)[::-1])

    @cached_property
    def tokens(self) -> np.ndarray:
        """Tokens that an answer can consist of, in order."""
        return np.union1d(self.trie.tokens, self.ends)

    @cached_property
    def _renumbered(self) -> GeneTrie:
        return self.trie.renumbered(self.tokens)

    def constraint(self, rows: np.ndarray, decoder: Decoder, *, own_tokens: bool = False) -> GeneConstraint:
        """State for a batch of these rows, over all tokens of the model, or those of :attr:`tokens` counted from 0."""
        return GeneConstraint(
            self._renumbered if own_tokens else self.trie,
            self.words[rows],
            vocab_size=len(self.tokens) if own_tokens else decoder.config.vocab_size,
            ends=np.searchsorted(self.tokens, self.ends).tolist() if own_tokens else self.ends,
            exact=self.genes.exact,
            device=decoder.device,
        )

    def texts(self, constraint: GeneConstraint) -> list[str]:
        """What each row of a batch has written."""
        return ["".join(f" {self.genes.names[gene]}" for gene in row) for row in constraint.written()]
