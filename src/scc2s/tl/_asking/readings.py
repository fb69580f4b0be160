"""Written answers: one label each, or a list of labels each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.prompts._answers import UNMAPPED
from scc2s.prompts._lists import PART, read_list
from scc2s.tl._asking.answers import one_hot, read_labels
from scc2s.tl._asking.labels import generated_slots
from scc2s.tl._asking.nulls import as_votes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scc2s.prompts import Task
    from scc2s.tl._asking.question import Question


@dataclass(frozen=True)
class Labels:
    """One label an answer."""

    raw: list[str]
    """What the model wrote."""
    found: list[str]
    """The label that each means."""
    labels: list[str]
    """Those that there are."""

    def votes(self) -> np.ndarray:
        """One vote an answer for its label; NaN for an answer that is not a label."""
        return one_hot(self.found, self.labels)

    def shares(self) -> np.ndarray:
        """The same with a column for all that is not a label."""
        return as_votes(self.found, self.labels)

    def slots(self, n: int, key: str, question: Question) -> dict[str, Any]:
        """Columns of the result."""
        return generated_slots(n, key, question.cells, self.raw, self.found, self.labels)


@dataclass(frozen=True)
class Lists:
    """A list of labels an answer."""

    raw: list[str]
    found: list[list[str]]
    """Entries of each."""
    labels: list[str]

    def votes(self) -> np.ndarray:
        """Share of each label among the entries that are one; NaN for an answer without any."""
        counts = _counts(self.found, self.labels)[:, : len(self.labels)]
        total = counts.sum(axis=1, keepdims=True)
        votes: np.ndarray = np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0)
        return votes

    def shares(self) -> np.ndarray:
        """Share of each label among the entries, and, last, of all that is none; so is an answer without entries."""
        counts = _counts(self.found, self.labels)
        counts[counts.sum(axis=1) == 0, -1] = 1
        shares: np.ndarray = counts / counts.sum(axis=1, keepdims=True)
        return shares

    def slots(self, n: int, key: str, question: Question) -> dict[str, Any]:
        """Columns of the result."""
        texts, raw = np.full(n, None, dtype=object), np.full(n, "", dtype=object)
        lengths, complete = np.zeros(n, dtype=np.int32), np.zeros(n, dtype=bool)
        at = question.cells
        texts[at] = [PART.join(entries) for entries in self.found]
        raw[at] = self.raw
        lengths[at] = [len(entries) for entries in self.found]
        complete[at] = lengths[at] == np.array(question.rendered.n_cells)
        return {key: texts, f"{key}_n": lengths, f"{key}_complete": complete, f"{key}_raw": raw}


def reader(
    task: Task, synonyms: Mapping[str, str] | None, *, listed: bool
) -> Callable[[Sequence[str], list[str], Question], Labels | Lists]:
    """How answers to a task are read: answers, labels to map to (none: the answers themselves) and question in."""

    def labels(raw: Sequence[str], names: list[str], _: Question) -> Labels:
        return Labels(list(raw), *read_labels(raw, task, names, synonyms))

    def lists(raw: Sequence[str], names: list[str], question: Question) -> Lists:
        asked = zip(raw, question.rendered.texts, question.rendered.n_cells, strict=True)
        found = [read_list(task.answer(a), names, prompt=p, n_cells=n, synonyms=synonyms) for a, p, n in asked]
        known = names or sorted({entry for entries in found for entry in entries} - {""})
        return Lists(list(raw), found, known)

    return lists if listed else labels


def _counts(lists: Sequence[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
    place = {label: i for i, label in enumerate(labels) if label != UNMAPPED}
    counts = np.zeros((len(lists), len(labels) + 1))
    for i, entries in enumerate(lists):
        for entry in entries:
            counts[i, place.get(entry, len(labels))] += 1
    return counts
