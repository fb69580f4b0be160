from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from scc2s.sentences._split_cells import without_echo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

UNMAPPED = "unmapped"
_CONTROL = re.compile(r"<[^<>\s]*>")
_PUNCTUATION = re.compile(r"[^\w]+|_+")
_THOUGHT = re.compile(r"<think>.*?(?:</think>|$)", re.DOTALL)


def tidy(answer: str) -> str:
    r"""First line of a generated answer, without control tokens and final full stop.

    Examples
    --------
    >>> tidy(" B cell.<ctrl100>\nGenes: CD79A")
    'B cell'
    """
    lines = _CONTROL.sub("", answer).strip().splitlines()
    return lines[0].strip().rstrip(".").strip() if lines else ""


def prose(answer: str, prompt: str = "") -> str:
    r"""A generated answer of one or more sentences: without control tokens and an echo of its prompt, on one line.

    Examples
    --------
    >>> prose(" A B cell.\nFrom blood.<ctrl100>")
    'A B cell. From blood.'
    """
    return " ".join(_CONTROL.sub(" ", without_echo(answer, prompt)).split())


def spoken(reply: str, *, plain: bool = False) -> str:
    r"""A reply in a conversation, without what the model thought aloud before.

    Parameters
    ----------
    reply
        What a model wrote.
    plain
        It went on from a plain text (:func:`scc2s.models._chat.plain_text`), and may have written the next question.

    Examples
    --------
    >>> spoken("<think>Hm.</think> A B cell.\nQuestion: And this?", plain=True)
    '  A B cell.'
    """
    text = reply.partition("\nQuestion:")[0] if plain else reply
    return _THOUGHT.sub(" ", text)


def match_labels(
    answers: Sequence[str], labels: Sequence[str], *, synonyms: Mapping[str, str] | None = None
) -> list[str]:
    """Map free text to labels.

    An answer is a label if it reads the same, tried in this order: letter for letter; without case; without
    punctuation; without plural ``s``. A looser reading counts only where it means one label: ``"CD4 T cell"`` is no
    answer to the labels ``"CD4+ T cell"`` and ``"CD4- T cell"``. An answer that merely contains a label is unmapped,
    so that an echoed prompt is never taken for an answer (scc2s definition).

    Parameters
    ----------
    answers
        Generated texts.
    labels
        What they may mean.
    synonyms
        Other wordings and the label each stands for, matched like the labels themselves.

    Returns
    -------
    One label an answer, or ``"unmapped"``.

    Raises
    ------
    ValueError
        If a synonym stands for something that is not a label.

    Examples
    --------
    >>> match_labels(["b cells.", "T lymphocyte", "no idea"], ["B cell", "T cell"], synonyms={"T lymphocyte": "T cell"})
    ['B cell', 'T cell', 'unmapped']
    """
    synonyms = dict(synonyms or {})
    if unknown := sorted(set(synonyms.values()) - set(labels)):
        msg = f"synonyms stand for {', '.join(map(repr, unknown))}, which is not a label; add it to labels"
        raise ValueError(msg)
    wordings = {**synonyms, **{label: label for label in labels}}
    reads: list[Callable[[str], str]] = [str, _no_case, _no_punctuation, _no_plural]
    readings = [(read, _table(wordings, read)) for read in reads]
    return [_match(tidy(answer), readings) for answer in answers]


def _match(answer: str, readings: list[tuple[Callable[[str], str], dict[str, str]]]) -> str:
    for read, table in readings:
        if (key := read(answer)) in table:
            return table[key]
    return UNMAPPED


def _table(wordings: Mapping[str, str], read: Callable[[str], str]) -> dict[str, str]:
    """Reading to label, without those that could mean two labels."""
    meant: dict[str, set[str]] = {}
    for wording, label in wordings.items():
        meant.setdefault(read(wording), set()).add(label)
    return {reading: next(iter(found)) for reading, found in meant.items() if len(found) == 1 and reading}


def _no_case(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _no_punctuation(text: str) -> str:
    return " ".join(_PUNCTUATION.sub(" ", _no_case(text)).split())


def _no_plural(text: str) -> str:
    return " ".join(w[:-1] if len(w) > 2 and w.endswith("s") else w for w in _no_punctuation(text).split())
