from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.arguments import whole
from scc2s._cells.columns import column
from scc2s._logging import logger
from scc2s.train._pairs import match_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from mudata import MuData


def pairs(
    adata: AnnData | MuData,
    *,
    key: str,
    control: str | None = None,
    order: Sequence[str] | None = None,
    match: str | Sequence[str] = (),
    random_state: int = 0,
    mod: str = "rna",
) -> pd.DataFrame:
    """Pair cells before and after: each perturbed cell with a random control cell, or each with one of the time before.

    The pairs that models of perturbation responses are trained on (:func:`scc2s.pp.samples`). Nothing is written to
    `adata`.

    Parameters
    ----------
    adata
        Cells.
    key
        Column of ``.obs`` with the perturbation, or the time point; cells without one are left out.
    control
        Its value for control cells.
    order
        In place of `control`, for a time course: values of `key` in order, e.g. ``["0 h", "6 h", "24 h"]``. Each cell
        is paired with one of the time point before. (For pairs that all begin at the first time point pass that as
        `control`.)
    match
        Columns of ``.obs`` in which both cells of a pair agree, e.g. ``["cell_type", "donor"]``; a cell with a missing
        value in one of them is in no pair.
    random_state
        Seed of the draw.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    One row for each perturbed (later) cell that has a partner, in the order of `adata`: names of the cells (columns
    ``control``, ``perturbed``), their rows (``control_row``, ``perturbed_row``), value of `key` for the second
    (``perturbation``), and the columns of `match`. ``.attrs["unmatched"]`` lists the names of perturbed cells without a
    partner; their number is logged.

    Raises
    ------
    KeyError
        If a column is not there.
    ValueError
        If there are no cells, no cell has the value `control`, or one of `order`, or not exactly one of the two is
        given.
    TypeError
        If `order` is a single text, or `random_state` not a whole number.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd, scc2s
    >>> obs = pd.DataFrame({"drug": ["none", "IFN", "none"], "type": ["B", "B", "T"]}, index=["a", "b", "c"])
    >>> table = scc2s.pp.pairs(ad.AnnData(np.ones((3, 1)), obs=obs), key="drug", control="none", match=["type"])
    >>> table[["control", "perturbed", "perturbation"]].to_numpy().tolist()
    [['a', 'b', 'IFN']]
    """
    data = get_adata(adata, mod)
    columns = [match] if isinstance(match, str) else list(match)
    if (control is None) == (order is None):
        msg = "pairs need one of control and order; pass control= for perturbations, or order=[...] for time points"
        raise ValueError(msg)
    random_state = whole("random_state", random_state, 0)
    value = column(data, key, "key").astype(object)
    for name in columns:
        column(data, name, "match")
    if data.n_obs == 0:
        msg = "the AnnData has no cells to pair; pass adata= one that has"
        raise ValueError(msg)
    if isinstance(order, str):
        msg = f"order={order!r} is a single text; pass order= a list of values of {key!r}, e.g. ['0 h', '6 h']"
        raise TypeError(msg)
    if order is None:
        found = match_pairs(data.obs, key=key, control=str(control), match=columns, random_state=random_state)
    else:
        found = _successive(data.obs, key, list(order), columns, random_state)
    before, rows = found.T
    wanted = value.notna() & (value != control) if order is None else value.isin(list(order)[1:])
    table = pd.DataFrame(
        {
            "control": data.obs_names[before],
            "perturbed": data.obs_names[rows],
            "control_row": before,
            "perturbed_row": rows,
            "perturbation": value.to_numpy()[rows],
            **{name: data.obs[name].astype(object).to_numpy()[rows] for name in columns},
        }
    )
    table.attrs["unmatched"] = data.obs_names[np.setdiff1d(np.flatnonzero(wanted), rows)].tolist()
    if n_unmatched := len(table.attrs["unmatched"]):
        same = f" with the same {', '.join(columns)}" if columns else ""
        logger.warning("%d of %d cells have no partner%s", n_unmatched, n_unmatched + len(table), same)
    return table


def _successive(obs: pd.DataFrame, key: str, order: list[str], match: list[str], random_state: int) -> np.ndarray:
    """Pairs of each time point with the one before."""
    if len(order) < 2 or len(set(order)) < len(order):
        msg = f"order={order} is not a sequence of time points; pass at least two values of {key!r}, each once"
        raise ValueError(msg)
    if absent := [step for step in order if not (obs[key] == step).any()]:
        there = sorted(map(str, obs[key].dropna().unique()))[:8]
        msg = f"no cell has {absent[0]!r} in obs[{key!r}]; pass order= from {there}"
        raise ValueError(msg)
    found = []
    for earlier, later in pairwise(order):
        rows = np.flatnonzero(obs[key].isin([earlier, later]))
        found.append(
            rows[match_pairs(obs.iloc[rows], key=key, control=earlier, match=match, random_state=random_state)]
        )
    out = np.concatenate(found)
    return out[np.argsort(out[:, 1], kind="stable")]
