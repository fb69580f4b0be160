"""The user's labels among the types that a model was taught: other wordings, and types above and below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scc2s.models._taught import taught
from scc2s.prompts._answers import UNMAPPED, match_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scc2s.models import Model
    from scc2s.models._taught import Taught


@dataclass(frozen=True)
class Offer:
    """What a model is asked to compare, and what that says of the user's labels."""

    names: list[str]
    """The user's labels."""
    meant: list[str]
    """The type that each stands for, as the model was taught it; the label itself where that is not known."""
    choices: list[str]
    """Answers to compare."""
    column: np.ndarray
    """Label that each choice counts for; :attr:`none`, where it is none of them; -1, where it is above some of them."""
    below: dict[int, list[int]]
    """Choices below each choice that is above a label."""

    @property
    def none(self) -> int:
        """Column of the types that are none of the labels."""
        return len(self.names)

    @property
    def says_none(self) -> bool:
        """Whether some choice is none of the labels."""
        return bool((self.column == self.none).any())

    def params(self) -> dict[str, object]:
        """What the record should say, where labels were not asked as they were written."""
        pairs = zip(self.names, self.meant, strict=True)
        other = [f"{name} -> {meant}" for name, meant in pairs if name != meant]
        return {"read_as": other} if other else {}

    def gathered(self, probs: np.ndarray) -> np.ndarray:
        """Probabilities of the labels, and that none is right where the model can say so, from those of the choices.

        What a choice above labels has (it says less than was asked) goes to the choices below it, in proportion.
        """
        full = probs.copy()
        for choice, lower in self.below.items():  # from the top
            under = full[:, lower]
            total = under.sum(axis=1, keepdims=True)
            full[:, lower] += full[:, [choice]] * np.divide(
                under, total, out=np.full_like(under, 1 / len(lower)), where=total > 0
            )
        out = np.zeros((len(probs), len(self.names) + self.says_none))
        for choice, column in enumerate(self.column.tolist()):
            if column >= 0:
                out[:, column] += full[:, choice]
        return out

    def of_labels(self, probs: np.ndarray) -> np.ndarray:
        """Probability of each label, cells x labels; adds up to 1 with that of none."""
        return probs[:, : len(self.names)]

    def of_none(self, probs: np.ndarray) -> np.ndarray | None:
        """Probability that none of the labels is right; ``None`` where the model cannot say so."""
        return probs[:, self.none] if self.says_none else None

    def is_label(self, probs: np.ndarray) -> np.ndarray:
        """Whether the best answer is one of the labels."""
        best: np.ndarray = probs.argmax(axis=1) < len(self.names)
        return best


def offer(model: Model, names: Sequence[str], target: str, *, own_prompt: bool = False) -> Offer:
    """Which answers to compare, for the labels of a user.

    A model that declares its types and how they lie below each other (:class:`scc2s.models.Taught`: ``wordings``,
    ``parents``) is asked for these, in its own words, and for the types that it was taught but does not declare: a cell
    of such a type should not be called one that it declares. Each counts for the label that means it or, else, the
    nearest type above it; one that is above labels counts for those below it; the rest are none of the labels. Any
    other model is asked for the labels as they are.

    Parameters
    ----------
    model
        Who is asked.
    names
        The user's labels.
    target
        What is asked for; types are those of cells.
    own_prompt
        Whether the user gave a prompt: then labels are asked as they are.
    """
    known = taught(model)
    declared = list(model.labels or [])
    if own_prompt or target != "cell_type" or not (declared and (known.parents or known.wordings)):
        return Offer(list(names), list(names), list(names), np.arange(len(names)), {})
    meant = as_taught(names, known.wordings)
    place = {name: i for i, name in enumerate(meant)}
    above = {name for label in meant for name in _above(label, known.parents)}
    choices, column = [], []
    for one in dict.fromkeys(
        [*declared, *_undeclared(declared, known), *([known.none_label] if known.none_label else [])]
    ):
        line = [one, *_above(one, known.parents)]
        nearest = next((place[name] for name in line if name in place), None)
        choices.append(one)
        column.append(nearest if nearest is not None else -1 if one in above else len(names))
    for i, label in enumerate(meant):
        if i not in column:  # nothing that was taught means it
            choices.append(label)
            column.append(i)
    lines = [list(_above(one, known.parents)) for one in choices]
    higher = sorted(np.flatnonzero(np.array(column) == -1).tolist(), key=lambda i: len(lines[i]))
    below = {i: [j for j, line in enumerate(lines) if choices[i] in line and column[j] >= 0] for i in higher}
    return Offer(list(names), meant, choices, np.array(column), below)


def as_taught(names: Sequence[str], wordings: Mapping[str, Sequence[str]]) -> list[str]:
    """Each label in the wording that the model was taught, where it is another wording of it; the rest as they are.

    Two labels that would become one stay as they are.

    Examples
    --------
    >>> as_taught(["T-Lymphocytes", "my type"], {"T cell": ["T lymphocyte"]})
    ['T cell', 'my type']
    """
    if not wordings:
        return list(names)
    synonyms = {other: label for label, others in wordings.items() for other in others if other not in wordings}
    found = match_labels(list(names), list(wordings), synonyms=synonyms)
    return [
        name if label == UNMAPPED or found.count(label) > 1 else label for name, label in zip(names, found, strict=True)
    ]


def _undeclared(declared: Sequence[str], known: Taught) -> list[str]:
    """Types that a model has wordings of, which it does not declare and which lie above none that it declares."""
    above = {name for label in declared for name in _above(label, known.parents)}
    return [name for name in known.wordings if name not in above]


def _above(name: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Types above one, nearest first."""
    seen = {name}
    while (parent := parents.get(name)) is not None and parent not in seen:
        seen.add(parent)
        yield parent
        name = parent
