"""Questions and answers in what a teacher wrote: JSON, JSON with mistakes, or labelled lines."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_DECODER = json.JSONDecoder(strict=False)
_OBJECT = re.compile(r"\{[^{}]*\}")
_TRAILING = re.compile(r",(\s*[}\]])")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "’": "'", "‘": "'"})
_LINE = re.compile(
    r"^[\s*#>\-]*(?:\d+\s*[.)]\s*)?[*_]*(?P<name>question|q|answer|a|keywords?|key words)\s*\d*[*_]*\s*[:.][*_]*\s*"
    r"(?P<value>.*)$",
    re.IGNORECASE,
)
_NAMES = {
    **{"question": "question", "q": "question", "answer": "answer", "a": "answer"},
    **dict.fromkeys(("keyword", "keywords", "key_words", "key words", "key-words"), "keywords"),
}
_PARTS = re.compile(r"[,;]")


class Item(NamedTuple):
    """A question with its answer, as it was written; blank where a part is missing."""

    question: str
    answer: str
    keywords: list[str]


def read_items(reply: str) -> tuple[list[Item], str]:
    r"""The items in a reply, in order, and what made it hard to read (empty for nothing).

    Prose around them does not count. A broken or cut list gives the items that are whole; single quotes, trailing
    commas and typographic quotes are mended; where there is no JSON, lines that begin with ``Question:``, ``Answer:``
    and ``Keywords:`` are read.

    Examples
    --------
    >>> items, problem = read_items('Here: [{"question": "Who?", "answer": "T cells.", "keywords": ["T cell"]}, {"ques')
    >>> items, problem
    ([Item(question='Who?', answer='T cells.', keywords=['T cell'])], 'broken JSON')
    >>> read_items("Q: Who?\nA: T cells.\nKeywords: T cell, CD3D")[0]
    [Item(question='Who?', answer='T cells.', keywords=['T cell', 'CD3D'])]
    """
    found, broken = _objects(reply)
    items = [_item(one) for one in found]
    if items:
        return items, "broken JSON" if broken else ""
    items = _lines(reply)
    if items:
        return items, "no JSON"
    return [], "broken JSON" if broken else "no question"


def _objects(text: str) -> tuple[list[dict[str, Any]], bool]:
    """Objects that hold a question, and whether anything between braces could not be read."""
    out: list[dict[str, Any]] = []
    broken = False
    at = text.find("{")
    while at >= 0:
        value, end = _decoded(text, at)
        if end is None:
            broken, end = True, at + 1
        else:
            out += _with_question(value)
        at = text.find("{", end)
    return out, broken


def _decoded(text: str, at: int) -> tuple[Any, int | None]:
    """The value that begins at a brace, and where it ends; ``None`` where it is none."""
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        pass
    match = _OBJECT.match(text, at)
    if match is None:
        return None, None
    mended = _TRAILING.sub(r"\1", match[0].translate(_QUOTES))
    try:
        return json.loads(mended, strict=False), match.end()
    except ValueError:
        pass
    try:  # single quotes: a literal of Python, read without running anything
        return ast.literal_eval(mended), match.end()
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None, None


def _with_question(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, Mapping):
        named = {_NAMES.get(str(key).strip().casefold(), ""): one for key, one in value.items()}
        if "question" in named:
            yield named
        else:
            for one in value.values():
                yield from _with_question(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _with_question(one)


def _item(named: Mapping[str, Any]) -> Item:
    answer = named.get("answer")
    text = "; ".join(map(str, answer)) if isinstance(answer, list | tuple) else _text(answer)
    return Item(_text(named.get("question")), text, _keywords(named.get("keywords")))


def _text(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""


def _keywords(value: Any) -> list[str]:
    parts = _PARTS.split(value) if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    words = [_text(part).strip("\"'.*` ") for part in parts]
    return list(dict.fromkeys(word for word in words if word))


def _lines(text: str) -> list[Item]:
    out: list[dict[str, str]] = []
    name = ""
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            name = _NAMES[match["name"].casefold()]
            if name == "question" or not out or name in out[-1]:
                out.append({})
            out[-1][name] = match["value"].strip(" *_")
        elif not line.strip():
            name = ""
        elif out and name:
            out[-1][name] += " " + line.strip()
    return [_item(one) for one in out if "question" in one]
