"""What is done to each cell, as text for a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s.prompts import Task

JOINT = " + "
"""Between the names of a combination."""


def perturbation_names(adata: AnnData, perturbation: Any, perturbation_key: str | None) -> list[str | None]:
    """Name for each cell, ``None`` for a cell that is not asked about.

    Parameters
    ----------
    adata
        Cells.
    perturbation
        One name (or a tuple or set: a combination) for all cells, or a list with one for each.
    perturbation_key
        Or the column of ``.obs`` that holds them.

    Raises
    ------
    KeyError
        If there is no such column.
    ValueError
        If not exactly one of the two is given, a list has another length, or no cell has a name.
    """
    if (perturbation is None) == (perturbation_key is None):
        msg = "what is done to the cells is given once; pass perturbation= a name or perturbation_key= a column of obs"
        raise ValueError(msg)
    if perturbation_key is not None:
        if perturbation_key not in adata.obs:
            msg = (
                f"adata.obs has no column {perturbation_key!r}; pass perturbation_key= one of "
                f"{', '.join(map(repr, adata.obs))}, or perturbation="
            )
            raise KeyError(msg)
        perturbation = adata.obs[perturbation_key]
    names = [name_of(value) for value in one_a_cell(perturbation, adata, "perturbation")]
    if not any(names):
        msg = "no cell has a perturbation; pass perturbation= a name, or one for each cell (None: leave the cell out)"
        raise ValueError(msg)
    return names


def name_of(value: Any) -> str | None:
    """Text of a perturbation. A combination is a set: its names in alphabetical order, each once.

    Examples
    --------
    >>> name_of(["TNF", "IFN-beta"]), name_of("TNF + IFN-beta"), name_of(float("nan"))
    ('IFN-beta + TNF', 'IFN-beta + TNF', None)
    """
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        parts = [str(part).strip() for part in value]
    elif pd.isna(value):
        return None
    else:
        parts = [part.strip() for part in str(value).split(JOINT)]
    return JOINT.join(sorted({part for part in parts if part}, key=lambda part: (part.casefold(), part))) or None


def with_details(
    names: list[str | None], task: Task, details: Mapping[str, Sequence[Any]]
) -> tuple[list[str | None], dict[str, list[str]]]:
    """Dose and time: in their own fields where the prompt has these, else behind the name.

    Examples
    --------
    >>> from scc2s.prompts import custom
    >>> with_details(["TNF"], custom("{cell_sentence} {perturbation} {time}"), {"dose": ["10 ng"], "time": ["6 h"]})
    (['TNF, 10 ng'], {'time': ['6 h']})
    """
    for name, values in details.items():
        if name in task.fields and (n := sum(pd.isna(v) and bool(t) for v, t in zip(values, names, strict=True))):
            msg = f"{name} is missing for {n} cells, and the prompt names it; pass {name}= a value for each of them"
            raise ValueError(msg)
    fields = {name: [str(value) for value in values] for name, values in details.items() if name in task.fields}
    behind = [values for name, values in details.items() if name not in task.fields]
    texts = [
        name if name is None else ", ".join([name, *(str(values[i]) for values in behind if not pd.isna(values[i]))])
        for i, name in enumerate(names)
    ]
    return texts, fields


def one_a_cell(value: Any, adata: AnnData, argument: str) -> Sequence[Any]:
    """A list, array or column with one value a cell as it is; anything else is that of all cells."""
    if isinstance(value, pd.Series):
        if not value.index.equals(adata.obs_names):
            msg = f"{argument} is a Series of other cells or another order; pass {argument}=series.loc[adata.obs_names]"
            raise ValueError(msg)
        return value.astype(object).tolist()
    if not isinstance(value, list | np.ndarray):
        return [value] * adata.n_obs
    if len(value) != adata.n_obs:
        msg = (
            f"{argument} has {len(value)} values for {adata.n_obs} cells; pass one for each (None: leave the cell "
            "out), or a single one; a combination is a tuple"
        )
        raise ValueError(msg)
    return list(value)
