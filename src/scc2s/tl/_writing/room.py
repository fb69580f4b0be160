"""Tokens that answers take, and whether a model's context has them."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scc2s.models import Model
    from scc2s.prompts import Task
    from scc2s.tl._asking.decoding import Decoding


def tokens_for(model: Model, words: Sequence[str], n_genes: int) -> int:
    """Tokens that `n_genes` of the words take, in all but about one cell of a thousand, were they drawn at random."""
    return _tokens(*_of_a_word(model, words), n_genes)


def room_for(model: Model, task: Task, words: Sequence[str], n_genes: int, decoding: Decoding) -> int:
    """Tokens to keep free for an answer of `n_genes` genes.

    Raises
    ------
    ValueError
        If they leave no room for a prompt in the context of the model; with the number of genes that does, where half
        of the context is for the cell that is shown.
    """
    mean, deviation = _of_a_word(model, words)
    room = decoding.max_new_tokens or _tokens(mean, deviation, n_genes)
    if model.max_tokens is None:
        return room
    left = model.max_tokens - bare_tokens(model, task)
    if room < left:
        return room
    context = f"{model.max_tokens} tokens that prompt and answer have together in {model.id}"
    if decoding.max_new_tokens is not None:
        msg = f"max_new_tokens={room} leaves nothing of the {context}; pass max_new_tokens= at most {left // 2}"
        raise ValueError(msg)
    fits = int(left / 2 / mean)
    while fits > 0 and _tokens(mean, deviation, fits) > left / 2:
        fits -= 1
    mend = f"n_genes= at most {fits}" if fits else "another model="
    if decoding.n_genes is None:
        msg = f"cells show up to {n_genes} genes, and to write as many takes about {room} of the {context}; pass {mend}"
    else:
        msg = f"n_genes={n_genes} takes about {room} of the {context}; pass {mend}"
    raise ValueError(msg)


def bare_tokens(model: Model, task: Task) -> int:
    """Tokens of a prompt before anything is filled in."""
    bare = "".join(literal for literal, *_ in Formatter().parse(task.template))
    return int(np.asarray(model.count_tokens([bare]))[0])


def _of_a_word(model: Model, words: Sequence[str]) -> tuple[float, float]:
    """Mean and standard deviation of the tokens of a word."""
    each = np.asarray(model.count_tokens([f" {word}" for word in words]), dtype=float)
    return float(each.mean()), float(each.std())


def _tokens(mean: float, deviation: float, n_words: int) -> int:
    return int(np.ceil(n_words * mean + 3 * deviation * np.sqrt(n_words))) + 1
