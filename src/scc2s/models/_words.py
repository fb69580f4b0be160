"""The words of a cell sentence in a prompt, and numbers of tokens brought to words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ._tokens import tokenize

if TYPE_CHECKING:
    from collections.abc import Sequence


def word_spans(text: str, span: tuple[int, int]) -> list[tuple[int, int]]:
    """First and last + 1 character of each word of a stretch of text.

    Examples
    --------
    >>> word_spans("Genes: CD3D LYZ", (7, 15))
    [(7, 11), (12, 15)]
    """
    return [found.span() for found in re.compile(r"\S+").finditer(text, *span)]


def own_tokens(tokenizer: Any, words: Sequence[str]) -> np.ndarray:
    """Which words are one token each, as they stand in a sentence: after a space, and not the token for unknown text.

    Parameters
    ----------
    tokenizer
        Of a model.
    words
        Words.
    """
    before = len(tokenize(tokenizer, [""]).ids[0])  # such as a token for the start of a text
    unknown = getattr(tokenizer, "unk_token_id", None)
    ids = [row[before:] for row in tokenize(tokenizer, [f" {word}" for word in words]).ids]
    return np.array([len(row) == 1 and row[0] != unknown for row in ids], dtype=bool)


def has_genes(tokenizer: Any) -> bool:
    """Whether a tokenizer was made for genes: it has tokens for most of a few that nearly every cell expresses.

    One made for text has hardly any gene as one token, and that says nothing about what its model knows.
    """
    human = own_tokens(tokenizer, _EVERYWHERE)
    mouse = own_tokens(tokenizer, [word.capitalize() for word in _EVERYWHERE])
    return bool(max(human.mean(), mouse.mean()) > 0.5)


_EVERYWHERE = ("B2M", "TMSB4X", "FTH1", "ACTB", "TPT1", "CD74", "VIM", "FTL", "ACTG1", "PFN1")


def merge_attention(attention: np.ndarray, offsets: np.ndarray, words: list[tuple[int, int]]) -> np.ndarray:
    """Attention between tokens brought to words: summed over the tokens attended to, mean over those that attend.

    Parameters
    ----------
    attention
        Tokens x tokens, rows attend to columns.
    offsets
        Characters of each token.
    words
        Characters of each word.

    Returns
    -------
    Words x words. Rows do not sum to 1: the rest goes to tokens of no word.

    Examples
    --------
    >>> attention = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    >>> merge_attention(attention, np.array([[0, 2], [2, 4], [5, 8]]), [(0, 4), (5, 8)]).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    starts, ends = np.array(words).reshape(-1, 2).T
    of = (np.maximum(offsets[:, :1], starts) < np.minimum(offsets[:, 1:], ends)).T.astype(np.float64)
    merged: np.ndarray = (of / np.maximum(1, of.sum(axis=1, keepdims=True))) @ attention @ of.T
    return merged
