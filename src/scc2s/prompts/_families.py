from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from ._task import Task

NO_PERTURBATION = "no perturbation"
"""What stands for the name of a perturbation where there is none."""


@cache
def _table() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(Path(__file__).with_name("families.toml").read_text(encoding="utf-8"))


def families() -> dict[str, list[str]]:
    """Families of prompts that come with the package, and their tasks.

    Examples
    --------
    >>> "cell_type" in families()["scc2s"]
    True
    """
    return {family: list(tasks) for family, tasks in _table().items()}


def get(name: str, *, family: str = "scc2s") -> Task:
    """A task that comes with the package.

    Parameters
    ----------
    name
        E.g. ``"cell_type"``; see :func:`families`.
    family
        Wording.

    Raises
    ------
    KeyError
        If there is no such family or task.

    Examples
    --------
    >>> get("cell_type").fields
    ('n_genes', 'organism', 'cell_sentence')
    """
    table = _table()
    if family not in table:
        msg = (
            f"no prompts of family {family!r} in the package (there are: {', '.join(table)}); load a published model's "
            "own with prompts.from_json(path) or prompts.from_cell2sentence()"
        )
        raise KeyError(msg)
    if name not in table[family]:
        msg = (
            f"no task {name!r} in family {family!r}; it has {', '.join(table[family])}; or write one: "
            "prompts.custom(template)"
        )
        raise KeyError(msg)
    return Task(name, table[family][name]["template"], table[family][name]["response"], family)


def custom(template: str, *, response: str = " {answer}", name: str = "custom") -> Task:
    """A task with your own wording.

    Parameters
    ----------
    template
        Prompt with ``{cell_sentence}`` and any other fields in braces.
    response
        How the answer is written.
    name
        Name in the records.

    Raises
    ------
    ValueError
        If braces do not pair, or a field is not a plain name.

    Examples
    --------
    >>> custom("{organism}: {cell_sentence}").fields
    ('organism', 'cell_sentence')
    """
    return Task(name, template, response, "custom")
