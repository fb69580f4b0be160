"""Wording of requests to a teacher: a model that writes captions, or questions and answers, to train another one on."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FACTS = ("cell_type", "tissue", "organism", "disease", "genes")
"""What a teacher is told of a cluster, where it is known."""

Messages = list[dict[str, str]]


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("teaching.toml").read_text(encoding="utf-8"))


def n_styles() -> int:
    """How many ways there are to ask for a caption."""
    return len(_table()["caption"]["styles"])


def ask_caption(
    facts: Mapping[str, str], *, style: int, texts: Sequence[str] = (), last: str = "", why: str = ""
) -> Messages:
    r"""Ask for one caption of a cluster.

    Parameters
    ----------
    facts
        What is known of the cluster, by the names of :data:`FACTS`; blank ones are left out.
    style
        Number of the way to ask.
    texts
        Passages of the text of its study.
    last, why
        The caption that the teacher wrote before, and why it is not kept.

    Examples
    --------
    >>> asked = ask_caption({"cell_type": "B cell", "genes": "CD79A"}, style=0)
    >>> asked[1]["content"].splitlines()[:2]
    ['Facts of the cluster:', 'Cell type: B cell']
    """
    words = _table()["caption"]
    lines = [words[name].format(value=facts[name]) for name in FACTS if facts.get(name)]
    lines += [words["text"].format(value=text) for text in texts]
    question = "\n".join([words["facts"], *lines, "", words["styles"][style % n_styles()]])
    out = [{"role": "system", "content": words["system"]}, {"role": "user", "content": question}]
    if last:
        out += [
            {"role": "assistant", "content": last},
            {"role": "user", "content": words["again"].format(why=why)},
        ]
    return out


def ask_questions(text: str, n: int, *, others: Sequence[str] = (), why: str = "") -> Messages:
    """Ask for questions and answers about the cells of a study.

    Parameters
    ----------
    text
        What the answers are to follow from.
    n
        How many.
    others
        Questions that are there already.
    why
        Why the last ones were not kept.

    Examples
    --------
    >>> ask_questions("Blood was taken.", 2)[1]["content"].splitlines()[1]
    'Blood was taken.'
    """
    words = _table()["qa"]
    parts = [words["text"].format(text=text)]
    if others:
        parts.append(words["others"].format(questions="\n".join(f"- {one}" for one in others)))
    if why:
        parts.append(words["again"].format(why=why))
    parts.append(words["ask"].format(n=n))
    return [{"role": "system", "content": words["system"]}, {"role": "user", "content": "\n\n".join(parts)}]
