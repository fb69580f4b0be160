"""Answers that are lists: one entry for each of several cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scc2s.sentences import cell_blocks
from scc2s.sentences._split_cells import without_echo

from ._answers import UNMAPPED, match_labels, prose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEADER = re.compile(r"\bcell\s+\d+\s*:", re.IGNORECASE)
_NUMBER = re.compile(r"(?:^|(?<=\s))\(?\d+[.):]\s+")
PART = "; "
"""Between entries of an answer."""


def read_list(
    answer: str,
    labels: Sequence[str] = (),
    *,
    prompt: str = "",
    n_cells: int | None = None,
    synonyms: Mapping[str, str] | None = None,
) -> list[str]:
    r"""Entries of a written list, such as the cell types of a sample, in order.

    The first of these that the text has parts it (scc2s definition): headers ``Cell 1:``, whose numbers give the order
    where `n_cells` is given (:meth:`scc2s.sentences.CellBlocks.placed`; a cell that is passed over is ``""``); lines;
    numbers such as ``1.`` or ``2)``; semicolons; commas. Of pieces between commas as many as make a label together are
    one entry, since labels may hold commas. Entries lose blanks, numbers before them and a full stop at their end;
    empty ones, but for those of cells passed over, are left out. An echo of the prompt goes first.

    Parameters
    ----------
    answer
        What a model wrote.
    labels
        What an entry may be; each becomes the label that it means, or ``"unmapped"``
        (:func:`scc2s.prompts._answers.match_labels`). Empty: entries stay as they are.
    prompt
        What the model was asked.
    n_cells
        Cells in the prompt; further entries are left out.
    synonyms
        Other wordings, and the label each stands for.

    Examples
    --------
    >>> read_list("B cell; T cell; B cell.")
    ['B cell', 'T cell', 'B cell']
    >>> read_list("1. CD4-positive, alpha-beta T cell, 2. b cells", ["B cell", "CD4-positive, alpha-beta T cell"])
    ['CD4-positive, alpha-beta T cell', 'B cell']
    """
    entries = _entries(answer, labels, prompt, n_cells, synonyms)
    if n_cells is not None:
        entries = entries[:n_cells]
    return match_labels(entries, labels, synonyms=synonyms) if labels else entries


def _entries(
    answer: str, labels: Sequence[str], prompt: str, n_cells: int | None, synonyms: Mapping[str, str] | None
) -> list[str]:
    answer = without_echo(answer, prompt)
    if _HEADER.search(answer):
        found = cell_blocks(answer)
        texts = found.texts if n_cells is None else found.placed(max(n_cells, len(found.texts)))
        return _without_end([_tidy(text) for text in texts])
    lines = _tidied(answer.splitlines())
    if len(lines) > 1:
        return lines
    text = prose(answer)
    if len(_NUMBER.findall(text)) > 1:
        return _tidied(_NUMBER.split(text))
    if ";" in text:
        return _tidied(text.split(";"))
    return _joined(_tidied(text.split(",")), labels, synonyms)


def _tidied(pieces: Sequence[str]) -> list[str]:
    return [piece for piece in map(_tidy, pieces) if piece]


def _tidy(piece: str) -> str:
    return _NUMBER.sub("", prose(piece)).strip(" \t,;.")


def _without_end(entries: list[str]) -> list[str]:
    """Without the empty ones after the last that is not."""
    while entries and not entries[-1]:
        entries = entries[:-1]
    return entries


def _joined(pieces: list[str], labels: Sequence[str], synonyms: Mapping[str, str] | None) -> list[str]:
    """Pieces between commas, the longest runs that are a label as one."""
    most = max((label.count(",") for label in [*labels, *(synonyms or {})]), default=0) + 1
    out, i = [], 0
    while i < len(pieces):
        n = 1
        for length in range(min(most, len(pieces) - i), 1, -1):
            text = ", ".join(pieces[i : i + length])
            if match_labels([text], labels, synonyms=synonyms) != [UNMAPPED]:
                n = length
                break
        out.append(", ".join(pieces[i : i + n]))
        i += n
    return out
