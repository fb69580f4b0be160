"""From the contexts of an AnnData, several cells each, to prompts for a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s import prompts
from scc2s._cells.access import get_sentences
from scc2s._cells.contexts import Contexts, context_fields, genes_of, get_contexts
from scc2s._logging import logger
from scc2s.models._taught import taught
from scc2s.prompts._task import CELLS, N_CELLS, N_GENES, SENTENCES
from scc2s.tl._asking.cells import known_fields, worded
from scc2s.tl._asking.question import Question

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anndata import AnnData

    from scc2s.models import Model
    from scc2s.prompts import Task


@dataclass(frozen=True)
class SeenContexts:
    """What prompts about contexts are made of: read and checked before a model is loaded."""

    key: str
    """Name of the contexts in ``uns["c2s"]``."""
    contexts: Contexts
    rows: list[np.ndarray]
    """Rows of the cells of each."""
    sentences: list[list[str]]
    """Sentences of the cells of each that have one."""
    n_genes: int | None
    """Genes that each cell keeps of its sentence."""
    fields: dict[str, list[str]]
    """Values of the fields of the prompt that are known by now, one a context."""

    @property
    def names(self) -> np.ndarray:
        """Names of the contexts."""
        return self.contexts.table.index.to_numpy(dtype=object)

    @property
    def n_empty(self) -> int:
        """Cells without a sentence, counted in each context."""
        return sum(map(len, self.rows)) - sum(map(len, self.sentences))


@dataclass(frozen=True)
class ContextQuestion(Question):
    """Prompts about several cells each; ``cells`` are numbers of contexts."""

    sentences: tuple[list[str], ...] = ()
    """Sentences of the cells of each prompt, before any of it was cut to fit."""
    key: str = ""
    n_genes: int | None = None
    n_empty_cells: int = 0

    @property
    def nothing(self) -> list[str]:
        """What stands for the cells in a prompt without genes."""
        return []

    def shown(self, i: int) -> list[str]:
        """The sentences in prompt `i`."""
        n = self.rendered.n_genes[i]
        return [" ".join(one.split()[:n]) for one in self.sentences[i][: self.rendered.n_cells[i]]]

    def params(self) -> dict[str, Any]:
        """What a record of the result should hold."""
        found = super().params()
        del found["n_cells"]
        return found | {
            "contexts": self.key,
            "n_contexts": self.n_cells,
            "n_genes": self.n_genes,
            "n_fewer_cells": self.rendered.n_fewer,
            "n_empty_cells": self.n_empty_cells,
        }


def sample_task(target: str) -> str:
    """Task that asks several cells for `target`: ``"sample_<target>"``, where a family has it, else its own name."""
    name = f"sample_{target}"
    return name if any(name in tasks for tasks in prompts.families().values()) else target


def look_at_contexts(
    adata: AnnData, key: str, prompt: str | Task | None, name: str, *, organism: str | None, sentence_key: str
) -> SeenContexts:
    """Read what the prompts will hold.

    Raises
    ------
    KeyError
        There are no such contexts, no sentences, no such column, or the contexts are of other cells.
    ValueError
        A prompt does not show several cells, none of them has a sentence, or a context has several values of a field.
    """
    task = worded(prompt, name)
    if task is not None:
        refuse_single(task)
    contexts = get_contexts(adata, key)
    if not adata.obs_names.is_unique:
        msg = (
            "contexts name their cells, and names of cells repeat; call adata.obs_names_make_unique(), draw them again"
        )
        raise ValueError(msg)
    rows = contexts.rows(adata)
    every = get_sentences(adata, sentence_key)
    sentences = [[every[row] for row in some if every[row].strip()] for some in rows]
    if not any(sentences):
        msg = (
            f"no cell of the {len(contexts)} contexts has a gene in its sentence; make the sentences from another "
            "matrix: sc.pp.c2s_sentences(adata, layer=...)"
        )
        raise ValueError(msg)
    wanted = _of_table(known_fields(name) if task is None else task.fields)
    fields = context_fields(adata, contexts, rows, wanted, organism=organism)
    return SeenContexts(key, contexts, rows, sentences, genes_of(adata, key), fields)


def ask_contexts(
    adata: AnnData, task: Task, model: Model, seen: SeenContexts, *, organism: str | None, n_answer_tokens: int = 0
) -> ContextQuestion:
    """Render one prompt for each context that has a cell with a sentence; what is too long loses genes, then cells."""
    refuse_single(task)
    asked = np.array([i for i, some in enumerate(seen.sentences) if some], dtype=np.int64)
    if n_none := len(seen.sentences) - len(asked):
        logger.warning("%d of %d contexts have no cell with a sentence", n_none, len(seen.sentences))
    if seen.n_empty:
        logger.warning("%d cells of the contexts have an empty sentence and are left out of the prompts", seen.n_empty)
    wanted = [name for name in _of_table(task.fields) if name not in seen.fields]
    values = seen.fields | context_fields(adata, seen.contexts, seen.rows, wanted, organism=organism)
    fields = {name: [values[name][i] for i in asked.tolist()] for name in task.fields if name in values}
    cells = [seen.sentences[i] for i in asked.tolist()]
    n_unread = 0
    if not set(task.response_fields) & {*SENTENCES, CELLS}:
        read = taught(model).read
        known = [[read(one) for one in some] for some in cells]
        n_unread = sum(a.count(" ") - b.count(" ") for x, y in zip(cells, known, strict=True)
                       for a, b in zip(x, y, strict=True))  # fmt: skip
        cells = known
    if seen.n_genes is not None:
        cells = [[" ".join(one.split()[: seen.n_genes]) for one in some] for some in cells]
    room = None if model.max_tokens is None else model.max_tokens - n_answer_tokens
    rendered = task.render(cells, fields, count_tokens=model.count_tokens, max_tokens=room)
    if rendered.n_shortened:
        logger.warning(
            "%d of %d contexts were shortened to fit the %d tokens of %s, %d of them to fewer cells (now %d to %d "
            "cells, of at most %d genes each); draw smaller ones: sc.pp.c2s_contexts(adata, n_cells=..., n_genes=...)",
            rendered.n_shortened, len(asked), model.max_tokens, model.id, rendered.n_fewer,
            min(rendered.n_cells), max(rendered.n_cells), max(rendered.n_genes),
        )  # fmt: skip
    return ContextQuestion(
        task=task,
        rendered=rendered,
        cells=asked,
        asked=asked,
        n_cells=len(seen.contexts),
        fields=fields,
        n_unread=n_unread,
        sentences=tuple(cells),
        key=seen.key,
        n_genes=seen.n_genes,
        n_empty_cells=seen.n_empty,
    )


def say_untaught(model: Model, task: Task) -> None:
    """One line where a model says what it was trained on, and that is not this."""
    if task.family == model.family and model.tasks is not None and task.name not in model.tasks:
        logger.warning(
            "%s was not trained on the task %r, several cells in a prompt (its tasks are %s); its answers may mean "
            "nothing",
            model.id, task.name, ", ".join(model.tasks),
        )  # fmt: skip


def refuse_untaught(model: Model, task: Task, prompt: str | Task | None) -> None:
    """Raise where a model says what it was trained on, and that is not this, unless the user words the question.

    Raises
    ------
    ValueError
        It would answer at random.
    """
    if prompt is None and model.tasks is not None and task.name not in model.tasks:
        msg = (
            f"{model.id} was not trained on the task {task.name!r}, several cells in a prompt (its tasks are "
            f"{', '.join(model.tasks)}); pass model= one that was, or prompt=... to ask it all the same"
        )
        raise ValueError(msg)


def refuse_single(task: Task) -> None:
    """Raise if the prompt does not show several cells."""
    if CELLS not in task.fields:
        msg = (
            f"the prompt of task {task.name!r} has no {{{CELLS}}}, so no context would be in it; add the field, or "
            "leave contexts= out to ask about single cells"
        )
        raise ValueError(msg)


def _of_table(names: Iterable[str]) -> list[str]:
    """Fields that are neither cells nor their numbers."""
    return [name for name in names if name not in (CELLS, N_CELLS, N_GENES)]
