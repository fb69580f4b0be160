from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple


class CellType(NamedTuple):
    """A cell type of the table that comes with the package."""

    name: str
    genes: tuple[str, ...]
    """Its markers, human symbols."""
    parent: str | None
    """The wider type, of the same table."""
    synonyms: tuple[str, ...]
    """Other names of it."""
    source: str
    """Where its markers can be read up."""


@cache
def cell_types() -> dict[str, CellType]:
    """The cell types of the table, by name: markers, wider type, other names, source.

    Examples
    --------
    >>> cell_types()["regulatory T cell"].parent, cell_types()["NK cell"].synonyms[0]
    ('CD4 T cell', 'natural killer cell')
    """
    found = tomllib.loads(Path(__file__).with_name("markers.toml").read_text(encoding="utf-8"))
    return {
        name: CellType(name, tuple(one["genes"]), one.get("parent"), tuple(one["synonyms"]), one["source"])
        for name, one in found.items()
    }


def cell_type_markers() -> dict[str, list[str]]:
    """Marker genes of 28 human cell types, of blood and of tissues: a small table of textbook genes.

    Each type has 8 to 10 genes with the publication that they can be read up in (``programs/markers.toml``); which of
    many markers stand here is our selection. A narrower type lists what tells it from its siblings. It knows no states
    and no tissue of its own: for those pass your own table, e.g. of an atlas.

    Returns
    -------
    Genes by type; yours to change.

    Examples
    --------
    >>> markers = cell_type_markers()
    >>> len(markers), markers["B cell"][:3]
    (28, ['CD79A', 'CD79B', 'MS4A1'])
    """
    return {name: list(one.genes) for name, one in cell_types().items()}
