"""Which parts of longer texts go into a prompt: those with most words of the question, as many as have room."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"\w{3,}")
_MOST_WORDS = 120
"""Of a passage: a longer paragraph is parted between sentences."""
_COMMON = frozenset({
    "and", "are", "between", "cell", "cells", "did", "does", "for", "from", "gene", "genes", "group", "groups", "had",
    "has", "have", "how", "into", "its", "main", "name", "not", "than", "that", "the", "their", "these", "this",
    "those", "was", "were", "what", "which", "with",
})  # fmt: skip


class Passage(NamedTuple):
    """Part of a text."""

    source: str
    """Name of the text, with the number of the part where it has several."""
    text: str


def passages(texts: Sequence[tuple[str, str]]) -> list[Passage]:
    r"""Paragraphs of texts, given with the name of each; long ones parted between sentences.

    Examples
    --------
    >>> [one.source for one in passages([("notes", "One.\n\nTwo."), ("paper", "Three.")])]
    ['notes, part 1', 'notes, part 2', 'paper']
    """
    out = []
    for source, text in texts:
        parts = [part for paragraph in _PARAGRAPH.split(text) for part in _short(" ".join(paragraph.split()))]
        names = [source] if len(parts) == 1 else [f"{source}, part {i}" for i in range(1, len(parts) + 1)]
        out += [Passage(name, part) for name, part in zip(names, parts, strict=True)]
    return out


def choose(
    found: Sequence[Passage], question: str, count_tokens: Callable[[Sequence[str]], Sequence[int]], most_tokens: int
) -> list[Passage]:
    """Passages with most words of a question, as far as they fit together; in the order that they were given in.

    Words of three letters and more count, each once, without the most common ones; of equal passages the first goes
    before the others. A passage that does not fit is passed over, never cut (scc2s definition).

    Examples
    --------
    >>> both = [Passage("a", "Blood of donors"), Passage("b", "Interferon was given")]
    >>> [one.source for one in choose(both, "What does interferon do?", lambda t: [len(x.split()) for x in t], 3)]
    ['b']
    """
    if not found:
        return []
    asked = _words(question)
    costs = [int(n) for n in count_tokens([one.text for one in found])]
    order = sorted(range(len(found)), key=lambda i: (-len(asked & _words(found[i].text)), i))
    taken, left = [], most_tokens
    for i in order:
        if costs[i] <= left:
            taken.append(i)
            left -= costs[i]
    return [found[i] for i in sorted(taken)]


def _short(paragraph: str) -> list[str]:
    if len(paragraph.split()) <= _MOST_WORDS:
        return [paragraph] if paragraph else []
    out: list[str] = []
    for sentence in _SENTENCE.split(paragraph):
        if out and len(out[-1].split()) + len(sentence.split()) <= _MOST_WORDS:
            out[-1] += f" {sentence}"
        else:
            out.append(sentence)
    return out


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.casefold()) if word not in _COMMON}
