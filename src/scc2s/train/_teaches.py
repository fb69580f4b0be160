"""What samples teach, read off their texts: family of prompts, labels, organisms, perturbations."""

from __future__ import annotations

import re
from collections import Counter
from string import Formatter
from typing import TYPE_CHECKING, Any

from scc2s import prompts
from scc2s.models._family import UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

    from scc2s.models._folder import Declared
    from scc2s.prompts import Task

_LABELS = "cell_type"
_WORDS = 200
"""Prompts of a task that are looked through for genes."""


def declaration(samples: pd.DataFrame, family: str, declared: Declared) -> dict[str, Any]:
    """Content of ``scc2s.json`` for a model that began as one that declares `declared`, and was taught `samples`.

    Tasks, organisms and perturbations are added to those of the base. Labels are those that the samples name, where
    they name cell types, and else those of the base. A temperature that was fitted before training is dropped, and so
    are genes that the base does not read, where the samples show them.

    Parameters
    ----------
    samples
        Columns ``prompt``, ``completion``, ``task``.
    family
        Of the base.
    declared
        By the base.
    """
    tasks: list[str] = list(declared.tasks or [])
    taught = declared.taught.to_dict()
    organisms, perturbations = list(taught["organisms"]), dict(taught["perturbations"] or {})
    labels: Counter[str] = Counter()
    families = set()
    for name, own in samples.groupby(samples["task"].astype(str), sort=True):
        tasks += [] if str(name) in tasks else [str(name)]
        if name == _LABELS:
            labels.update(own["completion"].str.strip())
        found, fields = _read(str(name), own["prompt"].iloc[0])
        families.add(found)
        if fields is None:
            continue
        texts = own["prompt"].drop_duplicates()
        for match in filter(None, map(fields.fullmatch, texts)):
            values = match.groupdict()
            _add(organisms, values.get("organism"))
            if (other := values.get("perturbation")) not in (None, prompts.NO_PERTURBATION):
                perturbations.setdefault(str(other), [])
    names = families - {None}
    out: dict[str, Any] = {"family": names.pop() if len(families) == 1 and names else family}
    if out["family"] == UNKNOWN:
        del out["family"]
    out["tasks"] = tasks
    if labels:
        out["labels"] = [label for label, _ in sorted(labels.items(), key=lambda item: (-item[1], item[0]))]
    elif declared.labels:
        out["labels"] = declared.labels
    if taught["none_label"] and labels and taught["none_label"] not in labels:
        taught["none_label"] = None
    unread = set(taught["unread_genes"])
    if unread and any(unread & set(text.split()) for text in samples["prompt"].head(_WORDS)):
        taught["unread_genes"] = []
    taught |= {"organisms": organisms, "perturbations": perturbations or taught["perturbations"], "temperature": None}
    return out | {name: value for name, value in taught.items() if value}


def _add(names: list[str], name: str | None) -> None:
    if name and name not in names:
        names.append(name)


def _read(task: str, prompt: str) -> tuple[str | None, re.Pattern[str] | None]:
    """Family whose wording of a task a prompt has, and how to read the fields of the prompt."""
    for family, tasks in prompts.families().items():
        if task in tasks:
            fields = _pattern(prompts.get(task, family=family))
            if fields.fullmatch(prompt):
                return family, fields
    return None, None


def _pattern(task: Task) -> re.Pattern[str]:
    """A prompt with its fields as groups.

    Examples
    --------
    >>> _pattern(prompts.Task("x", "Genes of one {organism} cell: {cell_sentence}.")).fullmatch(
    ...     "Genes of one human cell: A B."
    ... ).groupdict()
    {'organism': 'human', 'cell_sentence': 'A B'}
    """
    parts, seen = [], set()
    for literal, name, _, _ in Formatter().parse(task.template):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.*?)")
            seen.add(name)
    return re.compile("".join(parts), flags=re.DOTALL)
