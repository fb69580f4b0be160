"""Predictions beside real cells, the control cells, and answers to questions that should change nothing."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from anndata import AnnData

from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ._responses import Responder, Response

ALL = "all cells"
"""Group where cells are not grouped."""


class Truth(NamedTuple):
    """Cells that really were perturbed."""

    data: AnnData
    rows: np.ndarray
    condition: np.ndarray | None
    """What was done to each, where cells differ in it; ``None``: what the model was asked."""


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
        condition = truth.obs[key].astype(object).to_numpy() if key in truth.obs else None
        return Truth(truth, np.arange(truth.n_obs), condition)
    if not isinstance(truth, Mapping) or len(truth) != 1:
        msg = f"truth is of type {type(truth).__name__}; pass an AnnData, or {{column of obs: value or list of values}}"
        raise TypeError(msg)
    column, values = next(iter(truth.items()))
    if column not in adata.obs:
        msg = f"adata.obs has no column {column!r}; pass truth={{column of obs: value}}, or an AnnData"
        raise KeyError(msg)
    several = not isinstance(values, str) and np.ndim(values) > 0
    rows = np.flatnonzero(adata.obs[column].isin(list(values) if several else [values]))
    if not len(rows):
        msg = f"no cell has {values!r} in adata.obs[{column!r}]; pass truth={{{column!r}: ...}} a value that is there"
        raise ValueError(msg)
    return Truth(adata, rows, adata.obs[column].astype(object).to_numpy() if several else None)


def without_truth(texts: list[str | None], adata: AnnData, truth: Truth | None) -> list[str | None]:
    """What cells are asked about, less those of `adata` that are themselves the truth."""
    if truth is None or truth.data is not adata:
        return texts
    real = set(truth.rows.tolist())
    return [None if row in real else text for row, text in enumerate(texts)]


def group_labels(adata: AnnData, groupby: str | None) -> np.ndarray:
    """Group of each cell, as text; ``None`` where it has none."""
    if groupby is None:
        return np.full(adata.n_obs, ALL, dtype=object)
    if groupby not in adata.obs:
        msg = f"obs has no column {groupby!r} to group by; pass groupby= one of {', '.join(map(repr, adata.obs))}"
        raise KeyError(msg)
    values = adata.obs[groupby].astype(object)
    return values.where(values.notna(), None).map(lambda v: v if v is None else str(v)).to_numpy(dtype=object)


def control_report(
    responder: Responder,
    rows: np.ndarray,
    response: Response,
    conditions: Sequence[str],
    others: Mapping[str, Mapping[str, Sequence[str]]],
    truth: Truth | None,
    *,
    groupby: str | None,
    n_cells: int,
    program: np.ndarray | None,
    n_boot: int,
    random_state: int,
) -> pd.DataFrame:
    """Table of :func:`scc2s.metrics.perturbation_report` for each group and condition.

    Parameters
    ----------
    responder, rows, response
        How the model was asked, about which rows, and what it said.
    conditions
        What each row was asked about: cells of a group are reported by condition.
    others
        Controls: fields of the prompt, one value for each row, by name of the control.
    truth
        Real cells, grouped by the same column.
    n_cells
        Most cells of a group and condition, for all rows of the table, so that they compare at equal numbers.
    """
    from scc2s.metrics import perturbation_report

    named = _named(conditions, group_labels(responder.data, groupby)[rows])
    picked = _some(named, n_cells, random_state)
    if not len(picked):
        msg = f"no cell that was asked about is in a group of {groupby!r}; pass another groupby=, or controls=False"
        raise ValueError(msg)
    labels, here = named[picked], rows[picked]
    asked = {
        name: (responder(here, {f: [v[i] for i in picked] for f, v in fields.items()}).expression, labels)
        for name, fields in others.items()
    }
    real, real_labels = None, None
    if truth is not None:
        real_labels = _truth_labels(truth, conditions, groupby)
        asked_for = set(labels)
        kept = np.flatnonzero([label in asked_for for label in real_labels])
        if absent := sorted(asked_for - set(real_labels[kept])):
            logger.warning("no real cells for %d of %d groups: %s", len(absent), len(asked_for), _readable(absent))
        longest = np.full(len(kept), int(response.n_asked.max(initial=0)))
        real, real_labels = responder.shown(truth.data, truth.rows[kept], longest), real_labels[kept]
    table = perturbation_report(
        response.expression[picked],
        real,
        responder.shown(responder.data, here, response.n_asked[picked]),
        pred_groups=labels,
        true_groups=real_labels,
        control_groups=labels,
        others=asked,
        program=program,
        n_boot=n_boot,
        random_state=random_state,
    )
    parts = table["group"].str.split("\t", n=1, expand=True)
    return table.assign(group=parts[1]).assign(condition=parts[0])


def _some(labels: np.ndarray, most: int, random_state: int) -> np.ndarray:
    """Positions of at most `most` cells of each label, in order; the draw of a label does not depend on the others."""
    found = [np.empty(0, dtype=np.int64)]
    for label in sorted(set(labels) - {None}):
        here = np.flatnonzero(labels == label)
        rng = np.random.default_rng([random_state, zlib.crc32(label.encode())])
        found.append(rng.permutation(here)[:most])
    return np.sort(np.concatenate(found))


def _truth_labels(truth: Truth, conditions: Sequence[str], groupby: str | None) -> np.ndarray:
    groups = group_labels(truth.data, groupby)[truth.rows]
    if truth.condition is not None:
        return _named(truth.condition[truth.rows], groups)
    if len(several := sorted(set(conditions))) > 1:
        msg = (
            f"the model was asked about {len(several)} perturbations ({', '.join(several[:3])}, ...), and truth does "
            "not say what was done to each cell; pass perturbation_key= a column that both have"
        )
        raise ValueError(msg)
    return _named(several * len(groups), groups)


def _named(conditions: Sequence[str], groups: np.ndarray) -> np.ndarray:
    """Condition and group of each cell as one label; ``None`` for a cell in no group."""
    names = [None if g is None else f"{c}\t{g}" for c, g in zip(conditions, groups, strict=True)]
    return np.array(names, dtype=object)


def _readable(labels: list[str]) -> str:
    return "; ".join(label.replace("\t", ", ") for label in labels[:5])
