"""How likely a model finds sentences, and the same genes in another order."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.models._numbers import likelihoods
from scc2s.prompts._task import SENTENCE
from scc2s.sentences import join_cells

if TYPE_CHECKING:
    from scc2s.models._numbers import Cache
    from scc2s.prompts import Task
    from scc2s.tl._asking.question import Question


def sentence_likelihoods(
    model: Any, question: Question, *, random_state: int, cache: Cache = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Log-likelihood of the sentence of each prompt of :func:`with_answer`.

    Returns
    -------
    Genes of each; log-likelihoods of the sentences (``""``), and of their genes in another order (``"_shuffled"``).
    """
    parts = [_parted(text, *span) for text, span in zip(question.rendered.texts, question.rendered.spans, strict=True)]
    prompts = [before for before, _ in parts]
    n_genes = np.array([len(question.genes(i)) for i in range(len(parts))])
    found = {}
    for name, answers in (
        ("", [after for _, after in parts]),
        ("_shuffled", [_shuffled(question, i, after, random_state) for i, (_, after) in enumerate(parts)]),
    ):
        found[name] = likelihoods(model, prompts, answers, cache=cache).logprob
    return n_genes, found


def with_answer(task: Task, field: str) -> Task:
    """The prompt with the answer after it, so that a sentence too long for the model loses genes at its end."""
    if field in task.fields or field not in task.response_fields:
        what = "a cell" if field == SENTENCE else "cells"
        msg = (
            f"task {task.name!r} does not ask for {what} it has not shown; pass prompt=scc2s.prompts.custom(template, "
            f"response=' {{{field}}}') without {{{field}}} in the template"
        )
        raise ValueError(msg)
    braced = f"{{{field}}}"
    return replace(task, template=task.template + task.response.partition(braced)[0] + braced)


def _parted(text: str, start: int, end: int) -> tuple[str, str]:
    """Prompt and answer; the white space between them belongs to the answer."""
    before = text[:start].rstrip()
    return before, text[len(before) : end]


def _shuffled(question: Question, i: int, answer: str, random_state: int) -> str:
    """The same genes of each cell in another order, which follows from the text: the same in any subset."""
    rng = np.random.default_rng([random_state, zlib.crc32(answer.encode())])
    space = answer[: len(answer) - len(answer.lstrip())]
    shown = question.shown(i)
    if isinstance(shown, str):
        return space + " ".join(rng.permutation(shown.split()))
    return space + join_cells([" ".join(rng.permutation(one.split())) for one in shown], cell=question.task.cell)
