"""What tools that let a model write refuse before they load one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s import prompts
from scc2s.sentences import RankFit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scc2s.prompts import Task
    from scc2s.tl._asking.decoding import Decoding


def refuse_without(task: Task, field: str) -> None:
    """Raise if the prompt does not say what happens to the cell."""
    if field not in task.fields:
        msg = (
            f"the prompt of task {task.name!r} has no {{{field}}}, so the model would not know what happens to the "
            "cell; add the field"
        )
        raise ValueError(msg)


def check_prompt(prompt: object, field: str) -> None:
    """:func:`refuse_without` for a prompt that the user gave; that of a family is known once the model is."""
    if prompt is not None:
        refuse_without(as_task(prompt), field)


def as_task(prompt: object) -> Task:
    """A task as it is, or one of a template."""
    if isinstance(prompt, str):
        return prompts.custom(prompt)
    if not isinstance(prompt, prompts.Task):
        msg = f"prompt is of type {type(prompt).__name__}; pass a template as text, or a task of scc2s.prompts"
        raise TypeError(msg)
    return prompt


def check_asked(*, organism: object, sentence_key: object, fit: object) -> None:
    """Raise a TypeError for arguments of other types than all tools that let a model write take."""
    if organism is not None and not (isinstance(organism, str) and organism.strip()):
        msg = (
            f"organism={organism!r} is not a name; pass organism='Homo sapiens', or set adata.obs['organism'] where "
            "cells differ in it"
        )
        raise TypeError(msg)
    if not isinstance(sentence_key, str):
        msg = f"sentence_key={sentence_key!r} is not a name; pass sentence_key= a column of adata.obs with sentences"
        raise TypeError(msg)
    if fit is not None and not isinstance(fit, RankFit):
        msg = f"fit is of type {type(fit).__name__}; pass fit=scc2s.sentences.RankFit.from_dict(...), or fit=None"
        raise TypeError(msg)


def check_name(**names: object) -> None:
    """Raise for what the model would be told as a name, and is not one."""
    for argument, value in names.items():
        if not isinstance(value, str) or not value.strip():
            msg = f"{argument}={value!r} is not a name; pass {argument}= a text that the model is told"
            raise ValueError(msg)


def numbers(**given: tuple[Any, float, float]) -> None:
    """Raise for an argument that is not a number, or out of its range."""
    for name, (value, least, most) in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not least <= value <= most:
            msg = f"{name}={value!r} is out of range; pass {name}= between {least} and {most}"
            raise ValueError(msg)


def ready(decoding: Decoding, words: Sequence[str]) -> Decoding:
    """The same with its cache open, after a look at whether `words` are enough.

    Raises
    ------
    ValueError
        More genes are asked for than there are.
    OSError, ValueError
        What :class:`scc2s.models.ResponseCache` says of a file that cannot be used.
    """
    from scc2s.models import ResponseCache

    if decoding.constrain and decoding.n_genes is not None and decoding.n_genes > len(words):
        msg = (
            f"n_genes={decoding.n_genes}, but the sentences of adata may hold {len(words)} genes; pass n_genes= at "
            f"most {len(words)}, or constrain=False"
        )
        raise ValueError(msg)
    if decoding.cache is None or isinstance(decoding.cache, ResponseCache):
        return decoding
    return replace(decoding, cache=ResponseCache(decoding.cache))
