"""Arguments that the tools which make samples for training have in common."""

from __future__ import annotations

from typing import Any

from scc2s import prompts
from scc2s.train import Augment


def task_of(task: Any) -> prompts.Task:
    """A task, by its name or as it is.

    Raises
    ------
    TypeError
        If it is something else.
    KeyError
        If there is no task of this name.

    Examples
    --------
    >>> task_of("cell_type").response_fields
    ('cell_type',)
    """
    chosen = prompts.get(task) if isinstance(task, str) else task
    if not isinstance(chosen, prompts.Task):
        msg = (
            f"task is of type {type(task).__name__}; pass the name of a task, or prompts.custom(template, response=...)"
        )
        raise TypeError(msg)
    return chosen


def check_augment(augment: Any) -> None:
    """Refuse what says nothing of how prompts vary.

    Raises
    ------
    TypeError
        If it is neither an :class:`scc2s.train.Augment` nor ``None``.
    """
    if augment is not None and not isinstance(augment, Augment):
        msg = f"augment is of type {type(augment).__name__}; pass augment=scc2s.train.Augment(...), or None"
        raise TypeError(msg)
