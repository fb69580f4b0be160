from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from scc2s.ontology import match, synonyms
from scc2s.ontology._terms import installed, terms

from ._markers import markers as shipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._markers import Markers

_DENIED = re.compile(
    r"\b(?:no|not|unlike|than|without|nor|neither|lacks?|excludes?|excluding)(?: (?:an?|the|of|any))* $"
)
"""What stands before the name of a type that a text says the cells are not."""
_SHORT = 4
"""Letters up to which a name of the ontology is an abbreviation, and not read in prose."""


class TypeNames:
    """The cell types of a table of markers: which of them a text names, and which are kinds of each other.

    Parameters
    ----------
    markers
        The table. Labels that are types of the package's own table, by whatever name, have its other names and its
        wider types too; with the extra ``ontology`` all labels have the names of the Cell Ontology, and those that are
        not in the package's table its wider types.
    """

    def __init__(self, markers: Mapping[str, Markers]) -> None:
        known = {_plain(phrase): name for name, phrases in _names().items() for phrase in phrases}
        self._markers = markers
        self._type = {label: known.get(_plain(label), label) for label in markers}
        self.phrases: list[str] = []
        """Every name of every type."""
        self._label: dict[str, str] = {}
        for label, name in self._type.items():
            for phrase in (label, *_names().get(name, ())):
                self.phrases.append(phrase)
                self._label.setdefault(_plain(phrase), label)
        for label in markers:
            self._label[_plain(label)] = label
        self._term: dict[str, str] = {}
        if installed():
            self._term = {str(label): str(term) for label, term in match(markers)["id"].items() if term}
            for phrase, label in synonyms(markers).items():
                if _says_enough(phrase) and self._label.setdefault(_plain(phrase), label) == label:
                    self.phrases.append(phrase)
        patterns = [re.escape(phrase) for phrase in sorted(self._label, key=len, reverse=True) if phrase]
        self._pattern = re.compile(rf"\b({'|'.join(patterns) or '(?!)'})s?\b(?! receptor)")

    def read(self, text: str) -> str | None:
        """The label of the type that a text is about; ``None`` where it names none.

        Longer names go before shorter ones, the first one named before others, and a narrower type named after it
        before the wider one. Capitals, dashes, accents and plural do not count. What a text says the cells are not
        (``unlike T cells``) is not what it is about.
        """
        found = self.named(text)
        label = found[0] if found else None
        for other in found[1:]:
            if label != other and self._is_wider(str(label), other):
                label = other
        return label

    def named(self, text: str) -> list[str]:
        """Labels of all types that a text names, in order; those that it says the cells are not are left out."""
        plain = _plain(text)
        return [
            self._label[match[1]]
            for match in self._pattern.finditer(plain)
            if not _DENIED.search(plain[: match.start()])
        ]

    def related(self, a: str, b: str) -> bool:
        """Whether one is a kind of the other, or the same."""
        return self._is_wider(a, b) or self._is_wider(b, a)

    def _is_wider(self, a: str, b: str) -> bool:
        """Whether `b` is a kind of `a`, or the same: by the tables, and by the ontology for types that ours lacks."""
        if self._type[a] in self._wider(b):
            return True
        if {self._type[a], self._type[b]} <= set(shipped()) or not {a, b} <= set(self._term):
            return False
        x, y = self._term[a], self._term[b]
        return x == y or x in terms("CL").ancestors[y]

    def _wider(self, label: str) -> list[str]:
        """The type of a label and the wider ones that it belongs to."""
        up = {self._type[name]: one.kind_of for name, one in self._markers.items() if one.kind_of}
        up = {name: one.kind_of for name, one in shipped().items() if one.kind_of} | up
        out = [self._type[label]]
        while (wider := up.get(out[-1])) and wider not in out:
            out.append(self._type.get(wider, wider))
        return out


def _says_enough(phrase: str) -> bool:
    """Whether a name of the ontology can be read in prose, where ``A cell`` is any cell."""
    plain = _plain(phrase)
    return len(plain) > _SHORT and not plain.startswith(("a ", "i "))


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """All names of each type of the package's table, its own first."""
    more = tomllib.loads(Path(__file__).with_name("type_names.toml").read_text(encoding="utf-8"))
    return {name: (name, *more.get(name, ())) for name in shipped()}


def _plain(text: str) -> str:
    """Words without capitals, accents, signs and plural, parted by single spaces."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    words = re.sub(r"[\W_]+", " ", letters).split()
    return " ".join(word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words)
