"""Cells that a model will be asked about: read and checked before the model is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from scc2s import prompts
from scc2s._cells.access import get_sentences, sentence_slots
from scc2s._cells.fields import prompt_fields
from scc2s._logging import logger
from scc2s.prompts import Task
from scc2s.prompts._task import SENTENCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anndata import AnnData


@dataclass(frozen=True)
class Cells:
    """What prompts about cells are made of."""

    sentences: list[str]
    """Of all cells; empty where a cell has none."""
    rows: np.ndarray
    """Cells to ask about, repeats allowed."""
    fields: dict[str, np.ndarray]
    """Values of the fields of the prompt that are known by now, one for each cell."""

    @property
    def written(self) -> np.ndarray:
        """Those of `rows` that have a sentence."""
        return np.asarray([row for row in self.rows if self.sentences[row].strip()], dtype=np.int64)


def look(
    adata: AnnData,
    prompt: str | Task | None,
    name: str,
    *,
    organism: str | None,
    sentence_key: str,
    rows: np.ndarray | None = None,
    shows: bool = True,
    needed: bool = True,
) -> Cells:
    """Read what the prompts will hold.

    Parameters
    ----------
    adata
        Cells.
    prompt, name
        As for :func:`scc2s.tl._asking.question.load_for`.
    organism
        Organism in the prompt.
    sentence_key
        Column of ``.obs`` with the sentences.
    rows
        Rows of `adata` to ask about; ``None``: each once.
    shows
        Whether the prompt is to show the cell.
    needed
        Whether there must be a cell with a sentence.

    Raises
    ------
    KeyError
        There are no sentences, no such column, or no prompt of that name.
    TypeError
        `prompt` is neither a template nor a task.
    ValueError
        There are no cells, none of them has a sentence, or a prompt does not show the cell.
    """
    if needed and not (adata.n_obs if rows is None else len(rows)):
        msg = "there are no cells to ask about; pass an AnnData (and cells=, where there is one) with at least one"
        raise ValueError(msg)
    task = worded(prompt, name)
    if shows and task is not None and SENTENCE not in task.fields:
        msg = f"the prompt of task {task.name!r} has no {{{SENTENCE}}}, so no cell would be in it; add the field"
        raise ValueError(msg)
    sentences = get_sentences(adata, sentence_key)
    _say_source(adata, sentence_key)
    found = Cells(
        sentences=sentences,
        rows=np.arange(len(sentences)) if rows is None else rows,
        fields=_fields(adata, known_fields(name) if task is None else task.fields, organism),
    )
    if needed and not len(found.written):
        msg = (
            f"none of the {len(found.rows)} cells has a gene in its sentence; ask about others, or make the sentences "
            "from another matrix: sc.pp.c2s_sentences(adata, layer=...)"
        )
        raise ValueError(msg)
    return found


def _say_source(adata: AnnData, sentence_key: str) -> None:
    """Log which genes the sentences are made of: those of ``.raw`` are often more than those of the cells."""
    record = adata.uns.get("c2s", {}).get(sentence_slots(sentence_key).record, {})
    source = record.get("params", {}).get("source") if isinstance(record, Mapping) else None
    if source == "raw.X" and adata.raw is not None and adata.raw.n_vars != adata.n_vars:
        logger.info(
            "the sentences in obs[%r] are of the %d genes of adata.raw, not of the %d of adata; for those call "
            "sc.pp.c2s_sentences(adata, use_raw=False)",
            sentence_key,
            adata.raw.n_vars,
            adata.n_vars,
        )
    elif source is not None:
        logger.info("the sentences in obs[%r] come from %s", sentence_key, source)


def worded(prompt: str | Task | None, name: str) -> Task | None:
    """The task, as far as it is known before a model is: ``None`` for that of the model's own family.

    Raises
    ------
    KeyError
        No family has a prompt of that name, and no `prompt` is given.
    TypeError
        `prompt` is neither a template nor a task.
    """
    if isinstance(prompt, str):
        return prompts.custom(prompt)
    if isinstance(prompt, Task):
        return prompt
    if prompt is not None:
        msg = (
            f"prompt is {type(prompt).__name__}; pass a template with {{{SENTENCE}}}, or a task such as "
            "scc2s.prompts.get('cell_type')"
        )
        raise TypeError(msg)
    if not any(name in tasks for tasks in prompts.families().values()):
        prompts.get(name)  # raises, and says which there are
    return None


def known_fields(name: str) -> Iterable[str]:
    """Fields that the prompt `name` has in every family that has it."""
    every = [prompts.get(name, family=family).fields for family, names in prompts.families().items() if name in names]
    return reduce(lambda one, other: [field for field in one if field in other], every)


def _fields(adata: AnnData, names: Iterable[str], organism: str | None) -> dict[str, np.ndarray]:
    found = prompt_fields(adata, names, organism=organism)
    if organism is not None and "organism" not in found:
        prompt_fields(adata, ["organism"], organism=organism)  # no prompt names it, but it is wrong all the same
    return found
