"""Tasks whose answer has several parts: cell type and perturbation and exposure, from one prompt."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING

from ._answers import prose
from ._lists import PART
from ._task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_CELL = """Below are the {{n_genes}} most expressed genes of one {{organism}} cell, strongest first.
Genes: {{cell_sentence}}
{asked}:"""
_OF_SAMPLE = (
    "Below are {{n_cells}} {{organism}} cells of one sample, each as its {{n_genes}} most expressed genes, strongest "
    "first.\n{{multi_cell_sentences}}\n{asked}:"
)


def joint(targets: Sequence[str], *, several: bool = False, family: str = "scc2s") -> Task:
    """A task that asks for several things at once, in our wording.

    Parameters
    ----------
    targets
        What is asked for, in the order of the answer; each a field of the response.
    several
        Ask about several cells rather than one.
    family
        Wording the task belongs to.

    Raises
    ------
    ValueError
        If a target is not a plain name, or there are fewer than two.

    Examples
    --------
    >>> task = joint(["cell_type", "exposure"])
    >>> task.template.splitlines()[-1], task.response
    ('Cell type; exposure:', ' {cell_type}; {exposure}')
    """
    names = list(targets)
    if len(names) < 2 or len(set(names)) < len(names) or not all(str(name).isidentifier() for name in names):
        msg = f"targets={names} are not two or more plain names; pass e.g. targets=['cell_type', 'perturbation']"
        raise ValueError(msg)
    asked = PART.join(name.replace("_", " ") for name in names).capitalize()
    template = (_OF_SAMPLE if several else _OF_CELL).format(asked=asked)
    return Task("_and_".join(names), template, " " + PART.join(f"{{{name}}}" for name in names), family)


def read_parts(task: Task, answer: str, *, prompt: str = "") -> dict[str, str]:
    r"""The parts of an answer, by field of the response.

    The answer is read as the response is written, with any case and white space between the parts; the first place
    where a separator fits ends a part. An answer that lacks a separator has no parts, but for the first if it stands
    before the first separator or alone; those that are missing are ``""`` (scc2s definition).

    Examples
    --------
    >>> read_parts(joint(["cell_type", "exposure"]), " B cell;acute.")
    {'cell_type': 'B cell', 'exposure': 'acute'}
    """
    parts = [(literal, field) for literal, field, _, _ in Formatter().parse(task.response)]
    text = prose(answer, prompt)
    found = dict.fromkeys(task.response_fields, "")
    first = parts[0][0].strip()
    if first and text.casefold().startswith(first.casefold()):
        text = text[len(first) :]
    for i, (_, field) in enumerate(parts):
        if field is None:
            break
        separator = parts[i + 1][0].strip() if i + 1 < len(parts) else ""
        last = i + 1 >= len(parts) or parts[i + 1][1] is None
        if last:
            found[field] = _tidy(text.removesuffix(separator))
            break
        between = r"\s*" + re.escape(separator) + r"\s*" if separator else r"\s+"
        pieces = re.split(between, text.strip(), maxsplit=1, flags=re.IGNORECASE)
        found[field] = _tidy(pieces[0])
        text = pieces[1] if len(pieces) > 1 else ""
    return found


def _tidy(text: str) -> str:
    return text.strip().rstrip(".").strip()
