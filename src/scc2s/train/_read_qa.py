from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s._io import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

FIELDS: dict[str, str] = {
    "context": "text",
    "cells": "list of texts",
    "question": "text",
    "answer": "text",
    "keywords": "list of texts",
    "study": "text",
    "split": "text",
}
"""Fields of an item, and what each holds."""
PARTS = ("train", "val", "test")
_MAY_BE_BLANK = ("context",)
_SHOWN = 3
"""Mistakes that an error lists."""


def read_qa(path: str | PathLike[str]) -> pd.DataFrame:
    """Read questions and answers about cells from JSON lines, and check them.

    One object a line, each with all of these fields; others are kept as they are:

    ============ ============== ============================================================
    ``context``  text           passage of the study that the answer rests on; may be blank
    ``cells``    list of texts  sentences of the cells that are asked about
    ``question`` text
    ``answer``   text
    ``keywords`` list of texts  words of the answer that an answer is judged by
    ``study``    text           name of the study; all its items are in one part
    ``split``    text           ``"train"``, ``"val"`` or ``"test"``
    ============ ============== ============================================================

    Parameters
    ----------
    path
        File that :func:`build_qa` wrote, or your own.

    Returns
    -------
    One row an item, in the order of the file, columns as above; ``cells`` and ``keywords`` hold lists.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a line is not an object, a field is missing, blank or of another type, a study is in two parts of the split,
        or there is no item. The message names lines and fields.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "qa.jsonl"
    >>> item = {"context": "", "cells": ["CD3D CD3E"], "question": "Which cells?", "answer": "T cells.",
    ...         "keywords": ["T cell"], "study": "a", "split": "train"}
    >>> _ = path.write_text(json.dumps(item))
    >>> read_qa(path)["keywords"].tolist()
    [['T cell']]
    """
    file = Path(path)
    if not file.is_file():
        msg = f"there is no file {file}; write one with scc2s.train.build_qa(..., path={str(file)!r})"
        raise FileNotFoundError(msg)
    items, mistakes = [], list[str]()
    where: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(file.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except ValueError as error:  # also for bytes that are no UTF-8
            mistakes.append(f"line {number}: not JSON ({error})")
            continue
        if wrong := wrong_fields(item):
            mistakes += [f"line {number}: {one}" for one in wrong]
            continue
        part, first = where.setdefault(item["study"], (item["split"], number))
        if part != item["split"]:
            mistakes.append(
                f"line {number}: field 'split' is {item['split']!r}, but study {item['study']!r} is in {part!r} by "
                f"line {first}"
            )
        items.append(item)
    if mistakes:
        more = f"; {len(mistakes) - _SHOWN} more" if len(mistakes) > _SHOWN else ""
        msg = f"{file} does not hold to the schema of scc2s.train.read_qa: {'; '.join(mistakes[:_SHOWN])}{more}"
        raise ValueError(msg)
    if not items:
        msg = f"{file} has no item; write some with scc2s.train.build_qa(..., path={str(file)!r})"
        raise ValueError(msg)
    return pd.DataFrame(items, columns=list(dict.fromkeys([*FIELDS, *(name for item in items for name in item)])))


def wrong_fields(item: Any) -> list[str]:
    """What is wrong with the fields of one item; nothing where they hold to the schema.

    Examples
    --------
    >>> wrong_fields({"question": ""})[1:3]
    ["field 'cells' is missing", "field 'question' is blank"]
    """
    if not isinstance(item, dict):
        return [f"{type(item).__name__} in place of an object"]
    out = []
    for name, kind in FIELDS.items():
        value: Any = item.get(name)
        several = kind.startswith("list")
        if name not in item:
            out.append(f"field {name!r} is missing")
        elif not isinstance(value, list if several else str):
            out.append(f"field {name!r} is {type(value).__name__}, not a {kind}")
        elif several and not all(isinstance(one, str) and one.strip() for one in value):
            out.append(f"field {name!r} holds something else than texts, or a blank one")
        elif not (value if several else str(value).strip()) and name not in _MAY_BE_BLANK:
            out.append(f"field {name!r} is {'empty' if several else 'blank'}")
        elif name == "split" and value not in PARTS:
            out.append(f"field 'split' is {value!r}, not one of {', '.join(PARTS)}")
    return out


def write_items(items: Iterable[Mapping[str, Any]], path: str | PathLike[str]) -> None:
    """Write items as JSON lines, all of them or none."""
    with replacing(Path(path)) as new, new.open("w", encoding="utf-8") as file:
        for item in items:
            file.write(json.dumps({name: item[name] for name in FIELDS}, ensure_ascii=False) + "\n")
