"""All names of an ontology's terms, by what they say."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ._readings import any_order, everyday, in_order, words
from ._terms import SHORT, Ontology, terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._terms import Terms

ADDED = {"CL": "cell", "UBERON": "tissue"}
"""The word that names of an ontology often end with, and everyday ones leave out."""
_LEAST_ADDED = 2
"""Characters of a name that a final "cell" is added to: clusters are called A, B, C, or 1, 2, 3."""

Found = tuple[str, tuple[str, ...]]
"""How a name was matched, and the terms that it may mean: one, where it is matched."""


class Names(NamedTuple):
    """Terms by name, in the order of trust: labels, our own table, synonyms."""

    terms: Terms
    exact: list[tuple[str, dict[str, set[str]]]]
    """As they stand: of labels, and of synonyms."""
    ordered: list[tuple[str, dict[str, set[str]]]]
    """In one spelling, in their order."""
    unordered: list[tuple[str, dict[str, set[str]]]]
    everyday: dict[str, set[str]]
    """Without what everyday names leave out."""
    several: dict[str, tuple[str, ...]]
    """Names that are in use for several terms."""
    short: dict[str, set[str]]
    """Abbreviations that are only suggested."""
    roots: set[str]
    """The widest terms, which say nothing."""

    def find(self, name: str) -> Found:
        """How a name is matched, and with what; ``("", ())`` for none."""
        term = name.replace("_", ":", 1)
        if term in self.terms.labels:
            return "id", (term,)
        if term in self.terms.replaced:
            return "id", (self.terms.replaced[term],)
        if (several := self.several.get(in_order(words(name)))) is not None:
            return "several", several
        for by, table in self.exact:
            if name in table:
                return _one(by, table[name])
        return self.read(words(name))

    def read(self, found: list[str]) -> Found:
        """The same by words alone."""
        if not found:
            return "", ()
        added = ADDED[self.terms.name]
        spoken = [found] if added in found or len("".join(found)) < _LEAST_ADDED else [found, [*found, added]]
        for reading, tables in ((in_order, self.ordered), (any_order, self.unordered)):
            for one in spoken:
                for by, table in tables:
                    if (hit := table.get(reading(one))) is not None:
                        return _one(by if one is found and reading is in_order else _looser(by, one is found), hit)
        for one in spoken:
            for key in (any_order(one), everyday(one)):
                if key is not None and (hit := self.everyday.get(key)) is not None:
                    return _one("everyday", hit)
        return "", ()

    def suggest(self, name: str) -> str:
        """The term of the longest part of a name that is a name itself, of several the last; empty for none."""
        every = words(name)
        if (hit := self.short.get(in_order(every))) is not None:
            return min(hit)
        for n in range(len(every) - 1, 0, -1):
            for start in range(len(every) - n, -1, -1):
                _, hits = self.read(every[start : start + n])
                if len(hits) == 1 and hits[0] not in self.roots:
                    return hits[0]
        return ""


def _one(by: str, hit: set[str]) -> Found:
    return (by if len(hit) == 1 else "several"), tuple(sorted(hit))


def _looser(by: str, whole: bool) -> str:
    return by if by == "everyday" else "order" if whole else "everyday"


@cache
def names(ontology: Ontology = "CL") -> Names:
    """All names of an ontology's terms; made once."""
    known = terms(ontology)
    table = {term: some for term, some in own_names(ontology).items() if term in known.labels}
    label = [(term, name) for term, name in known.labels.items()]
    every = [(term, name) for term, some in known.synonyms.items() for name in some]
    ours = [(term, name) for term, some in table.items() for name in some]
    short = [(term, name) for term, name in every if len(name) <= SHORT]
    synonym = [(term, name) for term, name in every if len(name) > SHORT]
    spoken = [("spelling", [(term, words(name)) for term, name in some]) for some in (label, ours, synonym)]
    spoken[1] = ("everyday", [both for term, one in spoken[1][1] for both in _with(term, one, ADDED[ontology])])
    implied = [(term, key) for _, some in (spoken[0], spoken[2]) for term, one in some if (key := everyday(one))]
    several = {name: tuple(some) for name, some in _own()["several"].items() if some[0].startswith(f"{ontology}:")}
    return Names(
        known,
        [("label", _by_key(label)), ("everyday", _by_key(ours)), ("synonym", _by_key(synonym))],
        [(by, _by_key((term, in_order(one)) for term, one in some)) for by, some in spoken],
        [(by, _by_key((term, any_order(one)) for term, one in some)) for by, some in spoken],
        _by_key(implied),
        {in_order(words(name)): some for name, some in several.items()},
        _by_key((term, in_order(words(name))) for term, name in short),
        {term for term, above in known.ancestors.items() if not above},
    )


def _with(term: str, one: list[str], added: str) -> list[tuple[str, list[str]]]:
    """A name as it stands, and with the word that it leaves out."""
    return [(term, one)] if added in one else [(term, one), (term, [*one, added])]


def _by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for term, key in pairs:
        out.setdefault(key, set()).add(term)
    return out


def own_names(ontology: Ontology) -> dict[str, tuple[str, ...]]:
    """Everyday names of our own table, by id."""
    return {term: tuple(entry["names"]) for term, entry in _own()[ontology].items()}


@cache
def _own() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("everyday.toml").read_text(encoding="utf-8"))
