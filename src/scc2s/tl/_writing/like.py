"""Cells in the manner of a data set: a prompt that shows its strongest genes, for models that were taught it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s import prompts
from scc2s._cells.access import get_sentences, sentence_slots
from scc2s.prompts._sample_words import sample_words

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s.models import Model
    from scc2s.prompts import Task

SAMPLE = "sample_genes"
"""Field of the prompt."""


def in_the_manner_of(data: AnnData, model: Model, task: Task, sentence_key: str) -> tuple[Task, dict[str, str]]:
    """The task with the sample in its prompt, and that field; the task as it is, where model or data have none.

    Protocols differ in the genes that they find, whatever the type of the cells: without the sample a model can only
    write cells of no protocol in particular.
    """
    name = f"{task.name}_like"
    if name not in (model.tasks or ()) or name not in prompts.families().get(task.family, {}):
        return task, {}
    if sentence_slots(sentence_key).text not in data.obs or not data.n_obs:
        return task, {}
    words = sample_words(get_sentences(data, sentence_key))
    return (prompts.get(name, family=task.family), {SAMPLE: words}) if words else (task, {})
