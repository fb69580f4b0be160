"""The terms of an ontology, as `cellxgene-ontology-guide` ships them; read once, when first asked for."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Ontology = Literal["CL", "UBERON"]
ONTOLOGIES: tuple[Ontology, ...] = ("CL", "UBERON")
SHORT = 4
"""Characters up to which a synonym is an abbreviation: several of these mean other things elsewhere (IC, GM, PD), so
they count where our own table of names has them, and are suggestions otherwise."""
PACKAGE = "cellxgene_ontology_guide"


class Terms(NamedTuple):
    """Terms of an ontology that are in use."""

    name: str
    version: str
    """Of the ontology, e.g. ``"CL v2026-03-26"``."""
    labels: dict[str, str]
    """Label of each term, by id."""
    synonyms: dict[str, tuple[str, ...]]
    ancestors: dict[str, Mapping[str, int]]
    """Wider terms of each term, with the number of steps to them."""
    replaced: dict[str, str]
    """Ids out of use, and the term in use that replaces each."""

    def parents(self, term: str) -> set[str]:
        """Terms one step above."""
        return {above for above, steps in self.ancestors[term].items() if steps == 1}

    def long_synonyms(self, term: str) -> tuple[str, ...]:
        """Synonyms of a term but for abbreviations."""
        return tuple(name for name in self.synonyms[term] if len(name) > SHORT)


def installed() -> bool:
    """Whether the ontologies are there; nothing is imported."""
    return find_spec(PACKAGE) is not None


@cache
def terms(ontology: Ontology = "CL") -> Terms:
    """The terms of an ontology.

    Raises
    ------
    ImportError
        If the package that ships them is not installed.
    ValueError
        If it is another ontology.
    """
    if ontology not in ONTOLOGIES:
        msg = f"terms={ontology!r} is not an ontology that names are matched with; pass terms='CL' or terms='UBERON'"
        raise ValueError(msg)
    try:
        from cellxgene_ontology_guide.supported_versions import CXGSchema
    except ImportError as error:
        msg = 'names are matched with an ontology that is not installed; run: pip install "scc2s[ontology]"'
        raise ImportError(msg) from error
    schema = CXGSchema()
    entries: dict[str, Any] = schema.ontology(ontology)
    used = {term: entry for term, entry in entries.items() if not entry["deprecated"]}
    replaced = {
        t: str(e["replaced_by"]) for t, e in entries.items() if e["deprecated"] and e.get("replaced_by") in used
    }
    return Terms(
        ontology,
        f"{ontology} {schema.supported_ontologies[ontology]['version']}",
        {term: str(entry["label"]) for term, entry in used.items()},
        {term: tuple(entry.get("synonyms") or ()) for term, entry in used.items()},
        {term: {above: n for above, n in entry["ancestors"].items() if above in used} for term, entry in used.items()},
        replaced,
    )


def version() -> str | None:
    """Version of the Cell Ontology that names are read with; ``None`` where it is not installed."""
    return terms("CL").version if installed() else None
