"""What can be done to an atlas: which function does it to a block, and what that has to be given."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from scc2s import programs
from scc2s._cells.results import refuse_name
from scc2s.atlas._folder import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

UNIT = 256
_NONE = ("copy", "mod", "cache", "contexts")


@dataclass(frozen=True)
class Kind:
    """A step by its name."""

    function: str
    """Module and function, called with cells in memory: with a block, or (`own`) only with the first cells."""
    matrix: bool
    """Whether it reads expression; else sentences."""
    block_size: int
    """Cells of a block, if the user does not say."""
    usual: str | None = None
    """Name of the result where ``key_added`` is not given; ``None``: there is one result."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Parameters that make no sense for a block, and what to do without them."""
    unit: int | None = None
    """Cells that are asked about together. Numbers of a model depend in their last bits on the cells beside, so that
    these have to be the same whatever the block; ``None``: nothing depends on them."""
    own: str | None = None
    """Module and function that give arrays of a block in place of results."""
    values: bool = False
    """Whether it has to be known what the values of all cells are."""
    controls: bool = False
    """Whether a sample of the cells is asked about again."""
    all_cells: bool = False
    """Whether a cell without a sentence is refused."""


_IN_MEMORY = dict.fromkeys(_NONE, "leave it out")
_BY_SENTENCES = {
    **_IN_MEMORY,
    "contexts": "draw them in memory, from a part of the cells",
}

KINDS: dict[str, Kind] = {
    "values": Kind("scc2s.atlas._values:facts_of", True, 16_384, own="scc2s.atlas._values:facts_of"),
    "sentences": Kind(
        "scc2s.pp:sentences",
        True,
        16_384,
        "c2s_sentence",
        {"copy": "leave it out", "mod": "leave it out", "into": "leave it out", "n_jobs": "pass n_workers="},
        values=True,
    ),
    "rank_fit": Kind(
        "scc2s.pp:rank_fit",
        True,
        16_384,
        "rank_fit",
        {"copy": "leave it out", "mod": "leave it out"},
        own="scc2s.atlas._fit_sums:sums_of",
        values=True,
    ),
    "program_score": Kind(
        "scc2s.tl:program_score",
        True,
        16_384,
        "c2s_score",
        {"copy": "leave it out", "mod": "leave it out"},
        values=True,
    ),
    "embed": Kind("scc2s.tl:embed", False, 1_024, "X_c2s", _BY_SENTENCES, UNIT, all_cells=True),
    "annotate": Kind(
        "scc2s.tl:annotate",
        False,
        1_024,
        "c2s_cell_type",
        {**_BY_SENTENCES, "groupby": "label groups from the probabilities of their cells"},
        UNIT,
        controls=True,
    ),
    "perplexity": Kind("scc2s.tl:perplexity", False, 1_024, "c2s_perplexity", _BY_SENTENCES, UNIT),
    "perturb": Kind(
        "scc2s.tl:perturb",
        False,
        1_024,
        "perturbed",
        {
            **dict.fromkeys(("copy", "mod", "cache"), "leave it out"),
            "fit": "fit it: atlas.rank_fit",
            **dict.fromkeys(
                ("truth", "donor_key", "groupby"),
                "call scc2s.tl.perturb with a part of the cells in memory for a report with it",
            ),
        },
        UNIT,
        controls=True,
    ),
    "generate": Kind("scc2s.tl:generate", False, 1_024, unit=UNIT),
}
"""Steps by name."""
HIDDEN = ("values", "generate")
"""Those that are done where another needs them, or that make a store of their own."""
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
        own = self.params.get("key_added")
        if own is None and self.name == "annotate":
            own = "_".join(["c2s", *self.params.get("targets", [self.params.get("target", "cell_type")])])
        return self.name if own in (None, self.kind.usual) else f"{self.name}_{own}"

    def function(self) -> Callable[..., Any]:
        """The function for cells in memory."""
        return _named(self.kind.function)

    def own(self) -> Callable[..., Any] | None:
        """What is called with a block in its place, where it is another one."""
        return None if self.kind.own is None else _named(self.kind.own)


def _named(name: str) -> Callable[..., Any]:
    module, _, inner = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), inner)
    return found


def public() -> list[str]:
    """Names of the steps that a user can ask for."""
    return [name for name in KINDS if name not in HIDDEN]


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
        msg = f"steps=[] is nothing to do; pass steps= some of {', '.join(public())}"
        raise ValueError(msg)
    found = [_given(step) for step in listed]
    keys = [step.key for step in found]
    if twice := [key for key in keys if keys.count(key) > 1]:
        msg = f"two steps have the result {twice[0]!r}; pass another key_added= to one of them"
        raise ValueError(msg)
    return found


def _given(step: Any) -> Step:
    pair = (step, {}) if isinstance(step, str) else tuple(step) if isinstance(step, tuple | list) else ()
    if len(pair) != 2 or not isinstance(pair[0], str) or not hasattr(pair[1], "items"):
        msg = f"{step!r} is not a step; pass a name, or a name with parameters: ('embed', {{'model': 'scc2s-mini'}})"
        raise TypeError(msg)
    name, given = pair
    if name not in public():
        msg = f"there is no step {name!r}; pass one of {', '.join(public())}"
        raise ValueError(msg)
    params = {**DEFAULTS.get(name, {}), **{str(key): value for key, value in given.items()}}
    kind = KINDS[name]
    for key, mend in kind.refused.items():
        if params.get(key) is not None:
            msg = f"{key}= of {name} is about data in memory; {mend}"
            raise ValueError(msg)
        params.pop(key, None)
    for key, value in params.items():
        try:
            json.dumps(value, default=as_json)
        except (TypeError, ValueError) as error:
            msg = (
                f"{key}={type(value).__name__} of {name} cannot be kept in the plan of a run, which other processes "
                "read; pass text, numbers, lists or dicts of such (a model by its name or folder)"
            )
            raise TypeError(msg) from error
    # as a file gives it back, so that a run that goes on has the same
    params = json.loads(json.dumps(params, default=as_json))
    _check(name, params)
    if params.get("key_added") is not None:
        refuse_name(params["key_added"])
    return Step(name, params)


def _check(name: str, params: dict[str, Any]) -> None:
    """Refuse what has no meaning block by block."""
    if name == "sentences":
        if params["store"] == "ranks" and "n_genes" in params and params["n_genes"] is None:
            msg = "n_genes=None leaves the width of the ranks open until the last cell; pass n_genes= a number"
            raise ValueError(msg)
        if isinstance(params.get("reference"), str):
            msg = (
                f"reference={params['reference']!r} is a mean over all cells; make it from a sample in memory, and "
                "pass the values by gene: reference={'CD3D': 0.4, ...}"
            )
            raise ValueError(msg)
    if params.get("on_duplicate") == "sum":
        msg = "on_duplicate='sum' has to look at all cells first; pass on_duplicate='max', or merge them before"
        raise ValueError(msg)
    for key in ("perturbation", "dose", "time") if name == "perturb" else ():
        if isinstance(params.get(key), list | dict):
            column = "perturbation_key= a column of obs" if key == "perturbation" else f"{key}= one value for all cells"
            msg = f"{key}= with a value for each cell is about data in memory; pass {column}"
            raise ValueError(msg)
    if name == "program_score":
        program = programs.as_program(params.get("program", []))
        params.setdefault("key_added", f"c2s_score_{program.name}")
