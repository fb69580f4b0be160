from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Sequence[float]]


@dataclass(frozen=True)
class Reward:
    """A reward with a name: what an answer is worth, from texts and columns alone.

    Parameters
    ----------
    name
        Names its columns of the history, and what went wrong with it.
    function
        Takes ``(prompts, completions, **columns)``, lists of the same length, and gives one finite number for each
        completion. Completions come without the tokens that end them.
    columns
        Columns of the table of prompts that it needs; it is given no others.
    needs
        Names of rewards without which it may not be used.

    Examples
    --------
    >>> short = Reward("short", lambda prompts, completions: [-len(text.split()) for text in completions])
    >>> short(["p", "p"], ["A B", "A"])
    [-2.0, -1.0]
    """

    name: str
    function: Function
    columns: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def __call__(self, prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:
        """One number for each completion.

        Raises
        ------
        RuntimeError
            The function fails; its own error is the cause.
        TypeError
            It gives something other than numbers.
        ValueError
            It gives NaN, infinity, or another number of rewards than there are completions; a column is not there.
        """
        if absent := [name for name in self.columns if name not in columns]:
            msg = f"reward {self.name!r} needs the column {absent[0]!r}; pass {absent[0]}= one value for each answer"
            raise ValueError(msg)
        given = {name: columns[name] for name in self.columns}
        try:
            found = self.function(list(prompts), list(completions), **given)
        except Exception as error:
            msg = f"reward {self.name!r} failed: {type(error).__name__}: {error}"
            raise RuntimeError(msg) from error
        try:
            values = np.asarray(found, dtype=np.float64)
        except (TypeError, ValueError) as error:
            msg = f"reward {self.name!r} gives {type(found).__name__}, not numbers; return one float for each answer"
            raise TypeError(msg) from error
        if values.shape != (len(completions),):
            msg = (
                f"reward {self.name!r} gives an array of shape {values.shape} for {len(completions)} answers; return "
                "one float for each"
            )
            raise ValueError(msg)
        if not np.isfinite(values).all():
            at = int(np.flatnonzero(~np.isfinite(values))[0])
            msg = (
                f"reward {self.name!r} gives {values[at]} for answer {at}, {completions[at][:60]!r}; return a finite "
                "number, e.g. 0.0 where there is nothing to judge"
            )
            raise ValueError(msg)
        return [float(value) for value in values]


def as_rewards(given: Any, columns: Iterable[str]) -> list[Reward]:
    """Rewards from one function or several, checked against the columns that there are.

    Parameters
    ----------
    given
        A :class:`Reward`, a function, a list of them, or a dict of them by name.
    columns
        Columns of the table of prompts, ``prompt`` not among them.

    Raises
    ------
    TypeError
        Something that cannot be called, or that gives its rewards later (async).
    ValueError
        No reward, two of one name, a column that is not there, or a reward without the one that it needs.
    """
    known = set(columns)
    named: list[tuple[str | None, Any]]
    if isinstance(given, Mapping):
        named = [(str(name), one) for name, one in given.items()]
    elif callable(given):
        named = [(None, given)]
    elif isinstance(given, Iterable) and not isinstance(given, str | bytes):
        named = [(None, one) for one in given]
    else:
        named = [(None, given)]
    if not named:
        msg = "there is no reward; pass reward= a function, or scc2s.train.rewards.program_tau(genes)"
        raise ValueError(msg)
    found = [_one(one, name, known) for name, one in named]
    names = [one.name for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        msg = f"two rewards are called {twice[0]!r}; name them: reward={{'first': ..., 'second': ...}}"
        raise ValueError(msg)
    kinds = {one.name for _, one in named if isinstance(one, Reward)} | set(names)
    for one in found:
        if absent := [name for name in one.columns if name not in known]:
            msg = f"reward {one.name!r} needs the column {absent[0]!r} of prompts, which has {sorted(known)}; add it"
            raise ValueError(msg)
        if lacking := [name for name in one.needs if name not in kinds]:
            msg = (
                f"reward {one.name!r} is only used together with {lacking[0]!r}, without which it is a reward for "
                f"wording alone; pass reward=[..., scc2s.train.rewards.{lacking[0]}(...)]"
            )
            raise ValueError(msg)
    return found


def _one(given: Any, name: str | None, known: set[str]) -> Reward:
    if isinstance(given, Reward):
        return given if name is None else Reward(name, given.function, given.columns, given.needs)
    if not callable(given):
        msg = f"reward is {type(given).__name__}; pass a function that takes (prompts, completions, **columns)"
        raise TypeError(msg)
    own = str(name or getattr(given, "__name__", type(given).__name__))
    if inspect.iscoroutinefunction(given) or inspect.iscoroutinefunction(getattr(given, "__call__", None)):  # noqa: B004
        msg = f"reward {own!r} is async; pass a plain function that waits for its answer"
        raise TypeError(msg)
    return Reward(own, given, _columns(given, known, own))


def _columns(function: Any, known: set[str], name: str) -> tuple[str, ...]:
    """Columns that a function takes: those of its arguments, all where it takes any."""
    try:
        arguments = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return ()
    if any(one.kind is one.VAR_KEYWORD for one in arguments):
        return tuple(sorted(known))
    positional = [one for one in arguments if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    if len(positional) < 2 and not any(one.kind is one.VAR_POSITIONAL for one in arguments):
        msg = f"reward {name!r} does not take (prompts, completions, **columns); give it both arguments"
        raise TypeError(msg)
    rest = [*positional[2:], *(one for one in arguments if one.kind is one.KEYWORD_ONLY)]
    return tuple(one.name for one in rest if one.name in known or one.default is one.empty)
