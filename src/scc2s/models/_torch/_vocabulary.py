"""The tokens of the genes that a model may write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.models._tokens import tokenize
from scc2s.models.decoding._trie import GeneTrie, build

if TYPE_CHECKING:
    from collections.abc import Sequence

# What a gene can stand after: the end of a prompt, and another gene.
_BEFORE = ("Genes:", "Genes: CD3")


def gene_tokens(tokenizer: Any, names: Sequence[str]) -> list[np.ndarray]:
    """Token ids of each gene as a word after other words, its space included.

    Raises
    ------
    ValueError
        Names that this tokenizer cannot write: their tokens depend on what stands before them, or read as another name.
    """
    found = [_behind(tokenizer, before, names) for before in _BEFORE]
    joint = [a is not None and b is not None and np.array_equal(a, b) for a, b in zip(*found, strict=True)]
    tokens = [row if row is not None else np.empty(0, dtype=np.int32) for row in found[0]]
    written = tokenizer.batch_decode([row.tolist() for row in tokens], clean_up_tokenization_spaces=False)
    wrong = [name for name, text, same in zip(names, written, joint, strict=True) if not same or text.strip() != name]
    if wrong:
        msg = (
            f"the tokenizer of this model cannot write {len(wrong)} of {len(names)} genes, e.g. "
            f"{', '.join(map(repr, wrong[:3]))}; leave them out: sc.pp.c2s_sentences(adata, exclude=[...])"
        )
        raise ValueError(msg)
    return tokens


def _behind(tokenizer: Any, before: str, names: Sequence[str]) -> list[np.ndarray | None]:
    alone, *joint = tokenize(tokenizer, [before, *(f"{before} {name}" for name in names)]).ids
    n = len(alone)
    return [row[n:] if len(row) > n and np.array_equal(row[:n], alone) else None for row in joint]


class Tries:
    """Trees of the vocabularies that a model was last asked to write with; building one takes longer than a step."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._last: dict[tuple[str, ...], tuple[GeneTrie, np.ndarray]] = {}

    def get(self, names: Sequence[str]) -> tuple[GeneTrie, np.ndarray]:
        """The tree, and the number of tokens of each gene."""
        key = tuple(names)
        if key not in self._last:
            tokens = gene_tokens(self._tokenizer, key)
            built = build(tokens), np.array([len(row) for row in tokens])
            self._last = {**dict(list(self._last.items())[-3:]), key: built}
        return self._last[key]
