from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ._names import names as names_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ._terms import Ontology

HOW = ("id", "given", "label", "synonym", "spelling", "order", "everyday")
"""How a name may be matched, from the strictest on."""


def match(names: Iterable[str], *, terms: Ontology = "CL", synonyms: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Free names of cell types or tissues as terms of an ontology, and those that are none.

    A name is tried in this order; what would mean two terms is not matched: as an id; as one of `synonyms`; letter for
    letter as a label, a name of our own table of everyday names, or a synonym of the ontology; the same without case,
    accents, punctuation, signs spelled out (``CD4+`` is ``CD4-positive``), plural, and with ``cell`` (``tissue``) at
    the end where that is missing; with the words in any order; and without ``alpha-beta`` and ``thymus-derived``, which
    everyday names of CD4 and CD8 T cells leave out. Synonyms of up to four letters (``IC``, ``GM``) mean several things
    in practice, and count only where our own table has them. Nothing is matched by resemblance (scc2s definition).

    Parameters
    ----------
    names
        Names, each matched once however often it is there; missing ones are left out.
    terms
        ``"CL"``, cell types (Cell Ontology), or ``"UBERON"``, tissues.
    synonyms
        Further names, and the term each stands for, by id or by any of its names: ``{"PVL": "pericyte"}``.

    Returns
    -------
    One row for each name, which is the index, in the order of their first appearance:

    ``id``, ``term``
        Id and label; empty where it is not matched.
    ``by``
        ``"id"``, ``"given"``, ``"label"``, ``"synonym"``, ``"spelling"``, ``"order"`` or ``"everyday"``;
        ``"several"`` for names that mean more than one term; empty for none.
    ``suggestion``
        For a name that is not matched: terms that it may mean, or the term of its longest part that has one
        (``"T cell"`` for ``"T cells c11 MKI67"``). To look at, and to pass in `synonyms` if it is right.

    ``.attrs["ontology"]`` is the ontology with its version.

    Raises
    ------
    ImportError
        Without the extra ``ontology``: ``pip install "scc2s[ontology]"``.
    ValueError
        If `terms` is another ontology, or a synonym stands for no term.

    Notes
    -----
    The first call reads the ontology: half a second for CL and three for UBERON, of one core; later ones take
    about 0.1 ms for each different name.

    Examples
    --------
    >>> table = match(["Tregs", "regulatory T lymphocyte", "CD4+ T", "tumor 5"])
    >>> table["id"].tolist()
    ['CL:0000815', 'CL:0000815', 'CL:0000624', '']
    >>> table["term"].tolist()[2]
    'CD4-positive, alpha-beta T cell'
    """
    known = names_of(terms)
    given = {str(name).strip(): _meant(str(meant), terms) for name, meant in (synonyms or {}).items()}
    asked = [str(name) for name in dict.fromkeys(names) if name is not None and not _is_missing(name)]
    rows = []
    for name in dict.fromkeys(asked):
        found: tuple[str, ...]
        if (term := given.get(name.strip())) is not None:
            by, found = "given", (term,)
        else:
            by, found = known.find(name.strip())
        if len(found) == 1:
            rows.append((found[0], known.terms.labels[found[0]], by, ""))
            continue
        terms_meant = found or tuple(filter(None, [known.suggest(name)]))
        rows.append(("", "", by, "; ".join(known.terms.labels[t] for t in terms_meant if t in known.terms.labels)))
    index = pd.Index(dict.fromkeys(asked), dtype=object)
    out = pd.DataFrame(rows, index=index, columns=["id", "term", "by", "suggestion"], dtype=object)
    out.attrs["ontology"] = known.terms.version
    return out


def _is_missing(name: object) -> bool:
    return bool(name is pd.NA or (isinstance(name, float | np.floating) and np.isnan(name)))


def _meant(meant: str, terms: Ontology) -> str:
    """The term that the user's own synonym stands for."""
    by, found = names_of(terms).find(meant.strip())
    if len(found) != 1:
        what = "several terms" if by == "several" else "no term"
        msg = f"a synonym stands for {meant!r}, which is {what} of {terms}; pass an id or a label, e.g. 'CL:0000084'"
        raise ValueError(msg)
    return found[0]
