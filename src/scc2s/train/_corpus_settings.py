"""What a corpus is made with: settings that its shards depend on, and those that only reading depends on."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scc2s import prompts
from scc2s.prompts._organism import organism_name
from scc2s.prompts._task import CELLS, N_GENES, SENTENCES, Task

from ._augment import Augment
from ._split import split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PARTS = ("train", "val", "test")
_OF_SETS = ("name_genes", "gene_set")
_PERTURBED = SENTENCES[1]


@dataclass(frozen=True)
class Settings:
    """What the shards depend on; a folder holds the corpus of one."""

    tasks: tuple[Task, ...]
    columns: dict[str, str]
    organism: str | None
    key: str | None
    control: str | None
    match: tuple[str, ...]
    n_controls: int
    split: str | None
    held_out: tuple[str, ...]
    val: float
    test: float
    missing: Literal["error", "skip"]
    shard_size: int
    random_state: int
    cells: str | None = None
    """Mark of the cells, where `batches` has one."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        found = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Settings:
        """Back from JSON."""
        found = {f.name: stored[f.name] for f in fields(cls)}
        found |= {name: tuple(found[name]) for name in ("match", "held_out")}
        return cls(**{**found, "tasks": tuple(Task(**task) for task in stored["tasks"])})

    @property
    def needed(self) -> tuple[str, ...]:
        """Fields of all tasks that are text from a table."""
        return tuple(dict.fromkeys(name for task in self.tasks for name in fields_of(task)))

    def column(self, name: str) -> str:
        """Column of obs that a field is read from."""
        usual = self.key if name == "perturbation" and self.key is not None else name
        return self.columns.get(name, usual)


@dataclass(frozen=True)
class Reading:
    """What is drawn from the shards, and how it is written; may change after they have been made."""

    weights: dict[str, float] | None = None
    n_samples: int | None = None
    n_genes: int = 200
    augment: Augment | None = field(default_factory=Augment)

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Reading:
        """Back from JSON."""
        own = stored["augment"]
        augment: Any = None if own is None else {k: tuple(v) if isinstance(v, list) else v for k, v in own.items()}
        return cls(**{**stored, "augment": None if augment is None else Augment(**augment)})


def fields_of(task: Task) -> list[str]:
    """Fields of a task that are text from a table."""
    return [n for n in dict.fromkeys((*task.fields, *task.response_fields)) if n not in (*SENTENCES, N_GENES)]


def in_pairs(task: Task) -> bool:
    """Whether a task shows one cell and asks for another."""
    return _PERTURBED in task.response_fields


def chosen_tasks(tasks: str | Task | Sequence[str | Task]) -> tuple[Task, ...]:
    """Tasks by name or as they are, each once, about single cells.

    Raises
    ------
    KeyError
        If a name is not known.
    TypeError
        If one is neither a name nor a task.
    ValueError
        If there are none, two have one name, or one is not about single cells.
    """
    given = [tasks] if isinstance(tasks, str | Task) else list(tasks)
    if not given:
        msg = "tasks is empty; pass tasks= names such as 'cell_type', or prompts.custom(template, response=...)"
        raise ValueError(msg)
    found = []
    for one in given:
        if not isinstance(one, str | Task):
            msg = f"a task is of type {type(one).__name__}; pass the name of a task, or prompts.custom(...)"
            raise TypeError(msg)
        task = prompts.get(one) if isinstance(one, str) else one
        if CELLS in (*task.fields, *task.response_fields):
            msg = (
                f"task {task.name!r} is about several cells, drawn from all cells of a sample; make its "
                "samples with sc.pp.c2s_contexts(adata, ...) and sc.pp.c2s_samples(adata, task, contexts=...)"
            )
            raise ValueError(msg)
        if task.family == "scc2s" and task.name in _OF_SETS:
            msg = f"task {task.name!r} is about sets of genes, not about cells; pass other tasks="
            raise ValueError(msg)
        found.append(task)
    names = [task.name for task in found]
    if twice := [name for name in names if names.count(name) > 1]:
        msg = f"two tasks are called {twice[0]!r}; name one otherwise: dataclasses.replace(task, name=...)"
        raise ValueError(msg)
    return tuple(found)


def checked_weights(weights: Mapping[str, float] | None, names: Sequence[str]) -> dict[str, float] | None:
    """Weights of the tasks, in their order.

    Raises
    ------
    KeyError
        If one has no weight, or a weight is of no task.
    ValueError
        If one is negative or not finite, or all are 0.
    """
    if weights is None:
        return None
    known = ", ".join(map(repr, names))
    if absent := [name for name in names if name not in weights]:
        msg = f"task {absent[0]!r} has no weight; pass weights= a number for each of {known}"
        raise KeyError(msg)
    if unknown := [name for name in weights if name not in names]:
        msg = f"there is a weight of {unknown[0]!r}, which is not among the tasks; pass weights= for {known}"
        raise KeyError(msg)
    for name, value in weights.items():
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            msg = f"the weight of {name!r} is {value!r}; pass numbers from 0"
            raise TypeError(msg)
        if not (math.isfinite(value) and value >= 0):
            msg = f"the weight of {name!r} is {value!r}; pass finite numbers from 0"
            raise ValueError(msg)
    if not any(weights.values()):
        msg = "all weights are 0; pass weights= with at least one above 0"
        raise ValueError(msg)
    return {name: float(weights[name]) for name in names}


def checked_reading(
    names: Sequence[str],
    weights: Mapping[str, float] | None,
    n_samples: int | None,
    n_genes: int,
    augment: Augment | None,
) -> Reading:
    """How samples are drawn and written."""
    if augment is not None and not isinstance(augment, Augment):
        msg = f"augment is of type {type(augment).__name__}; pass augment=scc2s.train.Augment(...), or None"
        raise TypeError(msg)
    return Reading(
        checked_weights(weights, names),
        None if n_samples is None else natural("n_samples", n_samples, 1),
        natural("n_genes", n_genes, 1),
        augment,
    )


def checked_settings(
    tasks: tuple[Task, ...],
    *,
    columns: Mapping[str, str] | None,
    organism: str | None,
    key: str | None,
    control: str | None,
    match: str | Sequence[str],
    n_controls: int,
    split_key: str | None,
    held_out: Sequence[str],
    val: float,
    test: float,
    missing: str,
    shard_size: int,
    random_state: int,
    cells: str | None,
) -> Settings:
    """Settings of the shards, looked at before a cell is read."""
    pairs = [task.name for task in tasks if in_pairs(task)]
    if pairs and (key is None or control is None):
        msg = (
            f"task {pairs[0]!r} shows a control cell and asks for a perturbed one; pass key= the column with the "
            "perturbation, control= its value for control cells, and match= columns in which both agree"
        )
        raise ValueError(msg)
    if not pairs and (key is not None or control is not None):
        msg = "key= and control= are for tasks that ask for a perturbed cell; add such a task, e.g. 'perturb'"
        raise ValueError(msg)
    if missing not in ("error", "skip"):
        msg = f"missing={missing!r} is not known; pass 'error' or 'skip'"
        raise ValueError(msg)
    if isinstance(held_out, str):
        msg = f"held_out={held_out!r} is a single text; pass held_out=[{held_out!r}]"
        raise TypeError(msg)
    if len(held_out) and split_key is None:
        msg = "held_out= names values of a column; pass split= that column, e.g. split='donor'"
        raise ValueError(msg)
    split([], val=val, test=0.0 if len(held_out) else test)
    if unknown := set(columns or {}) - {name for task in tasks for name in fields_of(task)}:
        msg = f"columns= has {sorted(unknown)[0]!r}, which is a field of none of the tasks; leave it out"
        raise KeyError(msg)
    return Settings(
        tasks,
        {str(k): str(v) for k, v in (columns or {}).items()},
        None if organism is None else organism_name(organism),
        key,
        None if control is None else str(control),
        (match,) if isinstance(match, str) else tuple(match),
        natural("n_controls", n_controls, 1),
        split_key,
        tuple(map(str, held_out)),
        float(val),
        float(test),
        "skip" if missing == "skip" else "error",
        natural("shard_size", shard_size, 1),
        natural("random_state", random_state, 0),
        cells,
    )


def natural(name: str, value: Any, least: int) -> int:
    """A whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        msg = f"{name}={value!r} is not a whole number; pass {name}= a number from {least}"
        raise TypeError(msg)
    if value < least:
        msg = f"{name}={value!r} is too small; pass {name}= a number from {least}"
        raise ValueError(msg)
    return int(value)
