"""Cells for a text by a language model: how much likelier the text is after the cell than after no cell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.groups import Groups
from scc2s._cells.sampling import shuffled
from scc2s._logging import logger
from scc2s.models._numbers import likelihoods
from scc2s.models._words import has_genes, own_tokens
from scc2s.prompts._task import SENTENCE
from scc2s.tl._asking.answers import as_answers
from scc2s.tl._asking.cells import look, worded
from scc2s.tl._asking.question import ask, load_for
from scc2s.tl._asking.untaught import FEW
from scc2s.tl._describing.shown import cells_to_show
from scc2s.tl._searching.floor import beats, floor_table, say_floor
from scc2s.tl._searching.found import Found, of_groups, order
from scc2s.tl._searching.queries import reordered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from scc2s.models import Model
    from scc2s.models._numbers import Cache
    from scc2s.prompts import Task
    from scc2s.tl._asking.question import Question

TASK = "caption"
_FLOOR_CELLS = 100
"""Cells, beside the best ones, that reordered texts are scored for."""


@dataclass(frozen=True)
class Ways:
    """How a text is to be looked for."""

    model: str | Model | None
    prompt: str | Task | None
    groupby: str | None
    n_cells: int
    n_top: int
    n_shuffled: int
    random_state: int
    cache: Cache
    organism: str | None
    sentence_key: str


def likely(data: AnnData, text: str, ways: Ways) -> Found:
    """Log-likelihood of a text after each cell, less that after the same prompt without genes.

    Raises
    ------
    TypeError
        The model gives no likelihood of a text.
    ValueError
        The prompt holds the cell alone, so that nothing is left without it.
    """
    _refuse_cell_alone(worded(ways.prompt, TASK))
    seen = look(data, ways.prompt, TASK, organism=ways.organism, sentence_key=ways.sentence_key)
    groups = None if ways.groupby is None else Groups.of(data, ways.groupby)
    of_row = np.full(data.n_obs, -1)
    if groups is not None:
        shown = cells_to_show(data, groups, ways.n_cells, 1, seen.sentences, ways.random_state)
        seen = replace(seen, rows=np.concatenate([one.cells for one in shown]))
        of_row[seen.rows] = groups.codes[seen.rows]
    loaded = reader(ways.model)
    loaded, task = load_for(loaded, ways.prompt, TASK, can="log_likelihood")
    _refuse_cell_alone(task)
    others = reordered(text, ways.n_shuffled, ways.random_state)
    answers = as_answers([text, *others], task)
    room = int(loaded.count_tokens(answers).max()) + 1
    question = ask(
        data,
        task,
        loaded,
        organism=ways.organism,
        sentence_key=ways.sentence_key,
        n_answer_tokens=room,
        seen=seen,
    )
    spelled = say_spelled(loaded, text)
    own = gains(loaded, question, answers[:1], ways.cache)[0]
    units = question.cells if groups is None else of_row[question.cells]
    names = data.obs_names.astype(str).tolist() if groups is None else groups.names
    n_asked = np.bincount(units, minlength=len(names))

    def means(values: np.ndarray, of: np.ndarray) -> np.ndarray:
        n = np.bincount(of, minlength=len(names))
        total = np.bincount(of, weights=values, minlength=len(names))
        out: np.ndarray = np.divide(total, n, out=np.full(len(names), np.nan), where=n > 0)
        return out

    scores = means(own, units)
    top = int(order(scores, names)[0])
    looked = np.arange(len(units))
    if groups is None:
        best = order(scores, names)[: ways.n_top]
        some = shuffled([names[row] for row in units], ways.random_state)[:_FLOOR_CELLS]
        looked = np.flatnonzero(np.isin(units, np.concatenate([best, units[some]])))
    again = gains(loaded, question.some(looked), answers[1:], ways.cache)
    floor = floor_table(others, np.array([means(row, units[looked]) for row in again]), names, top)
    say_floor(text, names[top], float(scores[top]), floor)
    params = {
        "how": "likelihood",
        "n_cells_shown": ways.n_cells if groups is not None else None,
        "n_looked_for_floor": len(looked),
        "beats_floor": beats(float(scores[top]), floor),
        "words_spelled": spelled,
        **question.params(),
    }
    return Found(
        "cell" if groups is None else "group",
        names,
        scores,
        scores if groups is None else of_groups(groups, scores),
        columns={} if groups is None else {"n_cells": n_asked},
        floor=floor,
        params=params,
        model=loaded.info(),
    )


def reader(model: str | Model | None) -> Any:
    """The model, which has to give the likelihood of a text.

    Raises
    ------
    TypeError
        It does not.
    """
    from scc2s import models

    loaded = models.load(model)
    if not hasattr(loaded, "log_likelihood"):
        msg = (
            f"{loaded.id} gives no likelihood of a text, and so finds no cells for one; pass model= a language model "
            "that does (e.g. model='scc2s-mini'), search captions: sc.tl.c2s_caption(adata, groupby=...) and encoder=, "
            "or look for cells like others: query= their names"
        )
        raise TypeError(msg)
    return loaded


def gains(model: Any, question: Question, answers: Sequence[str], cache: Cache) -> np.ndarray:
    """Log-likelihood of each answer after each prompt less that without genes: answers x prompts, in nats."""
    prompts, without = question.rendered.texts, question.null_texts()
    nulls = list(dict.fromkeys(without))
    both = [
        likelihoods(
            model,
            [prompt for _ in answers for prompt in some],
            [answer for answer in answers for _ in some],
            cache=cache,
        ).logprob.reshape(len(answers), len(some))
        for some in (prompts, nulls)
    ]
    place = {prompt: i for i, prompt in enumerate(nulls)}
    found: np.ndarray = both[0] - both[1][:, [place[prompt] for prompt in without]]
    return found


def say_spelled(model: Any, text: str) -> int:
    """How many words of a text a model whose tokens are genes has no token for; a warning where these are most."""
    tokenizer = getattr(model, "tokenizer", None)
    if not callable(tokenizer) or not hasattr(tokenizer, "eos_token_id") or not has_genes(tokenizer):
        return 0
    words = text.split()
    own = own_tokens(tokenizer, words)
    lost = [word for word, there in zip(words, own, strict=True) if not there]
    if len(lost) > FEW * len(words):
        logger.warning(
            "%s was made for genes and the names of a few cell types, and has no token for %d of %d words of the "
            "text (%s): it spells them letter by letter and knows nothing of what they mean",
            model.id, len(lost), len(words), ", ".join(map(repr, lost[:3])),
        )  # fmt: skip
    return len(lost)


def _refuse_cell_alone(task: Task | None) -> None:
    if task is not None and not task.template.replace(f"{{{SENTENCE}}}", "").strip():
        msg = (
            "the prompt holds the cell alone, so that nothing is left to compare with when the cell is taken out; pass "
            f"prompt= a template with words of its own, e.g. 'Genes: {{{SENTENCE}}} Description:'"
        )
        raise ValueError(msg)
