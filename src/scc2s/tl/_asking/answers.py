"""Between prompts and labels: asking the model, and reading what it answers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s.models._numbers import label_scores
from scc2s.prompts._answers import UNMAPPED, match_labels, tidy
from scc2s.tl._asking.labels import UNASSIGNED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scc2s.models import Model, Scores
    from scc2s.models._numbers import Cache
    from scc2s.prompts import Task
    from scc2s.tl._asking.question import Question


def given_labels(labels: Iterable[object] | None, target: str, *, scored: bool) -> list[str] | None:
    """The user's labels, each a text that a model can be asked for and a file can hold.

    Blanks at the ends of a label go; whole numbers, as clusters have, become text. All else is refused: what is
    missing, empty, or the same as another but for blanks; and but for case, where labels are to share a probability.

    Parameters
    ----------
    labels
        What the user gave; ``None``: the model may declare some, for cell types.
    target
        What is asked for.
    scored
        Whether the model compares them, so that there must be some; else it writes, and they are what it may mean.

    Raises
    ------
    TypeError
        Not a list of texts.
    ValueError
        A label is missing, empty, not printable, reserved, or there twice; or there are none, and some are needed.

    Examples
    --------
    >>> given_labels(["T cell", " B cell "], "cell_type", scored=True)
    ['T cell', 'B cell']
    """
    if labels is None:
        if scored and target != "cell_type":
            msg = f"there are no labels to choose from, and models declare none for {target!r}; pass labels=[...]"
            raise ValueError(msg)
        return None
    names = [_label(value, i) for i, value in enumerate(_listed(labels))]
    if not names and scored:
        msg = "labels is empty, so there is nothing to choose from; pass labels=[...] with at least one"
        raise ValueError(msg)
    if {UNMAPPED, UNASSIGNED} & set(names):
        msg = f"a label is {UNMAPPED!r} or {UNASSIGNED!r}, which mean that a cell has none; leave it out of labels="
        raise ValueError(msg)
    read: dict[str, str] = {}
    for name in names:
        # Wordings that differ by blanks or the encoding of an accent are one answer; those that differ by case too, but
        # a written answer may be any of them.
        reading = " ".join(unicodedata.normalize("NFKC", name).split())
        reading = reading.casefold() if scored else reading
        if reading in read:
            msg = (
                f"labels repeat: {read[reading]!r} and {name!r} read the same; pass each once, "
                "e.g. labels=list(dict.fromkeys(labels))"
            )
            raise ValueError(msg)
        read[reading] = name
    return names


def _listed(labels: Any) -> list[object]:
    """The labels in their order; of a set, which has none, in that of the alphabet."""
    if isinstance(labels, str | bytes):
        msg = f"labels is one text, {labels!r}; pass a list of labels, e.g. labels=[{labels!r}, ...]"
        raise TypeError(msg)
    if isinstance(labels, Mapping) or not isinstance(labels, Iterable) or getattr(labels, "ndim", 1) != 1:
        msg = f"labels is {type(labels).__name__}, not a list of labels; pass labels=list(...) with one text each"
        raise TypeError(msg)
    return sorted(labels, key=str) if isinstance(labels, Set) else list(labels)


def _label(value: Any, i: int) -> str:
    mend = "leave it out: labels=[label for label in labels if isinstance(label, str)]"
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, Real) and value != value):
        msg = f"labels[{i}] is missing ({value}); {mend}"
        raise ValueError(msg)
    if isinstance(value, Integral) and not isinstance(value, bool | np.bool_):
        return str(value)
    if not isinstance(value, str):
        msg = f"labels[{i}] is {type(value).__name__}, not text: {value!r}; pass labels= a list of texts"
        raise TypeError(msg)
    name = str(value).strip()
    if not name or name.casefold() in ("nan", "<na>", "nat"):
        msg = f"labels[{i}] is {value!r}, which stands for a missing value; leave it out of labels="
        raise ValueError(msg)
    return printable_text(name, f"labels[{i}]")


def printable_text(value: str, said: str) -> str:
    """A text that a model can be asked for without blanks at its ends, or an error about what is called `said`."""
    name = value.strip()
    if not name or not name.isprintable():
        msg = (
            f"{said} is {value!r}, which no prompt or file can hold (nothing but blanks, line breaks, NUL, or halves "
            "of characters); pass a plain text"
        )
        raise ValueError(msg)
    return name


def label_set(given: list[str] | None, model: Model, target: str, *, needed: bool) -> list[str]:
    """Labels to choose from: the user's (:func:`given_labels`), or those that the model declares for cell types."""
    if given is None and target == "cell_type" and model.labels is not None:
        given = list(model.labels)  # as it was taught them, two spellings of one included
    if not given and needed:
        msg = f"there are no labels to choose from, and {model.id} declares none for {target!r}; pass labels=[...]"
        raise ValueError(msg)
    return given or []


def refuse_wrong_synonyms(synonyms: Any, labels: Sequence[str] | None) -> None:
    """Raise if synonyms are not texts by text, or stand for what is not a label (as far as labels are known)."""
    if not isinstance(synonyms, Mapping) or not all(isinstance(t, str) for pair in synonyms.items() for t in pair):
        msg = f"synonyms={synonyms!r} are not texts by text; pass e.g. synonyms={{'T lymphocyte': 'T cell'}}"
        raise TypeError(msg)
    if labels is not None:
        match_labels([], labels, synonyms=synonyms)


def refuse_many_fields(task: Task) -> None:
    """Raise if the answer to a task is not one text."""
    if len(task.response_fields) != 1:
        msg = (
            f"the response of task {task.name!r} is {task.response!r}, and a label fills one field; "
            "pass prompt=scc2s.prompts.custom(template, response=' {answer}')"
        )
        raise ValueError(msg)


def as_answers(labels: Sequence[str], task: Task) -> list[str]:
    """Each label as the model would write it."""
    refuse_many_fields(task)
    return [task.complete(**{task.response_fields[0]: label}) for label in labels]


def score_labels(
    model: Scores,
    question: Question,
    choices: Sequence[str],
    *,
    per_token: bool,
    corrected: bool,
    temperature: float = 1.0,
    cache: Cache = None,
) -> np.ndarray:
    """Probability of each choice, cells x choices; scores are divided by a `temperature` before."""
    scores = label_scores(model, question.rendered.texts, choices, cache=cache)
    if corrected:
        null = label_scores(model, question.null_texts(), choices, cache=cache, progress=False)
        scores = scores.corrected(null)
    return replace(scores, logprob=scores.logprob / temperature).probabilities(per_token=per_token)


def read_labels(
    raw: Sequence[str], task: Task, labels: list[str], synonyms: Mapping[str, str] | None
) -> tuple[list[str], list[str]]:
    """Label that each answer means, and the labels: without any to map to, the tidied answers themselves."""
    answers = [task.answer(tidy(text)) for text in raw]
    if labels:
        return match_labels(answers, labels, synonyms=synonyms), labels
    return [answer or UNMAPPED for answer in answers], sorted(set(answers) - {""})


def one_hot(matched: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """One vote a cell for its label; NaN for an answer that is not a label."""
    same = np.asarray(matched, dtype=object)[:, None] == np.asarray(labels, dtype=object)[None, :]
    votes: np.ndarray = same.astype(float)
    votes[~votes.any(axis=1)] = np.nan
    return votes
