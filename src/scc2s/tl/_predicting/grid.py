"""A grid of experiments: which cells, which perturbations at which dose and time, and what cannot be done."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from scc2s._cells.sampling import some_of_each
from scc2s._logging import logger
from scc2s.tl._predicting.perturbations import check_details, conditions_of, name_of, text_of
from scc2s.tl._predicting.truth import ALL, group_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData


ALL_DONORS = "all donors"
"""Donor where donors are not told apart."""


class GridCells(NamedTuple):
    """Cells that every condition is put to."""

    groups: pd.DataFrame
    """One row for each donor and type, by label: ``donor``, ``group``, ``n_available`` (cells with a sentence),
    ``n_cells`` (those that are asked about), ``reason`` (why none is; else empty)."""
    rows: np.ndarray
    """Rows of the cells that are asked about, group by group."""
    labels: np.ndarray
    """Label of the group of each of them."""

    @property
    def alike(self) -> dict[str, str]:
        """Type of each group."""
        return dict(zip(self.groups.index, self.groups["group"], strict=True))


def grid_cells(
    data: AnnData,
    sentences: Sequence[str],
    *,
    donor_key: str | None,
    groupby: str | None,
    left_out: np.ndarray,
    n_cells: int,
    min_cells: int,
    random_state: int,
) -> GridCells:
    """Up to `n_cells` of each type in each donor, drawn by their names, where there are at least `min_cells`.

    Parameters
    ----------
    data, sentences
        Cells.
    donor_key, groupby
        Columns with donor and type.
    left_out
        Rows that are not asked about.
    n_cells, min_cells, random_state
        Of each donor and type.

    Raises
    ------
    KeyError
        If a column is not there.
    ValueError
        If no cell has both, or values cannot be told apart in one label.
    """
    keys = columns_of(donor_key, groupby)
    labels = group_labels(data, keys)
    here = np.array([label is not None for label in labels], dtype=bool)
    if not here.any():
        msg = f"no cell has a value in all of {', '.join(map(repr, keys or ()))}; pass other columns of adata.obs"
        raise ValueError(msg)
    if n_lost := int((~here).sum()):
        logger.warning("%d of %d cells have no donor or type, and are left out", n_lost, data.n_obs)
    table = _every(data, donor_key, groupby, here)
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()][0]
        msg = f"two donors and types are both called {twice!r}; rename values of adata.obs, without ', ' in them"
        raise ValueError(msg)
    labels[left_out] = None
    labels[[not sentence.strip() for sentence in sentences]] = None
    counts = pd.Series(labels, dtype=object).value_counts()
    table["n_available"] = counts.reindex(table.index).fillna(0).astype(np.int64)
    few = table["n_available"] < min_cells
    table["n_cells"] = table["n_available"].clip(upper=n_cells).mask(few, 0)
    table["reason"] = [
        "" if not short else f"{n} cells with a sentence, min_cells={min_cells}" if n else "no cell with a sentence"
        for n, short in zip(table["n_available"], few, strict=True)
    ]
    labels[np.isin(labels.astype(str), table.index[few])] = None
    rows = some_of_each(labels, data.obs_names.tolist(), n_cells, random_state, ties=sentences)
    return GridCells(table, rows, labels[rows])


def columns_of(donor_key: str | None, groupby: str | None) -> tuple[str, ...] | None:
    """Columns that make the groups of a grid; ``None``: all cells are one."""
    return tuple(key for key in (donor_key, groupby) if key is not None) or None


def _every(data: AnnData, donor_key: str | None, groupby: str | None, here: np.ndarray) -> pd.DataFrame:
    """All pairs of the donors and types that there are, by label."""
    there = [
        [every]
        if key is None
        else list(map(str, data.obs[key][here].astype("category").cat.remove_unused_categories().cat.categories))
        for key, every in ((donor_key, ALL_DONORS), (groupby, ALL))
    ]
    pairs = list(product(*there))
    labels = [
        ", ".join(value for key, value in zip((donor_key, groupby), pair, strict=True) if key is not None) or ALL
        for pair in pairs
    ]
    return pd.DataFrame(pairs, columns=["donor", "group"], index=pd.Index(labels, dtype=object))


class Conditions(NamedTuple):
    """What the cells are put to."""

    table: pd.DataFrame
    """One row each: ``perturbation``, ``condition`` (as the report calls it), ``dose`` and ``time`` as texts."""
    details: dict[str, list[str | None]]
    """Values of dose and time, where these are given."""
    telling: list[str]
    """Details that tell conditions of one name apart."""


def grid_conditions(names: Sequence[str], **given: Any) -> Conditions:
    """Each perturbation at each dose and time.

    Parameters
    ----------
    names
        Perturbations.
    **given
        Values of each detail: one, a list, or such by name of the perturbation; ``None``: it is not told.

    Raises
    ------
    ValueError
        If a value comes twice, or is for a perturbation that is not asked about.

    Examples
    --------
    >>> grid_conditions(["TNF", "IL6"], dose={"TNF": ["1 nM", "9 nM"]}, time=None).table["condition"].tolist()
    ['TNF, 1 nM', 'TNF, 9 nM', 'IL6']
    """
    used = {detail: _by_name(detail, value, names) for detail, value in given.items() if value is not None}
    rows = [
        (name, *values)
        for name in names
        for values in product(*(by_name.get(name, [None]) for by_name in used.values()))
    ]
    table = pd.DataFrame(rows, columns=["perturbation", *used], dtype=object)
    details = {detail: table[detail].tolist() for detail in used}
    conditions, telling = conditions_of(table["perturbation"].tolist(), details)
    return Conditions(table.assign(condition=np.array(conditions, dtype=object)), details, telling)


def _by_name(detail: str, given: Any, names: Sequence[str]) -> dict[str, list[str]]:
    """Values of a detail for each perturbation, as texts."""
    each = dict(given) if isinstance(given, Mapping) else dict.fromkeys(names, given)
    each = {str(name_of(name)): value for name, value in each.items()}
    if unknown := sorted(set(each) - set(names)):
        msg = f"{detail} has values for {unknown[0]!r}, which is not asked about; pass it in perturbations too"
        raise ValueError(msg)
    found = {}
    for name, value in each.items():
        values = list(value) if isinstance(value, list | tuple | pd.Series | np.ndarray) else [value]
        check_details(detail, values)
        texts = [text_of(one) for one in values]
        if not texts or None in texts or len(set(texts)) < len(texts):
            msg = f"{detail} of {name!r} has no value, a missing one, or one twice; pass {detail}= each value once"
            raise ValueError(msg)
        found[name] = [str(text) for text in texts]
    return found
