"""What is to be written: cells of given conditions, or those of contexts once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.context_rows import ForSamples
from scc2s._cells.contexts import genes_of, get_contexts
from scc2s._cells.results import refuse_name
from scc2s._logging import logger
from scc2s.prompts._task import CELLS, N_CELLS, N_GENES, SENTENCE
from scc2s.tl._writing.conditions import condition_fields, conditions, refuse_columns
from scc2s.tl._writing.samples import TYPE, TYPES, sample_task, types_as_text, types_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from anndata import AnnData

    from scc2s.prompts import Task

_ABOUT_SAMPLES = ("tissue", "abstract", TYPES)
"""Columns that tasks for samples have a field for."""


@dataclass(frozen=True)
class OfConditions:
    """Cells of each row of a table of conditions, one or several a prompt."""

    data: AnnData
    table: pd.DataFrame
    cells_per_sample: int
    conditioned: bool
    """Whether the user gave conditions."""
    organism: str | None

    named = "c2s_sample"
    """Column of the new cells with the name of the sample."""
    n_genes = None

    @classmethod
    def of(cls, data: AnnData, obs: Any, n: int, cells_per_sample: int, organism: str | None) -> OfConditions:
        """The cells that :func:`scc2s.tl.generate` is asked for by `obs`."""
        table = types_as_text(conditions(obs, n), cells_per_sample)
        return cls(data, table, cells_per_sample, obs is not None, organism)

    @property
    def sizes(self) -> list[int] | None:
        """Cells of each sample; ``None``: a prompt is about one cell."""
        return None if self.cells_per_sample == 1 else [self.cells_per_sample] * len(self.table)

    @property
    def task(self) -> str:
        """Name of the task that asks for them."""
        if self.cells_per_sample > 1:
            return sample_task(self.table)
        return "generate" if self.conditioned else "generate_unconditional"

    def fields(self, task: Task, n_genes: int, own: Mapping[str, str] | None = None) -> dict[str, list[str]]:
        """Values of the fields of `task`, one for each sample."""
        return condition_fields(
            self.data, task, self.table, n_genes=n_genes, n_cells=self.cells_per_sample, organism=self.organism,
            own=own,
        )  # fmt: skip

    def described(self, task: Task, fields: Mapping[str, list[str]]) -> pd.DataFrame:  # noqa: ARG002
        """A row for each sample."""
        return self.table

    def asked(self, task: Task) -> list[str]:  # noqa: ARG002
        """Columns that say which real cells are what was asked for."""
        several = self.cells_per_sample > 1
        return [TYPE if several and name == TYPES else str(name) for name in self.table.columns]

    def params(self) -> dict[str, Any]:
        """What a record should hold of them."""
        return {"obs": list(self.table), "cells_per_sample": self.cells_per_sample}


@dataclass(frozen=True)
class OfContexts:
    """As many cells for each context as it has, in one prompt."""

    data: AnnData
    key: str
    table: pd.DataFrame
    """What is known of each context, by its name."""
    sizes: list[int]
    n_genes: int | None
    organism: str | None

    named = "c2s_context"

    @classmethod
    def of(cls, data: AnnData, key: Any, organism: str | None) -> OfContexts:
        """The contexts of that name.

        Raises
        ------
        KeyError
            If there are none, or they are of other cells.
        TypeError
            If it is no name.
        ValueError
            If their table has a column that new cells get in any case.
        """
        if not isinstance(key, str):
            msg = f"contexts={key!r} is not a name; pass contexts= that of sc.pp.c2s_contexts(adata, key_added=...)"
            raise TypeError(msg)
        refuse_name(key, "contexts")
        found = get_contexts(data, key)
        found.rows(data)
        table = found.table.drop(columns=N_CELLS, errors="ignore")
        refuse_columns(table.columns, "the table of the contexts")
        table = table.set_axis(table.index.astype(str).astype(object))
        return cls(data, key, table, [len(some) for some in found.cells], genes_of(data, key), organism)

    @property
    def task(self) -> str:
        """Name of the task that asks for them."""
        return sample_task([name for name in self.table if name in _ABOUT_SAMPLES])

    def fields(self, task: Task, n_genes: int, own: Mapping[str, str] | None = None) -> dict[str, list[str]]:
        """Values of the fields of `task`, one for each context.

        Raises
        ------
        KeyError, ValueError
            If a field is neither a column of the table nor one of ``.obs`` in which the cells of each context agree,
            the prompt shows a cell, or does not say how many are wanted.
        """
        if shows := [name for name in (SENTENCE, CELLS) if name in task.fields]:
            msg = (
                f"the prompt of task {task.name!r} shows cells ({{{shows[0]}}}), and these are to be written; pass "
                "prompt= without them"
            )
            raise ValueError(msg)
        if N_CELLS not in task.fields and len(set(self.sizes)) > 1:
            msg = (
                f"the prompt of task {task.name!r} does not say how many cells are wanted, and contexts differ in it; "
                f"pass prompt='... {{{N_CELLS}}} ...'"
            )
            raise ValueError(msg)
        own = {N_GENES: str(n_genes), **(own or {})}
        names = [name for name in task.fields if name not in (*own, N_CELLS)]
        found = ForSamples.of(self.data, self.key, names, organism=self.organism, columns=None)
        fields = found.expressed(np.ones(self.data.n_obs, dtype=bool)).fields
        if TYPES in fields and [len(types_in(value)) for value in fields[TYPES]] != self.sizes:
            msg = (
                f"{TYPES!r} of the contexts {self.key!r} are not one for each of their cells; set that column of their "
                "table anew, or drop it to take the cells' own"
            )
            raise ValueError(msg)
        n = {name: [value] * len(self.table) for name, value in own.items()}
        return fields | n | {N_CELLS: [str(size) for size in self.sizes]}

    def described(self, task: Task, fields: Mapping[str, list[str]]) -> pd.DataFrame:
        """A row for each context."""
        if silent := [str(name) for name in self.table if name not in task.fields]:
            logger.info("the prompt does not name %s: the model does not know of it", ", ".join(silent))
        return self.table if TYPES not in task.fields else self.table.assign(**{TYPES: fields[TYPES]})

    def asked(self, task: Task) -> list[str]:
        """Columns that say which real cells are what was asked for."""
        known = [name for name in task.fields if name in self.table or name == TYPES]
        return [TYPE if name == TYPES else name for name in known]

    def params(self) -> dict[str, Any]:
        """What a record should hold of them."""
        return {"contexts": self.key, "obs": list(map(str, self.table)), "cells_of_each": self.sizes}


Wanted = OfConditions | OfContexts


def each_cell(table: pd.DataFrame, wanted: Wanted, task: Task) -> pd.DataFrame:
    """A row for each cell from a row for each sample; its type, where these were listed."""
    if wanted.sizes is None:
        return table
    out = table.loc[table.index.repeat(wanted.sizes)]
    out = out.assign(**{wanted.named: out.index})
    if TYPES not in table or TYPES not in task.fields:
        return out
    return out.assign(**{TYPE: [name for value in table[TYPES] for name in types_in(value)]})
