"""Tables of interactions that :func:`scc2s.pp.interactions` has stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s._cells.results import stored

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

_CALL = "sc.pp.c2s_interactions(adata, source)"


def stored_interactions(adata: AnnData, name: str) -> pd.DataFrame:
    """``a``, ``b`` (subunits joined by ``+``), ``relation``, ``evidence``, ``source``, ``text``; the best first.

    Raises
    ------
    KeyError
        There is no such result, or it is another tool's.
    """
    found = stored(adata, name, call=_CALL, kind=dict)
    table: pd.DataFrame = stored(adata, name, "table", call=_CALL)
    if "text" not in found or not {"a", "b", "text", "source"} <= set(table):
        msg = f"uns['c2s'][{name!r}] holds no interactions; call {_CALL} first"
        raise KeyError(msg)
    return table
