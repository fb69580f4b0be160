from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = re.compile(r"\bcell\s+(\d+)\s*:|\n", re.IGNORECASE)


def split_cells(text: str, *, prompt: str = "") -> list[str]:
    r"""Sentences of several cells that were written one after another under headers: ``Cell 1:``, ``Cell 2:``.

    A cell ends at the next header or at the end of its line, so one whose header was forgotten is a cell of its own,
    and a header that was written twice makes no cell. What holds no letter or digit, such as a full stop on a line of
    its own, is left out (scc2s definition). Genes before the first header are a cell, since prompts often end with
    that header. :func:`cell_blocks` also says what the headers were.

    Parameters
    ----------
    text
        What a model wrote.
    prompt
        What it was asked; where the text repeats it, that part is left out first.

    Returns
    -------
    One sentence a cell, for :func:`parse`.

    Examples
    --------
    >>> split_cells("Cell 1: A B\n.\nCell 2: Cell 2: C A\nB C")
    ['A B', 'C A', 'B C']
    """
    return [part for _, part in headed(without_echo(text, prompt))]


def headed(text: str) -> Iterator[tuple[int | None, str]]:
    """Each cell of a text with the number of the header right before it; ``None`` where there is none."""
    number: int | None = None
    pieces = _HEADER.split(text)  # text, number or None, text, ...
    for i in range(0, len(pieces), 2):
        if i and pieces[i - 1] is not None:
            number = int(pieces[i - 1])
        if any(map(str.isalnum, pieces[i])):
            yield number, " ".join(pieces[i].split())
            number = None


def without_echo(text: str, prompt: str) -> str:
    """An answer without the prompt, where it begins by repeating it: genes of the prompt are not an answer.

    Examples
    --------
    >>> without_echo("Genes: A B Afterwards: B A", "Genes: A B Afterwards:")
    'B A'
    """
    return text.strip().removeprefix(prompt.strip()).strip()
