"""Labels as a model is offered them: in the wording that it was taught, listed in the prompt where it was taught that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scc2s import prompts
from scc2s._logging import logger
from scc2s.models._taught import taught
from scc2s.prompts._answers import UNMAPPED, match_labels
from scc2s.tl._asking.answers import as_answers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scc2s.models import Model
    from scc2s.prompts import Task

LABELS = "labels"
MOST = 40
"""Labels that a list in a prompt holds; a model that reads lists was taught none that are longer."""


@dataclass(frozen=True)
class Offer:
    """What the labels are called in the prompt and in the answers."""

    task: Task
    asked: list[str]
    """Each label in the wording that the model is asked in."""
    none: str | None
    """The model's answer where none of them is right, if it was taught one."""

    @property
    def choices(self) -> list[str]:
        """Answers to compare: the labels, then that none of them is right."""
        return as_answers([*self.asked, *([] if self.none is None else [self.none])], self.task)

    def given(self, n: int) -> dict[str, Sequence[str]]:
        """Field of the prompt that lists the labels, for `n` prompts; in one order, whatever that of the labels."""
        if LABELS not in self.task.fields:
            return {}
        listed = "; ".join([*sorted(self.asked), *([] if self.none is None else [self.none])])
        return {LABELS: [listed] * n}

    def params(self, names: Sequence[str]) -> dict[str, object]:
        """What the record should say, where it is not what the user wrote."""
        other = {name: asked for name, asked in zip(names, self.asked, strict=True) if name != asked}
        return {"asked_as": [f"{name} -> {asked}" for name, asked in other.items()]} if other else {}

    def of_labels(self, probs: np.ndarray) -> np.ndarray:
        """Probability of each label, cells x labels; adds up to 1 with that of none."""
        return probs if self.none is None else probs[:, :-1]

    def is_label(self, probs: np.ndarray) -> np.ndarray:
        """Whether the best answer is one of the labels."""
        best: np.ndarray = probs.argmax(axis=1) < len(self.asked)
        return best

    def of_none(self, probs: np.ndarray) -> np.ndarray | None:
        """Probability that none of the labels is right."""
        return None if self.none is None else probs[:, -1]


def offer(model: Model, task: Task, names: Sequence[str], *, own_prompt: bool) -> Offer:
    """How to offer labels to a model.

    Parameters
    ----------
    model
        What it declares decides (:class:`scc2s.models.Taught`, and its tasks).
    task
        What it is asked.
    names
        The user's labels.
    own_prompt
        Whether the user gave a prompt, which then stays.
    """
    known = taught(model)
    asked = as_taught(names, known.wordings)
    closed = f"{task.name}_among"
    if own_prompt or closed not in (model.tasks or ()) or closed not in prompts.families().get(model.family, {}):
        return Offer(task, asked, None)
    if len(names) > MOST:
        logger.warning(
            "%d labels are more than the %d that %s can read in one prompt, so it is not shown them, and cannot say that "
            "none is right; pass fewer labels= for that",
            len(names), MOST, model.id,
        )  # fmt: skip
        return Offer(task, asked, None)
    return Offer(prompts.get(closed, family=model.family), asked, known.none_label)


def as_taught(names: Sequence[str], wordings: Mapping[str, Sequence[str]]) -> list[str]:
    """Each label in the wording that the model was taught, where it is another wording of it; the rest as they are.

    Two labels that would become one stay as they are.

    Examples
    --------
    >>> as_taught(["T lymphocytes", "my type"], {"T cell": ["T lymphocyte"]})
    ['T lymphocytes', 'my type']
    >>> as_taught(["T-Lymphocyte", "my type"], {"T cell": ["T lymphocyte", "T lymphocytes"]})
    ['T cell', 'my type']
    """
    if not wordings:
        return list(names)
    synonyms = {other: label for label, others in wordings.items() for other in others if other not in wordings}
    found = match_labels(list(names), list(wordings), synonyms=synonyms)
    return [
        name if label == UNMAPPED or found.count(label) > 1 else label for name, label in zip(names, found, strict=True)
    ]
