"""From the cells of an AnnData to prompts for a model: what every tl function begins with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from scc2s import prompts
from scc2s._cells.access import get_sentences
from scc2s._cells.fields import prompt_fields
from scc2s._logging import logger
from scc2s.models._taught import taught
from scc2s.prompts._task import SENTENCE, SENTENCES, Rendered
from scc2s.tl._asking.cells import worded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s.models import Model
    from scc2s.prompts import Task
    from scc2s.tl._asking.cells import Cells


@dataclass(frozen=True)
class Question:
    """Prompts about the cells that have a sentence."""

    task: Task
    rendered: Rendered
    cells: np.ndarray
    """Rows of the AnnData that the prompts are about."""
    asked: np.ndarray
    """The same as positions among the rows given to :func:`ask`."""
    n_cells: int
    """All rows."""
    fields: dict[str, list[str]]
    """Values of the other fields in each prompt."""
    n_unread: int = 0
    """Words that were left out of all prompts, as the model does not read them."""

    def shown(self, i: int) -> str | list[str]:
        """The sentence in prompt `i`; of several cells a list of them."""
        return self.rendered.texts[i][slice(*self.rendered.spans[i])]

    def genes(self, i: int) -> list[str]:
        """All genes in prompt `i`."""
        found = self.shown(i)
        return found.split() if isinstance(found, str) else [gene for one in found for gene in one.split()]

    @property
    def nothing(self) -> str | list[str]:
        """What stands for the cells in a prompt without genes."""
        return ""

    def some(self, rows: np.ndarray) -> Self:
        """Some of the questions, repeats allowed."""
        at, old = rows.tolist(), self.rendered
        n_cells = [old.n_cells[i] for i in at] if old.n_cells else []
        rendered = Rendered(
            [old.texts[i] for i in at], [old.spans[i] for i in at], [old.n_genes[i] for i in at], 0, n_cells
        )
        fields = {name: [values[i] for i in at] for name, values in self.fields.items()}
        return replace(self, rendered=rendered, cells=self.cells[rows], asked=self.asked[rows], fields=fields)

    def null_texts(self) -> list[str]:
        """The same prompts without the genes of the cell."""
        return self.task.render([self.nothing] * len(self.cells), self.fields).texts

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Rows of the cells asked about, among rows of NaN for all others."""
        out = np.full((self.n_cells, values.shape[1]), np.nan)
        out[self.cells] = values
        return out

    def params(self) -> dict[str, Any]:
        """What a record of the result should hold."""
        return {
            "task": self.task.name,
            "prompt": self.task.template,
            "prompt_family": self.task.family,
            "organism": sorted(set(self.fields.get("organism", []))),
            "n_cells": self.n_cells,
            "n_empty": self.n_cells - len(self.cells),
            "n_shortened": self.rendered.n_shortened,
            **({"n_unread_words": self.n_unread} if self.n_unread else {}),
        }


def load_for(model: str | Model | None, prompt: str | Task | None, name: str, *, can: str) -> tuple[Any, Task]:
    """The model, and the wording it is asked in: `prompt`, or the task `name` of the model's family."""
    from scc2s import models

    worded(prompt, name)
    loaded = models.load(model)
    if not hasattr(loaded, can):
        msg = f"{loaded.id} cannot {can}; pass another model=..., see scc2s.models.catalogue()"
        raise TypeError(msg)
    if isinstance(prompt, str):
        return loaded, prompts.custom(prompt)
    if prompt is not None:
        return loaded, prompt
    if loaded.family in prompts.families():
        return loaded, prompts.get(name, family=loaded.family)
    logger.warning(
        "%s was not trained on the prompts of this package, as far as is known (family %r); its answers may be poor; "
        "pass prompt=..., e.g. prompt=scc2s.prompts.from_cell2sentence()[0] for a published C2S model, or, for a model "
        "that was: model=scc2s.models.load(..., family='scc2s')",
        loaded.id,
        loaded.family,
    )
    return loaded, prompts.get(name)


def choose_writer(
    model: str | Model | None, prompt: str | Task | None, name: str, *, declared: bool = False
) -> tuple[Any, Task]:
    """:func:`load_for` for a model that is to write: one that was not trained on task `name` would write at random.

    A model that says which tasks it was trained on is held to that, unless a `prompt` is given; with `declared` one
    that does not say is refused too.
    """
    from scc2s import models

    if prompt is not None:
        worded(prompt, name)
    loaded = models.load(model)
    known = loaded.tasks
    if prompt is None and (name not in known if known is not None else declared):
        said = f"its tasks are {', '.join(known)}" if known is not None else "it declares no tasks"
        msg = f"{loaded.id} was not trained on the task {name!r} ({said}); pass model= one that was, or prompt=..."
        raise ValueError(msg)
    return load_for(loaded, prompt, name, can="generate")


def ask(
    adata: AnnData,
    task: Task,
    model: Model,
    *,
    organism: str | None,
    sentence_key: str,
    n_answer_tokens: int = 0,
    rows: np.ndarray | None = None,
    given: Mapping[str, Sequence[str]] | None = None,
    seen: Cells | None = None,
) -> Question:
    """Render one prompt for each cell that has a sentence; sentences too long for the model's context lose genes.

    Parameters
    ----------
    rows
        Rows of `adata` to ask about, repeats allowed; ``None``: each once.
    given
        Values of fields that are not columns of ``.obs``, one for each of `rows`.
    seen
        What :func:`scc2s.tl._asking.cells.look` has read of the same cells; its rows are taken.
    """
    given = given or {}
    if SENTENCE not in task.fields:
        msg = f"the prompt of task {task.name!r} has no {{{SENTENCE}}}, so no cell would be in it; add the field"
        raise ValueError(msg)
    sentences = get_sentences(adata, sentence_key) if seen is None else seen.sentences
    rows = rows if seen is None else seen.rows
    rows = np.arange(len(sentences)) if rows is None else rows
    asked = np.flatnonzero([bool(sentences[row].strip()) for row in rows])
    cells = rows[asked]
    if n_empty := len(np.unique(rows)) - len(np.unique(cells)):
        logger.warning("%d of %d cells have an empty sentence", n_empty, len(np.unique(rows)))
    _warn_of_case(model, [sentences[i] for i in cells[:100]])
    before = {} if seen is None else {name: values for name, values in seen.fields.items() if name in task.fields}
    wanted = [name for name in task.fields if name not in given and name not in before]
    from_obs = before | prompt_fields(adata, wanted, organism=organism)
    fields = {name: from_obs[name][cells].tolist() for name in task.fields if name in from_obs}
    fields |= {name: [values[i] for i in asked.tolist()] for name, values in given.items() if name in task.fields}
    texts = [sentences[i] for i in cells]
    n_unread = 0
    if not set(task.response_fields) & set(SENTENCES):
        read = [taught(model).read(text) for text in texts]
        n_unread = sum(a.count(" ") - b.count(" ") for a, b in zip(texts, read, strict=True))
        texts = read
    room = None if model.max_tokens is None else model.max_tokens - n_answer_tokens
    rendered = task.render(texts, fields, count_tokens=model.count_tokens, max_tokens=room)
    if rendered.n_shortened:
        logger.warning(
            "%d of %d cell sentences were shortened to fit the %d tokens of %s (longest now: %d genes)",
            rendered.n_shortened, len(cells), model.max_tokens, model.id, max(rendered.n_genes),
        )  # fmt: skip
    return Question(
        task=task,
        rendered=rendered,
        cells=cells,
        asked=asked,
        n_cells=len(sentences),
        fields=fields,
        n_unread=n_unread,
    )


def _warn_of_case(model: Model, sentences: list[str]) -> None:
    words = " ".join(sentences).split()
    if model.family == "cell2sentence" and 2 * sum(word != word.upper() for word in words) > len(words):
        logger.warning(
            "%s was trained on gene symbols in capitals; make the sentences so: sc.pp.c2s_sentences(adata, upper=True)",
            model.id,
        )
