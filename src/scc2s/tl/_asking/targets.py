"""Several labels of one prompt: cell type and perturbation, tissue and disease."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.prompts import Task, custom
from scc2s.prompts._answers import UNMAPPED, match_labels
from scc2s.prompts._joint import joint, read_parts
from scc2s.tl._asking.answers import given_labels, label_set
from scc2s.tl._asking.arguments import refuse_column_name
from scc2s.tl._asking.labels import generated_slots, labels_of_groups, scored_slots
from scc2s.tl._asking.nulls import as_votes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from scc2s.models import Model
    from scc2s.tl._asking.nulls import Nulls
    from scc2s.tl._asking.question import Question

MOST = 1000
"""Combinations of labels that are compared."""


@dataclass(frozen=True)
class Targets:
    """What is asked for, and the labels of each."""

    names: list[str]
    labels: dict[str, list[str]]
    """Labels of each target; empty where answers themselves are the labels."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of labels of each."""
        return tuple(len(self.labels[name]) for name in self.names)

    def choices(self, task: Task) -> list[str]:
        """Every combination of the labels, as the model would write it; the last target changes fastest."""
        every = product(*(self.labels[name] for name in self.names))
        return [task.complete(**dict(zip(self.names, one, strict=True))) for one in every]

    def parted(self, probs: np.ndarray) -> dict[str, np.ndarray]:
        """Probability of the labels of each target: that of all combinations with it, cells x labels."""
        full = probs.reshape(len(probs), *self.shape)
        axes = range(1, len(self.names) + 1)
        return {
            name: full.sum(axis=tuple(axis for axis in axes if axis != at)) for at, name in enumerate(self.names, 1)
        }

    def read(self, raw: Sequence[str], prompts: Sequence[str], task: Task) -> dict[str, list[str]]:
        """Label of each target that each written answer means."""
        found = [read_parts(task, text, prompt=prompt) for text, prompt in zip(raw, prompts, strict=True)]
        out = {}
        for name in self.names:
            parts = [one.get(name, "") for one in found]
            known = self.labels[name]
            out[name] = match_labels(parts, known) if known else [part or UNMAPPED for part in parts]
        return out

    def known(self, found: Mapping[str, list[str]]) -> Targets:
        """The same with the answers as labels, where there are no labels."""
        labels = {name: self.labels[name] or sorted(set(found[name]) - {UNMAPPED}) for name in self.names}
        return replace(self, labels=labels)

    def votes(self, found: Mapping[str, list[str]]) -> np.ndarray:
        """Written answers as rows of 0 and 1 over the labels of all targets side by side, scaled to add up to 1."""
        return np.hstack([as_votes(found[name], self.labels[name]) for name in self.names]) / len(self.names)

    def of_one(self, name: str, answers: np.ndarray, *, scored: bool) -> np.ndarray:
        """What answers to all targets say of one, rows x its labels.

        Parameters
        ----------
        name
            The target.
        answers
            Probabilities of all combinations, or :meth:`votes`.
        scored
            Which of both.
        """
        if scored:
            return self.parted(answers)[name]
        widths = [as_votes([], self.labels[one]).shape[1] for one in self.names]
        start = sum(widths[: self.names.index(name)])
        return answers[:, start : start + widths[self.names.index(name)]] * len(self.names)


def given_targets(
    targets: Any, labels: Any, *, scored: bool, synonyms: object, prompt: object
) -> dict[str, list[str] | None]:
    """The targets with the user's labels of each.

    Raises
    ------
    TypeError
        Not a list of names, or labels that are not lists by target.
    ValueError
        Fewer than two targets, labels of another, too many combinations, or other wordings of one label list.
    """
    if isinstance(targets, str | bytes) or not isinstance(targets, Iterable):
        msg = f"targets={targets!r} is not a list of names; pass targets=['cell_type', 'perturbation'], or target="
        raise TypeError(msg)
    names = list(targets)
    for name in names:
        refuse_column_name("targets", name)
    joint(names)
    if synonyms:
        msg = "synonyms= are of one list of labels, and targets= have one each; leave synonyms= out"
        raise ValueError(msg)
    if labels is not None and not isinstance(labels, Mapping):
        msg = f"labels= are to be lists by target; pass labels={{{names[0]!r}: [...], {names[1]!r}: [...]}}"
        raise TypeError(msg)
    if other := [name for name in labels or {} if name not in names]:
        msg = f"labels= has {other[0]!r}, which is not among targets={names}; leave it out, or add it"
        raise ValueError(msg)
    if isinstance(prompt, Task) and set(prompt.response_fields) != set(names):
        msg = (
            f"the response of task {prompt.name!r} is {prompt.response!r}; pass prompt= one with the fields "
            f"{', '.join(f'{{{name}}}' for name in names)}"
        )
        raise ValueError(msg)
    return {name: given_labels((labels or {}).get(name), name, scored=scored) for name in names}


def joint_task(prompt: str | Task | None, names: Sequence[str], *, several: bool) -> Task:
    """The task that asks for all of them: ours, or the user's."""
    if isinstance(prompt, Task):
        return prompt
    ours = joint(names, several=several)
    return ours if prompt is None else custom(prompt, response=ours.response, name=ours.name)


def with_labels(given: Mapping[str, list[str] | None], model: Model, *, scored: bool) -> Targets:
    """The labels of each target, those that the model declares among them."""
    found = {name: label_set(own, model, name, needed=scored) for name, own in given.items()}
    n = int(np.prod([len(labels) for labels in found.values()])) if scored else 0
    if n > MOST:
        msg = (
            f"targets= have {n} combinations of labels, and up to {MOST} can be compared; pass labels= fewer, or "
            "mode='generate'"
        )
        raise ValueError(msg)
    return Targets(list(given), found)


def scored_columns(
    names: pd.Index,
    prefix: str,
    targets: Targets,
    question: Question,
    own: np.ndarray,
    min_prob: float | None,
    group: pd.Series | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns of the result, and arrays, from the probabilities of the combinations."""
    obs: dict[str, Any] = {}
    obsm: dict[str, Any] = {}
    for name, probs in targets.parted(own).items():
        key, labels = f"{prefix}_{name}", targets.labels[name]
        votes = question.spread(probs)
        columns, arrays = scored_slots(names, key, votes, labels, min_prob)
        obs |= columns
        obsm |= arrays
        if group is not None:
            obs[f"{key}_{group.name}"] = labels_of_groups(group, votes, labels, min_prob)
    return obs, obsm


def written_columns(
    n: int, prefix: str, targets: Targets, question: Question, raw: Sequence[str], found: Mapping[str, list[str]]
) -> dict[str, Any]:
    """Columns of the result from written answers."""
    obs: dict[str, Any] = {}
    for name in targets.names:
        obs |= generated_slots(n, f"{prefix}_{name}", question.cells, raw, found[name], targets.labels[name])
    return obs


def nulls_of(nulls: Nulls, targets: Targets, *, scored: bool) -> dict[str, Nulls]:
    """The controls of each target: what the model says of it without the cell's genes as they are."""
    return {name: nulls.part(partial(targets.of_one, name, scored=scored)) for name in targets.names}
