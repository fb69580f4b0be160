"""The words of a cell sentence in a prompt, and numbers of tokens brought to words."""

from __future__ import annotations

import re

import numpy as np


def word_spans(text: str, span: tuple[int, int]) -> list[tuple[int, int]]:
    """First and last + 1 character of each word of a stretch of text.

    Examples
    --------
    >>> word_spans("Genes: CD3D LYZ", (7, 15))
    [(7, 11), (12, 15)]
    """
    return [found.span() for found in re.compile(r"\S+").finditer(text, *span)]


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
