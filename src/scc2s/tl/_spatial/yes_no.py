"""Contexts asked a question of yes or no, by the likelihood of the two answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from scc2s.models._taught import taught
from scc2s.tl._asking.answers import as_answers, refuse_many_fields, score_labels
from scc2s.tl._asking.cells import worded
from scc2s.tl._asking.contexts import ask_contexts, look_at_contexts, refuse_untaught, say_untaught
from scc2s.tl._asking.nulls import ask_nulls
from scc2s.tl._asking.question import load_for
from scc2s.tl._asking.verdicts import judge
from scc2s.tl._spatial.knowledge import FIELD, known, with_knowledge

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from anndata import AnnData

    from scc2s.models import Model
    from scc2s.models._numbers import Cache
    from scc2s.prompts import Task
    from scc2s.tl._asking.contexts import SeenContexts

LABELS = ("yes", "no")


@dataclass(frozen=True)
class Answered:
    """What a model said."""

    probability: dict[str, np.ndarray]
    """Of yes for each context, by arm; NaN where it was not asked."""
    model: Model
    params: dict[str, Any]
    controls: dict[str, Any]


def look(
    adata: AnnData,
    key: str,
    prompt: str | Task | None,
    name: str,
    *,
    organism: str | None,
    sentence_key: str,
    asked: np.ndarray,
) -> SeenContexts:
    """Those of the contexts that are to be asked, read before a model is loaded."""
    shown = prompt
    if (task := worded(prompt, name)) is not None:
        refuse_many_fields(task)
        # What fills this field is not a column, and made for each arm.
        shown = replace(task, template=task.template.replace(f"{{{FIELD}}}", ""))
    seen = look_at_contexts(adata, key, shown, name, organism=organism, sentence_key=sentence_key)
    table, cells = seen.contexts.table, seen.contexts.cells
    return replace(
        seen,
        contexts=type(seen.contexts)(table.iloc[asked], [cells[i] for i in asked]),
        rows=[seen.rows[i] for i in asked],
        sentences=[seen.sentences[i] for i in asked],
        fields={field: [values[i] for i in asked] for field, values in seen.fields.items()},
    )


def ask_yes_no(
    adata: AnnData,
    seen: SeenContexts,
    arms: dict[str, pd.DataFrame | None],
    *,
    name: str,
    model: str | Model | None,
    prompt: str | Task | None,
    most: int,
    organism: str | None,
    normalize: str,
    controls: bool,
    random_state: int,
    cache: Cache,
) -> Answered:
    """Ask about each context, once for each arm of knowledge; control questions about the last arm."""
    loaded, task = load_for(model, prompt, name, can="score")
    refuse_many_fields(task)
    refuse_untaught(loaded, task, prompt)
    say_untaught(loaded, task)
    choices = as_answers(list(LABELS), task)
    room = int(loaded.count_tokens(choices).max()) + 1
    score = partial(
        score_labels, loaded, choices=choices, per_token=normalize == "mean", corrected=False,
        temperature=taught(loaded).temperature, cache=cache,
    )  # fmt: skip
    found: dict[str, np.ndarray] = {}
    params: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for arm, table in arms.items():
        asked_with = with_knowledge(task, table)
        some = replace(seen, fields=seen.fields | {FIELD: known(seen.sentences, table, most)})
        question = ask_contexts(adata, asked_with, loaded, some, organism=organism, n_answer_tokens=room)
        own = score(question)
        found[arm] = question.spread(own)[:, 0]
        params = question.params() | {"prompt": asked_with.template}
        if controls and arm == list(arms)[-1]:
            nulls = ask_nulls(
                question,
                own,
                score,
                names=seen.names.tolist(),
                model=loaded,
                n_answer_tokens=room,
                random_state=random_state,
            )
            said = judge(nulls, loaded.id, None)
    return Answered(found, loaded, params, said)
