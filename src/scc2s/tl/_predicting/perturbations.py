"""What is done to each cell, as text for a prompt."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.columns import column
from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s.prompts import Task

_UNIT = {"dose": "nM", "time": "h"}
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
        perturbation = column(adata, perturbation_key, "perturbation_key")
    else:
        mend = f"perturbation_key={perturbation!r}, or perturbation=({perturbation!r},) if it is a name"
        refuse_column(adata, perturbation, mend)
    names = [name_of(value) for value in one_a_cell(perturbation, adata, "perturbation")]
    if not any(names):
        msg = "no cell has a perturbation; pass perturbation= a name, or one for each cell (None: leave the cell out)"
        raise ValueError(msg)
    return names


def names_once(perturbations: Any) -> list[str]:
    """Names of a list of perturbations.

    Raises
    ------
    ValueError
        If there are none, or one comes twice.
    """
    if isinstance(perturbations, str) or not isinstance(perturbations, Collection) or not len(perturbations):
        msg = "there are no perturbations to ask about; pass a list of names, e.g. ['IFN-beta', 'TNF']"
        raise ValueError(msg)
    names = [name_of(value) or "" for value in perturbations]
    if not all(names) or len(set(names)) < len(names):
        twice = sorted({name or "an empty name" for name in names if not name or names.count(name) > 1})
        msg = f"perturbations are to be named once each (see {twice[0]!r}); pass list(dict.fromkeys(names))"
        raise ValueError(msg)
    return names


def refuse_column(adata: AnnData, name: Any, mend: str) -> None:
    """Raise for the name of a column where a drug belongs. A column of numbers may have the name of a drug: a score."""
    if not isinstance(name, str) or name not in adata.obs:
        return
    if pd.api.types.is_numeric_dtype(adata.obs[name]):
        logger.warning("adata.obs has a column %r, which is taken for the name of a perturbation here", name)
        return
    msg = f"{name!r} is a column of adata.obs, and would be told to the model as a name; pass {mend}"
    raise ValueError(msg)


def details_of(adata: AnnData, **given: Any) -> dict[str, list[Any]]:
    """Values of each detail (dose, time) that is given, one for each cell.

    Raises
    ------
    ValueError
        If a value is the name of a column, or there are other numbers of values and cells.
    """
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, str) and value in adata.obs:
            msg = (
                f"{name}={value!r} is a column of adata.obs, and would be told to the model as it stands; pass "
                f"{name}=adata.obs[{value!r}]"
            )
            raise ValueError(msg)
        found[name] = list(one_a_cell(value, adata, name))
        check_details(name, found[name])
    return found


def check_details(name: str, values: Sequence[Any]) -> None:
    """Look at the values of a detail; numbers without a unit are logged.

    Raises
    ------
    ValueError
        If one is several.
    """
    if listed := [one for one in values if np.ndim(one) or isinstance(one, set | dict)]:
        msg = f"{name}={listed[0]!r} is not one value; pass {name}= a text, e.g. '10 nM + 5 nM' for a combination"
        raise ValueError(msg)
    if bare := sorted({str(text_of(one)) for one in values if _is_bare(one)}):
        logger.warning(
            "%s is told to the model without a unit: %s; pass e.g. '%s %s'", name, bare[0], bare[0], _UNIT[name]
        )


def _is_bare(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not np.isnan(float(value))


def conditions_of(
    names: Sequence[str | None], details: Mapping[str, Sequence[Any]]
) -> tuple[list[str | None], list[str]]:
    """What the report calls the condition of each cell, and the details that are part of it.

    The condition is the name, with those details of which one name has several values: other doses of a drug are other
    conditions.

    Examples
    --------
    >>> conditions_of(["TNF", "TNF", None], {"dose": ["10 nM", "1000 nM", "10 nM"], "time": ["6 h"] * 3})
    (['TNF, 10 nM', 'TNF, 1000 nM', None], ['dose'])
    """
    telling = []
    for detail, values in details.items():
        seen = {(name, text_of(value)) for name, value in zip(names, values, strict=True) if name is not None}
        if len(seen) > len({name for name, _ in seen}):
            telling.append(detail)
    return [
        None if name is None else with_values(name, [details[detail][i] for detail in telling])
        for i, name in enumerate(names)
    ], telling


def with_values(name: str, values: Sequence[Any]) -> str:
    """A name followed by the values that there are."""
    return ", ".join([name, *filter(None, map(text_of, values))])


def text_of(value: Any) -> str | None:
    """Text of a dose or time; whole numbers are written alike, whatever column they come from."""
    if pd.isna(value):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def recorded(values: Sequence[Any] | None, rows: Sequence[str | None]) -> str | list[str] | None:
    """What a record says of the values of cells that have a name: the one, or all in order."""
    if values is None:
        return None
    there = {text_of(value) for value, name in zip(values, rows, strict=True) if name is not None} - {None}
    texts = sorted(str(text) for text in there)
    return texts if len(texts) > 1 else next(iter(texts), None)


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
    """Dose and time: in their own fields where the prompt has these, else after the name.

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
    fields = {
        name: [str(text_of(value)) for value in values] for name, values in details.items() if name in task.fields
    }
    after = [values for name, values in details.items() if name not in task.fields]
    texts = [
        None if name is None else with_values(name, [values[i] for values in after]) for i, name in enumerate(names)
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
