from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ._organism import guess_organism

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORD = re.compile(r"(?P<word>[^\W_](?:[\w.\-]*\w)?)(?P<sign>[+\-](?!\w))?")
_SYMBOL = {
    "human": re.compile(r"(?=(?:[^A-Z]*[A-Z]){2})(?=.{3,})[A-Z][A-Z0-9]*(?:[.\-][A-Z0-9]+)*$"),
    "mouse": re.compile(r"[A-Z][a-z]+\d+[a-z0-9]*(?:-[A-Za-z0-9]+)?$"),
}
_CD = re.compile(r"CD\d+$", re.IGNORECASE)
_NO_SYMBOLS = {
    "ADT", "AIDS", "AML", "BCR", "BMI", "CLL", "CMV", "CNS", "COVID", "CP10K", "DNA", "EBV", "ECM", "FACS", "G2M",
    "GVHD", "HIV", "HLA", "IFN", "III", "ILC", "MAIT", "MHC", "MRNA", "NKT", "PBMC", "PCA", "RNA", "RRNA", "SARS",
    "SLE", "TCR", "TH17", "TRNA", "UMAP", "UMI", "USA", "VII", "VIII",
}  # fmt: skip
"""Words in capitals that prose about cells has, and that are not genes."""


class Mentions(NamedTuple):
    """What a text says of genes, each once, in order of appearance."""

    genes: list[str]
    """Genes it names, as they are written among the names."""
    unknown: list[str]
    """Words that look like gene symbols and are none of the names."""


def mentions(texts: Iterable[str], names: Sequence[str], *, ignore: Iterable[str] = ()) -> list[Mentions]:
    """Genes that prose names, such as a caption that a language model wrote (scc2s definition).

    A word names a gene if it is one of `names` as it stands (and holds a capital or a digit, since ``was`` and ``for``
    are genes of the fly), or without its dashes (``IL-2``), or in other capitals where it holds a digit (``cd3d``); of
    words tied by dashes that are not one name (``CD79A-expressing``) each counts. Not taken for genes are phrases
    in `ignore`, and what has a sign after it: the CD14 of ``CD14+`` is a protein on the surface.

    Any other word of capitals and digits looks like a symbol (where `names` are those of mouse genes: a capital, small
    letters, a digit), and is unknown; but for usual abbreviations (``RNA``), and for the name of a complex whose
    subunits are among `names` (``CD3``, ``HLA-DR``).

    Parameters
    ----------
    texts
        What was written.
    names
        Genes of the data set.
    ignore
        Names of cell types and the like: the CD4 of a ``CD4 T cell`` says what it is called, not what it expresses.
        A phrase that is a gene of `names` itself does not count.

    Returns
    -------
    One entry a text.

    Examples
    --------
    >>> mentions(["A CD4 T cell, marked by CD3D and QXZ9."], ["CD3D", "CD4"], ignore=["CD4 T cell"])
    [Mentions(genes=['CD3D'], unknown=['QXZ9'])]
    """
    reader = _Reader(names, ignore)
    return [reader.read(text) for text in texts]


class _Reader:
    def __init__(self, names: Sequence[str], ignore: Iterable[str]) -> None:
        self._names = list(names)
        self._known = {name: name for name in names if len(name) > 1 and (name != name.lower() or _has_digit(name))}
        folded: dict[str, list[str]] = {}
        for name in self._known:
            folded.setdefault(name.casefold(), []).append(name)
        self._folded = {key: same[0] for key, same in folded.items() if len(same) == 1}
        phrases = sorted({p for p in map(str, ignore) if p and p not in self._known}, key=len, reverse=True)
        self._ignored = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))})s?(?!\w)", re.IGNORECASE)
        self._ignores = bool(phrases)

    @cached_property
    def _complexes(self) -> set[str]:
        """CD numbers, and stems without a digit, that a name has with one or two more characters for the subunit."""
        cuts = [(name[:-n], name[-n]) for name in self._known for n in (1, 2) if len(name) - n > 1]
        return {s for s, rest in cuts if not _has_digit(s) or (_CD.match(s) and not rest.isdigit())}

    @cached_property
    def _symbol(self) -> re.Pattern[str]:
        return _SYMBOL["mouse" if guess_organism(self._names) == "Mus musculus" else "human"]

    def read(self, text: str) -> Mentions:
        shouts = text == text.upper()
        genes: list[str] = []
        unknown: list[str] = []
        for match in _WORD.finditer(self._ignored.sub(" ", text) if self._ignores else text):
            word = match["word"]
            if match["sign"]:
                continue
            if found := self._genes(word):
                genes += found
            elif self._symbol.match(word) and (_has_digit(word) or not shouts) and not self._is_other(word):
                unknown.append(word)
        return Mentions(list(dict.fromkeys(genes)), list(dict.fromkeys(unknown)))

    def _genes(self, word: str) -> list[str]:
        whole = self._gene(word) or self._gene(word.replace("-", ""))
        if whole is not None:
            return [whole]
        return [gene for part in word.split("-") if (gene := self._gene(part)) is not None] if "-" in word else []

    def _gene(self, word: str) -> str | None:
        found = self._known.get(word)
        return self._folded.get(word.casefold()) if found is None and _has_digit(word) else found

    def _is_other(self, word: str) -> bool:
        bare = re.sub(r"-\d+$", "", word).upper()  # COVID-19
        return bare in _NO_SYMBOLS or word in self._complexes


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))
