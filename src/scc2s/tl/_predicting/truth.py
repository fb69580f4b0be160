"""Cells that really were perturbed, and the groups in which they are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData

from scc2s._cells.columns import column
from scc2s.tl._predicting.perturbations import name_of, one_a_cell, with_values

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = "all cells"
"""Group where cells are not grouped."""


class Truth(NamedTuple):
    """Cells that really were perturbed."""

    data: AnnData
    rows: np.ndarray
    condition: np.ndarray | None
    """What was done to each, where cells differ in it; ``None``: what the model was asked."""
    key: str | None = None
    """Column that tells these cells from the others of the same data."""

    def of(self, condition: str) -> Truth:
        """The cells of one condition; all, where cells do not differ in it."""
        if self.condition is None:
            return self
        return self._replace(rows=self.rows[self.condition[self.rows] == condition])


def truth_cells(adata: AnnData, truth: AnnData | Mapping[str, Any] | None, key: str | None) -> Truth | None:
    """The cells that `truth` names: all of another AnnData, or those of `adata` with given values in a column.

    Parameters
    ----------
    adata
        Cells that are asked about.
    truth
        Cells, or ``{column: value or list of values}``.
    key
        Column with the perturbation; for several values of one column, that column.
    """
    if truth is None:
        return None
    if isinstance(truth, AnnData):
        if not truth.n_obs:
            msg = "truth has no cells; pass truth= cells that really were perturbed, or truth=None"
            raise ValueError(msg)
        return Truth(truth, np.arange(truth.n_obs), _names(truth.obs[key]) if key in truth.obs else None)
    if not isinstance(truth, Mapping) or len(truth) != 1:
        msg = f"truth is of type {type(truth).__name__}; pass an AnnData, or {{column of obs: value or list of values}}"
        raise TypeError(msg)
    name, values = next(iter(truth.items()))
    there = column(adata, name, "truth")
    several = not isinstance(values, str) and (np.ndim(values) > 0 or isinstance(values, set | frozenset))
    rows = np.flatnonzero(there.isin(list(values) if several else [values]))
    if not len(rows):
        msg = f"no cell has {values!r} in adata.obs[{name!r}]; pass truth={{{name!r}: ...}} a value that is there"
        raise ValueError(msg)
    return Truth(adata, rows, _names(there) if several else None, name)


def _names(values: pd.Series) -> np.ndarray:
    """Names of perturbations as the model is told them."""
    return np.array([name_of(value) for value in values.astype(object)], dtype=object)


def told_apart(
    truth: Truth | None,
    adata: AnnData,
    names: Sequence[str | None],
    telling: Sequence[str],
    given: Mapping[str, Any],
) -> Truth | None:
    """Truth whose conditions hold the details that tell conditions apart; none where they are not known.

    Parameters
    ----------
    truth
        Real cells.
    adata, names
        Cells that are asked about, and the name of the perturbation of each.
    telling
        Details, e.g. ``"dose"``, that are part of a condition.
    given
        Values of the details as the user gave them: one for each cell of `adata`. Another AnnData has them in a column
        of the name that the column of `adata` has, or of the detail's own.
    """
    if truth is None or not telling:
        return truth
    asked = set(names) - {None}
    condition = truth.condition
    if condition is None and len(asked) == 1:
        condition = np.full(truth.data.n_obs, next(iter(asked)), dtype=object)
    if condition is None:
        return truth
    values: list[Sequence[Any]] = []
    for detail in telling:
        if truth.data is adata:
            values.append(one_a_cell(given[detail], adata, detail))
            continue
        keys = [getattr(given[detail], "name", None), detail]
        where = next((key for key in keys if key is not None and key in truth.data.obs), None)
        if where is None:
            return truth._replace(condition=None)
        values.append(truth.data.obs[where].astype(object).tolist())
    described = [
        None if name is None else with_values(name, [some[i] for some in values]) for i, name in enumerate(condition)
    ]
    return truth._replace(condition=np.array(described, dtype=object))


def grid_truth(truth: Truth | None, names: Sequence[str], telling: Sequence[str]) -> Truth | None:
    """:func:`told_apart` for conditions that are not those of cells: details are columns of the real cells.

    Raises
    ------
    ValueError
        If such a column is not there.
    """
    if truth is None or not telling:
        return truth
    if absent := [detail for detail in telling if detail not in truth.data.obs]:
        msg = (
            f"one perturbation has several values of {absent[0]}, and truth does not say which each cell had; add a "
            f"column {absent[0]!r} to its obs, or pass truth=None"
        )
        raise ValueError(msg)
    return told_apart(truth, truth.data, names, telling, {detail: truth.data.obs[detail] for detail in telling})


def without_truth(texts: list[str | None], adata: AnnData, truth: Truth | None) -> list[str | None]:
    """What cells are asked about, less those of `adata` that are themselves the truth."""
    if truth is None or truth.data is not adata:
        return texts
    real = set(truth.rows.tolist())
    return [None if row in real else text for row, text in enumerate(texts)]


def group_labels(adata: AnnData, groupby: str | Sequence[str] | None) -> np.ndarray:
    """Group of each cell, as text; ``None`` where it has none. Of several columns the values of all, joined."""
    if groupby is None:
        return np.full(adata.n_obs, ALL, dtype=object)
    names = [groupby] if isinstance(groupby, str) else list(groupby)
    parts = [column(adata, name, "groupby").astype(object).tolist() for name in names]
    both = [None if any(map(pd.isna, row)) else ", ".join(map(str, row)) for row in zip(*parts, strict=True)]
    return np.array([*both, None], dtype=object)[:-1]


def refuse_unclear(truth: Truth | None, conditions: Sequence[str]) -> None:
    """Raise if it is not said which of several perturbations each real cell has."""
    several = sorted(set(conditions))
    if truth is not None and truth.condition is None and len(several) > 1:
        msg = (
            f"the model is asked about {len(several)} conditions ({'; '.join(several[:3])}; ...), and truth does not "
            "say what was done to each cell; pass perturbation_key= a column that both have, with dose= and time= as "
            "columns that both have too, or controls=False"
        )
        raise ValueError(msg)
