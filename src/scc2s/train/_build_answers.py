"""Questions with answers of a teacher: why one is not kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scc2s.metrics._keywords import names_keyword

from ._build_claims import Reader, content, jaccard, numbers, stands_in
from ._build_judging import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._build_items import Item

_OF_TEXT = re.compile(
    r"\b(?:the|this|that|these|our|your)\s+(?:\w+\s+)?(?:text|paper|article|abstract|passage|manuscript|publication|authors?)\b",
    re.IGNORECASE,
)


class ItemJudge:
    """Holds questions with answers against the text of their study.

    Parameters
    ----------
    labels, gene_names
        For :class:`Reader`.
    min_support
        Share of the words of an answer that the text has to have.
    max_alike
        Jaccard index of the words from which on two questions are one.
    """

    def __init__(
        self, labels: Sequence[str], gene_names: Sequence[str], *, min_support: float, max_alike: float
    ) -> None:
        self._reader = Reader(labels, gene_names)
        self._min_support, self._max_alike = min_support, max_alike

    def __call__(self, item: Item, text: str, others: Sequence[Item]) -> tuple[Verdict, list[str]]:
        """Why an item is not kept, beside these `others` of its study; and its keywords that stand in its answer."""
        keywords = [word for word in item.keywords if names_keyword(item.answer, word)]
        for found in (_form(item), self._keywords(item, keywords, text), self._claims(item, text)):
            if found.reason:
                return found, keywords
        words = content(item.question)
        if same := [one for one in others if jaccard(words, content(one.question)) >= self._max_alike]:
            return Verdict("repeats another question", same[0].question), keywords
        return Verdict(), keywords

    def _keywords(self, item: Item, keywords: Sequence[str], text: str) -> Verdict:
        if not item.keywords:
            return Verdict("no keywords")
        if wrong := [word for word in item.keywords if not names_keyword(text, word)]:
            return Verdict("keyword not in the text", ", ".join(wrong))
        if not keywords:
            return Verdict("no keyword in the answer", ", ".join(item.keywords))
        return Verdict()

    def _claims(self, item: Item, text: str) -> Verdict:
        said = f"{item.question} {item.answer}"
        if wrong := [gene for gene in self._reader.genes(said) if not stands_in(gene, text)]:
            return Verdict("gene not in the text", ", ".join(dict.fromkeys(wrong)))
        told = self._reader.types(text)
        if wrong := [one for one in self._reader.types(said) if not self._reader.related(one, told)]:
            return Verdict("cell type not in the text", ", ".join(dict.fromkeys(wrong)))
        if wrong := [number for number in numbers(item.answer) if number not in numbers(text)]:
            return Verdict("number not in the text", ", ".join(dict.fromkeys(wrong)))
        words = content(item.answer)
        supported = len(words & content(text)) / len(words) if words else 1.0
        if supported < self._min_support:
            return Verdict("answer hardly in the text", f"{supported:.0%} of its words")
        return Verdict()


def _form(item: Item) -> Verdict:
    """What can be told without the text."""
    if not item.question:
        return Verdict("no question")
    if not item.answer:
        return Verdict("no answer")
    if not item.question.endswith("?"):
        return Verdict("not a question", item.question)
    if match := _OF_TEXT.search(item.question):
        return Verdict("asks about the text", match[0])
    bare = item.answer.strip(" .")
    words = content(item.answer)
    told = words and words <= content(item.question) and set(numbers(item.answer)) <= set(numbers(item.question))
    if stands_in(bare, item.question) or told:
        return Verdict("question holds the answer", item.answer)
    return Verdict()
