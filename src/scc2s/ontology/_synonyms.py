from __future__ import annotations

from typing import TYPE_CHECKING

from ._match import match
from ._names import own_names
from ._terms import terms as terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._terms import Ontology


def synonyms(labels: Iterable[str], *, terms: Ontology = "CL") -> dict[str, str]:
    """Other names of your labels, for `synonyms=` of :func:`scc2s.tl.annotate` and :func:`scc2s.tl.compare_labels`.

    Parameters
    ----------
    labels
        Labels as you write them; those that are no term of the ontology have no other names.
    terms
        ``"CL"``, cell types (Cell Ontology), or ``"UBERON"``, tissues.

    Returns
    -------
    Label by name: the ontology's label and synonyms, and our everyday names, of the term that each label means. No name
    that is a label itself, and none of a term that two labels mean.

    Raises
    ------
    ImportError
        Without the extra ``ontology``: ``pip install "scc2s[ontology]"``.
    ValueError
        If `terms` is another ontology.

    Examples
    --------
    >>> synonyms(["Treg", "tumor 5"])["regulatory T lymphocyte"]
    'Treg'
    """
    table = match(labels, terms=terms)
    table = table[(table["id"] != "") & ~table["id"].duplicated(keep=False)]
    known = terms_of(terms)
    out: dict[str, str] = {}
    for label, term in table["id"].items():
        for name in (known.labels[term], *own_names(terms).get(term, ()), *known.long_synonyms(term)):
            out.setdefault(name, str(label))
    return {name: label for name, label in out.items() if name not in table.index}
