"""What can be done to an atlas: which function does it to a block, and what that has to be given."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from scc2s._cells.results import refuse_name
from scc2s.atlas._folder import _as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True)
class Kind:
    """A step by its name."""

    function: str
    """Module and function, called with a block in memory."""
    matrix: bool
    """Whether it reads expression."""
    block_size: int
    """Cells of a block, if the user does not say."""
    named: str | None = None
    """Parameter that names the result, where there may be several."""
    refused: tuple[str, ...] = ()
    """Parameters that make no sense for a block."""
    unit: int | None = None
    """Cells that are asked about together. Numbers of a model depend in their last bits on the cells beside, so that
    these have to be the same whatever the block; ``None``: nothing depends on them."""


UNIT = 256
_COPY = ("copy", "mod", "cache", "contexts")

KINDS: dict[str, Kind] = {
    "sentences": Kind("scc2s.pp:sentences", True, 16_384, "key_added", ("copy", "mod", "into", "n_jobs")),
}

DEFAULTS: dict[str, dict[str, Any]] = {"sentences": {"store": "ranks"}}
"""Parameters that differ from the function's own: what it chooses by the number of cells, it cannot by a block."""


@dataclass(frozen=True)
class Step:
    """A step with its parameters. Pickled, and kept in a file, as these."""

    name: str
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """What it does."""
        return KINDS[self.name]

    @property
    def key(self) -> str:
        """Name that no other result has."""
        own = self.params.get(self.kind.named) if self.kind.named else None
        return self.name if own is None else f"{self.name}_{own}"

    @property
    def function(self) -> Callable[..., Any]:
        """The function for a block."""
        module, _, name = self.kind.function.partition(":")
        found: Callable[..., Any] = getattr(import_module(module), name)
        return found


def given_steps(steps: str | Sequence[str | tuple[str, Mapping[str, Any]] | Step]) -> list[Step]:
    """The steps that a user names.

    Raises
    ------
    TypeError
        If one is not a name, or a name with parameters, or a parameter cannot be kept in a file.
    ValueError
        If there is none of that name, or a parameter is about data in memory.
    """
    listed = [steps] if isinstance(steps, str) else list(steps)
    if not listed:
        msg = f"steps=[] is nothing to do; pass steps= some of {', '.join(KINDS)}"
        raise ValueError(msg)
    found = [_given(step) for step in listed]
    keys = [step.key for step in found]
    if twice := [key for key in keys if keys.count(key) > 1]:
        msg = f"two steps have the result {twice[0]!r}; pass another key_added= to one of them"
        raise ValueError(msg)
    return found


def _given(step: Any) -> Step:
    if isinstance(step, Step):
        return step
    pair = (step, {}) if isinstance(step, str) else tuple(step) if isinstance(step, tuple | list) else ()
    if len(pair) != 2 or not isinstance(pair[0], str) or not hasattr(pair[1], "items"):
        msg = f"{step!r} is not a step; pass a name, or a name with parameters: ('embed', {{'model': 'scc2s-mini'}})"
        raise TypeError(msg)
    name, params = pair[0], {**DEFAULTS.get(pair[0], {}), **{str(key): value for key, value in pair[1].items()}}
    if name not in KINDS:
        msg = f"there is no step {name!r}; pass one of {', '.join(KINDS)}"
        raise ValueError(msg)
    kind = KINDS[name]
    if refused := sorted(set(params) & set(kind.refused)):
        msg = f"{refused[0]}= of {name} is about data in memory; leave it out"
        raise ValueError(msg)
    for key, value in params.items():
        try:
            json.dumps(value, default=_as_json)
        except (TypeError, ValueError) as error:
            msg = (
                f"{key}={type(value).__name__} of {name} cannot be kept in the plan of a run, which other processes "
                "read; pass text, numbers, lists or dicts of such (a model by its name or folder)"
            )
            raise TypeError(msg) from error
    if kind.named and kind.named in params:
        refuse_name(params[kind.named])
    return Step(name, params)
