"""Tables of a record as tables of the report: every number with the expression that gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._parts import Fact, Facts, Folded, Table
from ._values import UNKNOWN, missing, number, text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd

    from ._parts import Piece

MOST_ROWS = 30
_LONG = 300


def piece(value: Any, source: str, *, share: bool = False) -> Piece:
    """A value as a cell of a table: numbers keep their source, texts are cut where they are long."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        return number(value, source, share=share)
    text = "" if missing(value) else text_of(value)
    return (text if len(text) <= _LONG else text[: _LONG - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}") or UNKNOWN


def of_frame(
    frame: pd.DataFrame,
    source: str,
    title: str,
    columns: Mapping[str, str] | None = None,
    *,
    name: str | None = None,
    named: str = "",
    shares: Collection[str] = (),
    rows: Sequence[int] | None = None,
    most: int = MOST_ROWS,
    note: str = "",
) -> Table:
    """Rows of a table.

    Parameters
    ----------
    frame, source
        The table, and the expression that gives it.
    title
        Its caption.
    columns
        Header of each column that is shown; ``None`` takes all.
    name, named
        Column that names a row, and its header; ``None`` takes the index.
    shares
        Columns that are shown in percent.
    rows
        Places of the rows to show; ``None`` takes all.
    most
        Most rows; more are counted in a note.
    """
    columns = {str(c): str(c) for c in frame.columns if c != name} if columns is None else columns
    columns = {column: header for column, header in columns.items() if column in frame.columns}
    chosen = list(range(len(frame))) if rows is None else list(rows)
    first = frame.index if name is None else frame[name]
    names = [text_of(one) or UNKNOWN for one in first.tolist()]
    found: list[list[Piece]] = []
    for i in chosen[:most]:
        cells = [
            piece(frame[column].iloc[i], f"{source}[{column!r}].iloc[{i}]", share=column in shares)
            for column in columns
        ]
        found.append([names[i], *cells])
    if len(chosen) > most:
        note = f"{note} The first {most} of {len(chosen):,} rows; the others stand in the same place.".strip()
    return Table(title, [named, *columns.values()], found, source, note=note)


def facts_of(
    params: Mapping[str, Any], source: str, names: Mapping[str, str], *, shares: Collection[str] = ()
) -> list[Fact]:
    """Those of some entries that are there."""
    found = []
    for key, shown in names.items():
        value = params.get(key)
        if value is None or not np.size(value) or not text_of(value):
            continue
        where = f"{source}[{key!r}]"
        found.append(Fact(shown, piece(value, where, share=key in shares), where))
    return found


def how(rows: Sequence[Fact]) -> Folded:
    """How a result came about, for those who open it."""
    return Folded("How it came about", [Facts("How it came about", rows)])
