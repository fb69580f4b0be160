from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CELL = "Cell {number}: {cell_sentence}"
"""How one of several cells is written."""


def join_cells(sentences: Sequence[str], *, cell: str = CELL) -> str:
    r"""Write several cells under headers, one a line: the opposite of :func:`split_cells`.

    Parameters
    ----------
    sentences
        One a cell.
    cell
        How one is written: a text with ``{number}``, counted from 1, and ``{cell_sentence}``.

    Examples
    --------
    >>> join_cells(["A B", "C"])
    'Cell 1: A B\nCell 2: C'
    """
    return "\n".join(cell.format(number=i, cell_sentence=text) for i, text in enumerate(sentences, 1))
