"""Cells of an atlas as an AnnData in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from scc2s._cells.access import sentence_slots, stated_organism
from scc2s._cells.stored_rows import matrix_rows, table_rows
from scc2s.atlas._store import opened

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from scc2s.atlas._source import Source
    from scc2s.atlas._steps import Step

_ABOUT_ALL = ("organism", "log1p", "c2s")
"""Entries of uns that functions of this package read."""


def block(
    out: str,
    mark: str,
    source: Source,
    step: Step,
    rows: tuple[int, int],
    *,
    whole: bool = False,
    without: Collection[str] = (),
) -> AnnData:
    """Consecutive cells, with what `step` reads of them.

    Parameters
    ----------
    out, mark
        Store with the results so far, and the mark of the state it is in.
    source
        Where the expression is.
    step
        What is to be done.
    rows
        First, and after the last.
    whole
        With all columns of obs, for a look at what is there.
    without
        Columns of obs to leave out: those that the step has written before.
    """
    if not step.kind.matrix:
        return cells_at(out, mark, source, step, [rows], without=without)
    table = opened(out, mark)["obs"]
    obs = table_rows(table, *rows, _columns(table, without) if whole else [])
    layer, raw = step.params.get("layer"), _from_raw(source, step.params.get("layer"), step.params.get("use_raw"))
    return _with_matrix(obs, source, uns_of(out, mark), source.rows(*rows, layer=layer, raw=raw), layer, raw)


def cells_at(
    out: str,
    mark: str,
    source: Source,
    step: Step,
    parts: Sequence[tuple[int, int]],
    *,
    without: Collection[str] = (),
) -> AnnData:
    """Cells with their sentences, of several ranges of rows; their matrix is one of zeros, for the names of its genes.

    Parameters
    ----------
    out, mark, source, step, without
        As above.
    parts
        First row, and after the last, of each range.
    """
    root, uns = opened(out, mark), uns_of(out, mark)
    slots = sentence_slots(str(step.params.get("sentence_key", "c2s_sentence")))
    columns = _columns(root["obs"], without)
    tables = [table_rows(root["obs"], *rows, columns) for rows in parts]
    obs = tables[0] if len(tables) == 1 else pd.concat(tables)
    made = uns.get("c2s", {}).get(slots.record, {}).get("params", {})
    layer, use_raw = (None if isinstance(made.get(name), str) and made[name] == "None" else made.get(name)
                      for name in ("layer", "use_raw"))  # fmt: skip
    raw = _from_raw(source, layer, use_raw)
    nothing = sparse.csr_matrix((len(obs), len(source.var(raw=raw))), dtype=np.float32)
    found = _with_matrix(obs, source, uns, nothing, layer, raw)
    if "obsm" in root and slots.ranks in root["obsm"]:
        found.obsm[slots.ranks] = np.vstack([matrix_rows(root["obsm"][slots.ranks], *rows) for rows in parts])
    return found


def uns_of(out: str, mark: str) -> dict[str, Any]:
    """What uns says of all cells; the organism is that of the first cell where only obs has it."""
    key = (out, mark)
    found = _KEPT.get(key)
    if found is None:
        from anndata.io import read_elem

        root = opened(out, mark)
        found = {name: read_elem(root["uns"][name]) for name in _ABOUT_ALL if "uns" in root and name in root["uns"]}
        if "organism" not in found and "organism" in root["obs"]:
            said = stated_organism(AnnData(obs=table_rows(root["obs"], 0, 1, ["organism"])))
            if said is not None:
                found["organism"] = said
        _KEPT.clear()
        _KEPT[key] = found
    return found


_KEPT: dict[tuple[str, str], dict[str, Any]] = {}


def _columns(table: Any, without: Collection[str]) -> list[str]:
    return [str(name) for name in table.attrs["column-order"] if name not in without]


def _from_raw(source: Source, layer: Any, use_raw: Any) -> bool:
    return layer is None and (bool(use_raw) or (use_raw is None and source.has_raw))


def _with_matrix(
    obs: pd.DataFrame, source: Source, uns: dict[str, Any], X: Any, layer: str | None, raw: bool
) -> AnnData:
    where: dict[str, Any] = {"X": X}
    if layer is not None:
        where = {"layers": {layer: X}}
    elif raw:
        where = {"raw": {"X": X, "var": source.var(raw=True)}}
    return AnnData(obs=obs, var=source.var().copy(), uns=dict(uns), **where)
