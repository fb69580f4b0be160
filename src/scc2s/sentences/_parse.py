from __future__ import annotations

import string
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ._names import words
from ._places import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Parsed:
    """Genes read from sentences, one row a sentence."""

    ranks: np.ndarray
    """int32, cells x k: index of the gene at each place, best first; -1 where none stands (unknown word, the end)."""
    n_words: np.ndarray
    """Words in each text."""
    n_valid: np.ndarray
    """Words that are a gene, repeats counted."""
    n_unique: np.ndarray
    """Different genes."""

    @property
    def invalid_rate(self) -> np.ndarray:
        """Share of words that are not genes; 0 for a text without words."""
        return 1 - _ratio(self.n_valid, self.n_words)

    @property
    def duplicate_rate(self) -> np.ndarray:
        """Share of valid words that repeat a gene; 0 for a text without valid words."""
        return 1 - _ratio(self.n_unique, self.n_valid)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = np.divide(part, whole, out=np.ones(len(whole)), where=whole > 0)
    return ratio


def parse(
    texts: Iterable[str],
    names: Sequence[str],
    *,
    duplicates: Literal["mean", "c2s"] = "mean",
    unknown: Literal["keep", "drop"] = "keep",
) -> Parsed:
    """Read cell sentences, such as a language model writes them, back to ranked genes.

    A word is a gene if it is one of `names` as it stands; else if it is one of them in other capitals, and only of one;
    else if that holds once punctuation at its ends is off. Everything else is an unknown word, and is counted.

    Parameters
    ----------
    texts
        Sentences: words parted by white space.
    names
        Names of the genes (white space inside a name is written ``_``, as :func:`words` does).
    duplicates
        Place of a gene that comes more than once. ``"mean"``: the mean of its places, among all words of the text;
        where two means are equal, the gene that came fewer times stands first, then the one that came first (scc2s
        definition, after the averaging of ranks in Levine et al., ICML 2024). ``"c2s"``: as ``cell2sentence`` 1.2.0
        does it, where places are those of a list that shrinks with every gene, and means are cut to whole numbers.
    unknown
        ``"keep"``: an unknown word holds its place, so that the genes after it keep their rank. ``"drop"``: they
        move up.

    Returns
    -------
    The ranked genes and the counts of words. Column j of ``ranks`` is rank j + 1.

    Raises
    ------
    TypeError
        If `texts` is one string, or holds something else than strings.
    ValueError
        If two names stand for the same word.

    Examples
    --------
    >>> parsed = parse(["B A B C.", "x A"], ["A", "B", "C"])
    >>> parsed.ranks.tolist()
    [[0, 1, 2], [-1, 0, -1]]
    >>> parsed.invalid_rate.tolist(), parsed.n_unique.tolist()
    ([0.0, 0.5], [3, 1])
    """
    check_reading(duplicates, unknown)
    if isinstance(texts, str):
        msg = "texts is a single string; pass a list of sentences, e.g. parse([text], names)"
        raise TypeError(msg)
    gene_of = _Lookup(words(names)).__getitem__
    genes = array("i")
    n_words = []
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            msg = f"sentence {i} is of type {type(text).__name__}; pass strings, '' for a cell without a sentence"
            raise TypeError(msg)
        found = text.split()
        genes.extend(map(gene_of, found))
        n_words.append(len(found))
    counts = np.array(n_words, dtype=np.int64)
    longest = int(counts.max(initial=1))
    ranks = np.full((len(counts), longest), -1, dtype=np.int32)
    ranks[np.arange(longest) < counts[:, None]] = np.frombuffer(genes, dtype=np.int32) if genes else []
    n_valid, n_unique = place(ranks, counts, len(names), shrinking=duplicates == "c2s", keep_unknown=unknown == "keep")
    reached = np.flatnonzero((ranks >= 0).any(axis=0))
    return Parsed(ranks[:, : 1 + int(reached[-1]) if len(reached) else 1], counts, n_valid, n_unique)


def check_reading(duplicates: str, unknown: str) -> None:
    """Raise for a way of reading that there is not."""
    for argument, value, known in (("duplicates", duplicates, ("mean", "c2s")), ("unknown", unknown, ("keep", "drop"))):
        if value not in known:
            msg = f"{argument}={value!r} is not known; pass {known[0]!r} or {known[1]!r}"
            raise ValueError(msg)


def codes_of(spelled: Sequence[str], names: Sequence[str]) -> np.ndarray | None:
    """Gene of each word as :func:`parse` reads it, -1 where it is not a gene; ``None`` where one is not a single word.

    `names` are what :func:`words` gives.

    Examples
    --------
    >>> codes_of(["b", "A", "x"], ["A", "B"]).tolist()
    [1, 0, -1]
    """
    spelled, names = list(spelled), list(names)
    if spelled == names:
        return np.arange(len(names), dtype=np.int32)
    if " ".join(spelled).split() != spelled:
        return None
    gene_of = {name: i for i, name in enumerate(names)}
    if not all(word in gene_of for word in spelled):
        gene_of = _Lookup(names)
    return np.fromiter((gene_of[word] for word in spelled), np.int32, len(spelled))


class _Lookup(dict[str, int]):
    """Word to index of gene, -1 for a word that is none; each new spelling is looked into once."""

    def __init__(self, names: list[str]) -> None:
        super().__init__((name, i) for i, name in enumerate(names))
        spellings = Counter(name.casefold() for name in names)
        self._folded = {f: i for i, f in enumerate(map(str.casefold, names)) if spellings[f] == 1}
        self._exact = dict(self)

    def __missing__(self, word: str) -> int:
        bare = word.strip(string.punctuation)
        index: int = self._folded.get(word.casefold(), self._exact.get(bare, self._folded.get(bare.casefold(), -1)))
        self[word] = index
        return index
