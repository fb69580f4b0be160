"""Whether a text that a teacher wrote keeps to what it was given: genes, cell types, organisms, numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scc2s.programs import Markers
from scc2s.programs import markers as shipped
from scc2s.programs._type_names import TypeNames
from scc2s.prompts._mentions import mentions
from scc2s.prompts._organism import ALIASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LETTERS = re.compile(r"[^\W\d_]{2}")
_SHORT_ORGANISMS = {"rat", "rats", "mice"}
_ORGANISMS = {**{k: v for k, v in ALIASES.items() if len(k) > 4 or k in _SHORT_ORGANISMS}, "murine": "Mus musculus"}
"""Names of organisms that prose has in no other sense; "man", "fly" and "cat" are none of them."""
_ORGANISM = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(map(re.escape, _ORGANISMS), key=len, reverse=True))})(?!\w)")
_NUMBER = re.compile(r"(?<![\w.,\-])\d+(?:[.,]\d+)*(?![\w\-])")
_WORD = re.compile(r"[^\W_]{3,}")
_COMMON = frozenset({
    "about", "all", "also", "and", "are", "because", "been", "between", "both", "but", "can", "cell", "cells", "did",
    "does", "for", "from", "gene", "genes", "had", "has", "have", "how", "into", "its", "may", "more", "most", "not",
    "other", "than", "that", "the", "their", "them", "then", "these", "they", "this", "those", "through", "was", "were",
    "what", "when", "where", "which", "while", "who", "whose", "why", "with", "would",
})  # fmt: skip


class Reader:
    """Reads what texts name.

    Parameters
    ----------
    labels
        Names of cell types that the data have, beside those of :func:`scc2s.programs.markers`.
    gene_names
        Genes of the data, so that those are found that do not look like symbols in prose (``Actb``).
    """

    def __init__(self, labels: Iterable[str], gene_names: Sequence[str]) -> None:
        known = shipped()
        own = {label: Markers(label, [label]) for label in labels if label not in known and _LETTERS.search(label)}
        self._types = TypeNames({**known, **own})
        self._bare = TypeNames(known)
        self._gene_names = list(gene_names)
        self._labels = {**known, **own}

    def genes(self, text: str, *, ignore: Iterable[str] = ()) -> list[str]:
        """Genes, and words that look like a gene; names of cell types, and phrases in `ignore`, are none."""
        (found,) = mentions([text], self._gene_names, ignore=[*self._types.phrases, *ignore])
        return [*found.genes, *found.unknown]

    def about(self, text: str) -> str | None:
        """The cell type that a text is about."""
        return self._types.read(text)

    def types(self, text: str) -> list[str]:
        """All cell types that it names."""
        return self._types.named(text)

    def types_of_label(self, label: str) -> set[str]:
        """What a label of the data says: itself, and the types in it."""
        own = {label} if label in self._labels else set()
        return own | set(self._types.named(label)) | set(self._bare.named(label))

    def related(self, one: str, others: Iterable[str]) -> bool:
        """Whether a type is a kind of one of the others, or the other way round."""
        return any(self._types.related(one, other) for other in others)

    def organisms(self, text: str) -> dict[str, str]:
        """Word and scientific name of organisms."""
        return {word: _ORGANISMS[word] for word in _ORGANISM.findall(text.casefold())}


def stands_in(phrase: str, text: str) -> bool:
    """Whether a text has these words, in any capitals.

    Examples
    --------
    >>> stands_in("Cd3d", "CD3D, CD3E"), stands_in("CD3", "CD3D, CD3E")
    (True, False)
    """
    words = r"[\s\-]+".join(map(re.escape, phrase.split()))
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE) is not None


def numbers(text: str) -> list[str]:
    """Numbers that stand alone.

    Examples
    --------
    >>> numbers("12.5 % of 3,000 CD4 T cells of 2 donors, day-7")
    ['12.5', '3,000', '2']
    """
    return _NUMBER.findall(text)


def content(text: str) -> set[str]:
    """Words of three characters and more that say something, without a plural s.

    Examples
    --------
    >>> sorted(content("Which genes are higher in B cells than in monocytes?"))
    ['higher', 'monocyte']
    """
    words = {word.casefold() for word in _WORD.findall(text)} - _COMMON
    return {word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words}


def jaccard(a: set[str], b: set[str]) -> float:
    """Words in common over words of both (Jaccard index); 1 for two empty sets.

    Examples
    --------
    >>> jaccard({"a", "b"}, {"b", "c"})
    0.3333333333333333
    """
    return len(a & b) / len(a | b) if a or b else 1.0
