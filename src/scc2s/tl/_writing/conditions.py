"""The cells that are to be written: one row for each, with what is said about it in the prompt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd

from scc2s._cells.fields import prompt_fields
from scc2s._cells.results import refuse_name
from scc2s.prompts._organism import organism_name
from scc2s.prompts._task import N_GENES, SENTENCE

if TYPE_CHECKING:
    from scc2s.prompts import Task

N_CELLS = "n_cells"
"""Field of a prompt that asks for several cells at once: how many."""

_OWN = tuple(f"c2s_{name}" for name in (
    "sentence", "n_words", "n_genes", "valid", "unique", "complete", "sample", "context"
))  # fmt: skip
"""Columns of new cells."""


def conditions(obs: Mapping[str, Any] | pd.DataFrame | None, n: int) -> pd.DataFrame:
    """One row for each thing to write: `n` for each combination of the values, or for each row of a table."""
    if obs is None:
        table = pd.DataFrame(index=[0])
    elif isinstance(obs, pd.DataFrame):
        table = obs
    elif not isinstance(obs, Mapping):
        msg = f"obs is of type {type(obs).__name__}; pass obs={{column: value or list of values}}, or a DataFrame"
        raise TypeError(msg)
    else:
        values = [_listed(value) for value in obs.values()]
        table = pd.DataFrame(list(product(*values)), columns=list(obs))
    refuse_columns(table.columns)
    if table.isna().any(axis=None) or not len(table):
        msg = (
            "obs has missing values, or no row; pass obs={column: value or list of values}, or a DataFrame without NaN"
        )
        raise ValueError(msg)
    return table.iloc[np.repeat(np.arange(len(table)), n)].reset_index(drop=True)


def refuse_columns(names: Iterable[object], of: str = "obs") -> None:
    """Raise for columns that new cells cannot have."""
    for name in names:
        try:
            refuse_name(name, "obs")
        except ValueError as e:
            msg = (
                f"{of} has a column {name!r} that no file can hold; pass {'obs=' if of == 'obs' else 'them'} with a "
                "name without '/' or blanks at its ends"
            )
            raise ValueError(msg) from e
        if name in _OWN:
            msg = (
                f"{of} has a column {name!r}, which the new cells get in any case; pass "
                f"{'obs=' if of == 'obs' else 'them'} with another name for it"
            )
            raise ValueError(msg)


def condition_fields(
    data: ad.AnnData,
    task: Task,
    table: pd.DataFrame,
    *,
    n_genes: int,
    n_cells: int,
    organism: str | None,
    own: Mapping[str, str] | None = None,
) -> dict[str, list[str]]:
    """Values of the fields of `task`, one for each row of `table`; those of `own` are the same for all.

    Raises
    ------
    KeyError
        If the prompt has a field that the table has not.
    ValueError
        If the table has a column that the prompt has not, or the prompt shows a cell.
    """
    if SENTENCE in task.fields:
        msg = (
            f"the prompt of task {task.name!r} shows a cell ({{{SENTENCE}}}); cells from cells: call sc.tl.c2s_perturb"
        )
        raise ValueError(msg)
    own = {N_GENES: str(n_genes), N_CELLS: str(n_cells), **(own or {})}
    if absent := [f for f in task.fields if f not in (*own, "organism", *table)]:
        msg = f"the prompt has a field {{{absent[0]}}} that is not given; pass obs={{{absent[0]!r}: ...}}"
        raise KeyError(msg)
    if silent := [c for c in table if c not in task.fields]:
        msg = (
            f"the prompt of task {task.name!r} has no {{{silent[0]}}}, so the model would not know of it; pass "
            f"prompt='... {{{silent[0]}}} ...'"
        )
        raise ValueError(msg)
    cells = ad.AnnData(obs=table.set_axis(table.index.astype(str)), var=data.var[[]])
    if organism is None and "organism" in data.obs:
        there = sorted({organism_name(value) for value in data.obs["organism"].dropna().unique()})
        if len(there) > 1 and "organism" in task.fields and "organism" not in table:
            msg = f"the data is of {len(there)} organisms ({', '.join(there)}); pass organism= one of them"
            raise ValueError(msg)
        organism = there[0] if len(there) == 1 and "organism" not in table else None
    asked = [name for name in task.fields if name not in own]
    if "organism" in data.uns:
        cells.uns["organism"] = data.uns["organism"]
    fields = {name: values.tolist() for name, values in prompt_fields(cells, asked, organism=organism).items()}
    return fields | {name: [value] * len(table) for name, value in own.items()}


def _listed(value: Any) -> list[Any]:
    return (
        list(value) if isinstance(value, list | tuple | pd.Series | pd.Index) or hasattr(value, "tolist") else [value]
    )
