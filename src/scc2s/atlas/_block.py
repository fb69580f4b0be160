"""A block of an atlas as an AnnData in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from anndata import AnnData

from scc2s._cells.access import sentence_slots, stated_organism
from scc2s.atlas._slices import matrix_rows, table_rows
from scc2s.atlas._store import opened

if TYPE_CHECKING:
    from scc2s.atlas._source import Source
    from scc2s.atlas._steps import Step

_ABOUT_ALL = ("organism", "log1p", "c2s")
"""Entries of uns that functions of this package read."""


def block(out: str, mark: str, source: Source, step: Step, rows: tuple[int, int], *, whole: bool = False) -> AnnData:
    """Some cells, with what `step` reads of them.

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
    """
    root = opened(out, mark)
    uns = dict(about_all(out, mark))
    slots = sentence_slots(str(step.params.get("sentence_key", "c2s_sentence")))
    columns = [] if step.kind.matrix and not whole else None
    obs = table_rows(root["obs"], *rows, columns)
    found: dict[str, Any] = {"obs": obs, "var": source.var().copy(), "uns": uns}
    if not step.kind.matrix and "obsm" in root and slots.ranks in root["obsm"]:
        found["obsm"] = {slots.ranks: np.asarray(matrix_rows(root["obsm"][slots.ranks], *rows))}
    if step.kind.matrix:
        layer, use_raw = step.params.get("layer"), step.params.get("use_raw")
        if layer is not None:
            found["layers"] = {layer: source.rows(*rows, layer=layer)}
        elif use_raw or (use_raw is None and source.has_raw):
            found["raw"] = {"X": source.rows(*rows, raw=True), "var": source.var(raw=True)}
        else:
            found["X"] = source.rows(*rows)
    return AnnData(**found)


def about_all(out: str, mark: str) -> dict[str, Any]:
    """What uns says of all cells; the organism is that of the first cell where only obs has it."""
    key = (out, mark)
    if key not in _KEPT:
        from anndata.io import read_elem

        root = opened(out, mark)
        found = {name: read_elem(root["uns"][name]) for name in _ABOUT_ALL if "uns" in root and name in root["uns"]}
        if "organism" not in found and "organism" in root["obs"]:
            first = table_rows(root["obs"], 0, 1, ["organism"])
            said = stated_organism(AnnData(obs=first))
            if said is not None:
                found["organism"] = said
        _KEPT.clear()
        _KEPT[key] = found
    return _KEPT[key]


_KEPT: dict[tuple[str, str], dict[str, Any]] = {}
