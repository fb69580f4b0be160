"""Between prompts and labels: asking the model, and reading what it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scc2s.prompts._answers import UNMAPPED, match_labels, tidy
from scc2s.tl._asking.labels import UNASSIGNED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scc2s.models import Model, Scores
    from scc2s.prompts import Task
    from scc2s.tl._asking.question import Question


def label_set(labels: Sequence[str] | None, model: Model, target: str, *, needed: bool) -> list[str]:
    """Labels to choose from: the user's, or those that the model declares for cell types."""
    if isinstance(labels, str):
        msg = f"labels is one text, {labels!r}; pass a list of labels, e.g. labels=[{labels!r}, ...]"
        raise TypeError(msg)
    if labels is None and target == "cell_type":
        labels = model.labels
    names = [str(label) for label in labels] if labels is not None else []
    if not names and needed:
        msg = f"there are no labels to choose from, and {model.id} declares none for {target!r}; pass labels=[...]"
        raise ValueError(msg)
    if len(set(names)) < len(names) or {UNMAPPED, UNASSIGNED} & set(names):
        msg = (
            f"labels repeat, or one is {UNMAPPED!r} or {UNASSIGNED!r}; pass each once, "
            "e.g. labels=list(dict.fromkeys(labels))"
        )
        raise ValueError(msg)
    return names


def as_answers(labels: Sequence[str], task: Task) -> list[str]:
    """Each label as the model would write it."""
    if len(task.response_fields) != 1:
        msg = (
            f"the response of task {task.name!r} is {task.response!r}, and a label fills one field; "
            "pass prompt=scc2s.prompts.custom(template, response=' {answer}')"
        )
        raise ValueError(msg)
    return [task.complete(**{task.response_fields[0]: label}) for label in labels]


def score_labels(
    model: Scores, question: Question, choices: Sequence[str], *, per_token: bool, corrected: bool
) -> np.ndarray:
    """Probability of each choice, cells x choices."""
    scores = model.score(question.rendered.texts, choices)
    if corrected:
        texts, which = np.unique(np.asarray(question.null_texts(), dtype=object), return_inverse=True)
        null = model.score(texts.tolist(), choices, progress=False)
        scores = scores.corrected(replace(null, logprob=null.logprob[which]))
    return scores.probabilities(per_token=per_token)


def read_labels(
    raw: Sequence[str], task: Task, labels: list[str], synonyms: Mapping[str, str] | None
) -> tuple[list[str], list[str]]:
    """Label that each answer means, and the labels: without any to map to, the tidied answers themselves."""
    answers = [task.answer(tidy(text)) for text in raw]
    if labels:
        return match_labels(answers, labels, synonyms=synonyms), labels
    return [answer or UNMAPPED for answer in answers], sorted(set(answers) - {""})


def one_hot(matched: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """One vote a cell for its label; NaN for an answer that is no label."""
    votes = (np.asarray(matched, dtype=object)[:, None] == np.asarray(labels, dtype=object)[None, :]).astype(float)
    votes[~votes.any(axis=1)] = np.nan
    return votes
