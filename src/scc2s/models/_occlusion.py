"""How much each word of a prompt speaks for an answer: what is lost without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import spearmanr

from ._numbers import likelihoods

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from .decoding import ResponseCache


def occlusion(
    model: Any,
    prompts: Sequence[str],
    words: Sequence[Sequence[tuple[int, int]]],
    answers: Sequence[str],
    *,
    cache: str | PathLike[str] | ResponseCache | None = None,
    info: Mapping[str, Any] | None = None,
) -> list[np.ndarray]:
    """Log-likelihood of an answer after each prompt, less that after the prompt without each word.

    Leaving out one part at a time is occlusion (Zeiler and Fergus, ECCV 2014, arXiv:1311.2901).

    Parameters
    ----------
    model
        A model that gives log-likelihoods.
    prompts
        Texts.
    words
        First and last + 1 character of the words of each prompt.
    answers
        One for each prompt.
    cache, info
        As in :func:`scc2s.models._numbers.likelihoods`.

    Returns
    -------
    For each prompt a number for each of its words, in nats; above 0 where the word speaks for the answer.
    """
    asked, wanted = [], []
    for text, spans, answer in zip(prompts, words, answers, strict=True):
        asked.append(text)
        # With one of the spaces around it.
        asked += [text[:start] + text[end:].removeprefix(" ") for start, end in spans]
        wanted += [answer] * (len(spans) + 1)
    if not asked:
        return []
    logprob = likelihoods(model, asked, wanted, cache=cache, info=info).logprob
    parts = np.split(logprob, np.cumsum([len(spans) + 1 for spans in words])[:-1])
    return [part[0] - part[1:] for part in parts]


def rank_agreement(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> tuple[float, int]:
    """Mean of Spearman's correlation between two answers to the same questions, and over how many it was taken.

    Parameters
    ----------
    one, other
        Numbers of the words of each prompt. Prompts of less than three words, or with equal numbers, are left out.

    Returns
    -------
    The mean (NaN where no prompt is left) and the number of prompts.

    Examples
    --------
    >>> one, other = [np.array([1.0, 2.0, 3.0]), np.array([1.0])], [np.array([3.0, 2.0, 1.0]), np.array([1.0])]
    >>> mean, n = rank_agreement(one, other)
    >>> round(mean, 3), n
    (-1.0, 1)
    """
    each = [spearmanr(a, b).statistic for a, b in zip(one, other, strict=True) if len(a) > 2]
    each = [value for value in each if np.isfinite(value)]
    return (float(np.mean(each)) if each else float("nan")), len(each)
