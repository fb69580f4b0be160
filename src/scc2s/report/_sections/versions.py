from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s._cells.provenance import versions
from scc2s.report._parts import Fact, Facts, Folded, Section, Table
from scc2s.report._records import records
from scc2s.report._values import text_of

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s.report._parts import Block, Piece
    from scc2s.report._records import Record

_MOST = 400
"""Characters of one parameter."""


def section(adata: AnnData) -> Section:
    """Versions that results were made with, and every recorded parameter."""
    here = versions()
    found = records(adata)
    names = sorted({name for one in found for name in _versions(one)})
    blocks: list[Block] = [
        Facts("This report was written with", [Fact(name, value, "importlib.metadata") for name, value in here.items()])
    ]
    rows: list[list[Piece]] = [
        ["['" + "']['".join(one.path) + "']", *(text_of(_versions(one).get(name)) for name in names)]
        for one in found
        if _versions(one)
    ]
    if rows:
        table = Table(
            "Versions that each result was made with", ["result", *names], rows, "adata.uns['c2s'][...]['versions']"
        )
        blocks.append(Folded(f"Versions of each result ({len(rows)})", [table]))
    params: list[Block] = [facts for one in found if (facts := _params(one)).rows]
    if params:
        blocks.append(Folded(f"All parameters of each result ({len(params)})", params))
    return Section("versions", "Versions and parameters", blocks)


def _versions(one: Record) -> dict[str, str]:
    found = one.value.get("versions")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _params(one: Record) -> Facts:
    rows = []
    for key, value in one.params.items():
        if key == "prompt":
            continue  # stands with the models
        where = f"{one.source}['params'][{key!r}]"
        text = text_of(value) or "none"
        rows.append(Fact(key, text if len(text) <= _MOST else text[:_MOST] + "\N{HORIZONTAL ELLIPSIS}", where))
    return Facts("Parameters of " + " / ".join(one.path), rows)
