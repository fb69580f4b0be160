"""Interactions that a data set can show, and how they are said in a prompt."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

import pandas as pd

from ._gene_index import GeneIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FIELDS = ("a", "b", "relation", "evidence", "source")
COMPLEX = "+"
"""Between the subunits of a complex."""


def in_panel(rows: pd.DataFrame, panel: Sequence[str], extracellular: Iterable[str] | None) -> pd.DataFrame:
    """Pairs whose every gene is in the panel, and extracellular where that is asked; each once.

    Parameters
    ----------
    rows
        ``a`` and ``b`` (tuples of genes), ``relation``, ``evidence``, ``source``.
    panel
        Names of genes as the data write them; capitals make no difference where only one gene fits.
    extracellular
        Genes of which all partners have to be; ``None``: any.

    Returns
    -------
    ``a`` and ``b`` as text, the subunits of a complex joined by ``+``; ``relation``; ``evidence`` and ``source``,
    each said once; ``n_records``, the rows of the table that say so. Most records first, then by name. What binds has
    no direction: partners stand in the order of the alphabet.
    """
    index = GeneIndex(panel)
    outside = None if extracellular is None else {gene.casefold() for gene in extracellular}
    known: dict[tuple[str, ...], str | None] = {}

    def named(genes: tuple[str, ...]) -> str | None:
        if genes not in known:
            columns, missing = index.find(genes)
            hidden = outside is not None and any(gene.casefold() not in outside for gene in genes)
            known[genes] = None if missing or hidden else COMPLEX.join(panel[column] for column in columns)
        return known[genes]

    found: dict[tuple[str, str, str], tuple[dict[str, None], dict[str, None], list[None]]] = {}
    for a, b, relation, evidence, source in rows[list(FIELDS)].itertuples(index=False):
        one, other = named(a), named(b)
        if one is None or other is None:
            continue
        if relation == "binds" and other < one:
            one, other = other, one
        said, sources, records = found.setdefault((one, other, relation), ({}, {}, []))
        records.append(None)
        said |= {evidence: None} if evidence else {}
        sources[source] = None
    table = pd.DataFrame(
        [
            (*key, "; ".join(said), "; ".join(sorted(sources)), len(records))
            for key, (said, sources, records) in found.items()
        ],
        columns=[*FIELDS, "n_records"],
    )
    return table.sort_values(["n_records", "a", "b", "relation"], ascending=[False, True, True, True]).reset_index(
        drop=True
    )


def refuse_template(template: object) -> str:
    """The template, or an error about a field that no interaction has.

    Raises
    ------
    TypeError
        It is not a text.
    ValueError
        It has another field, lacks a partner, or a brace has no partner.
    """
    mend = f"pass template= a text with {{a}}, {{b}} and, if wanted, {', '.join(f'{{{f}}}' for f in FIELDS[2:])}"
    if not isinstance(template, str):
        msg = f"template is {type(template).__name__}; {mend}"
        raise TypeError(msg)
    try:
        fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
    except ValueError as error:
        msg = f"template={template!r} has an unpaired brace ({error}); {mend}"
        raise ValueError(msg) from error
    if set(fields) - set(FIELDS) or not {"a", "b"} <= set(fields):
        msg = f"template={template!r} has the fields {fields}; {mend}"
        raise ValueError(msg)
    return template


def said(table: pd.DataFrame, template: str) -> list[str]:
    """Each interaction in words.

    Examples
    --------
    >>> table = pd.DataFrame([("CD40LG", "CD40", "signals to", "", "mine")], columns=list(FIELDS))
    >>> said(table, "{a} {relation} {b}")
    ['CD40LG signals to CD40']
    """
    rows = table[list(FIELDS)].itertuples(index=False)
    return [template.format(**dict(zip(FIELDS, row, strict=True))) for row in rows]


def together(texts: Sequence[str]) -> str:
    """One paragraph of them all.

    Examples
    --------
    >>> together(["A binds B", "A binds C"])
    'A binds B; A binds C.'
    """
    return f"{'; '.join(text.rstrip('.') for text in texts)}." if texts else ""
