from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.arguments import whole
from scc2s.tl._searching.elsewhere import near_stored
from scc2s.tl._searching.index import opened
from scc2s.tl._searching.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from scc2s.tl._searching.index import Index


def search(
    store: str | Path,
    query: str | Sequence[str] | Sequence[bool] | np.ndarray | pd.Series[Any] | pd.Index[Any],
    *,
    use_rep: str = "X_c2s",
    n_top: int = 10,
    keys: Sequence[str] = (),
    exact: bool = False,
) -> pd.DataFrame:
    """Find the cells of a store that are most like some of its cells, by the mean cosine in an embedding.

    As :func:`scc2s.tl.search` for cells that do not fit into memory; cells of another data set are looked for by
    ``scc2s.tl.search(adata, query, reference=store)``.

    Parameters
    ----------
    store
        Zarr store or ``.h5ad`` file with the embedding.
    query
        Names of cells of the store (or one), or a boolean for each.
    use_rep
        Key of ``.obsm``.
    n_top
        Cells that are wanted.
    keys
        Columns of ``.obs`` to show of each.
    exact
        Look at all cells, block by block, in place of the index (:func:`scc2s.atlas.index`).

    Returns
    -------
    The best first, without the query: ``cell``, ``score`` (mean cosine with the cells of the query, from -1 to 1), and
    `keys`. ``.attrs`` has what the record of :func:`scc2s.tl.search` has: ``background`` (median score of all cells, or
    of the index's sample), ``recall`` of the index, and so on.

    Raises
    ------
    FileNotFoundError
        If there is no store, or it has no index and `exact` is not asked for.
    KeyError
        If there is no such embedding, column, or cell.
    ValueError
        If the query is empty, or the index is of an earlier embedding.
    ImportError
        If faiss is not installed: ``pip install 'scc2s[atlas]'``.

    Examples
    --------
    >>> import tempfile, scanpy as sc, scc2s
    >>> store = f"{tempfile.mkdtemp()}/cells.zarr"
    >>> sc.datasets.pbmc68k_reduced().write_zarr(store)
    >>> found = scc2s.atlas.search(store, "AAAGCCTGGCTAAC-1", use_rep="X_pca", n_top=2, exact=True)
    >>> found["score"].round(2).tolist(), round(found.attrs["background"], 2)
    ([0.78, 0.75], -0.09)
    """
    whole("n_top", n_top)
    if isinstance(keys, str):
        msg = f"keys={keys!r} is a text; pass a list of columns: keys=[{keys!r}]"
        raise TypeError(msg)
    reference = Reference.at(store, use_rep)
    index = None if exact else opened(reference)
    rows = _rows(reference, [query] if isinstance(query, str) else query, index)
    found = near_stored(reference, reference.vectors(rows), rows, n_top=n_top, keys=keys, index=index)
    table = found.table(n_top)
    table.attrs.update(found.params)
    return table


def _rows(reference: Reference, query: Any, index: Index | None) -> np.ndarray:
    """Rows of the cells of a query, each once, in the order of the store."""
    values = np.asarray(query)
    if values.ndim != 1 or not len(values):
        msg = "query holds no cell; pass names of cells of the store, or a boolean for each"
        raise ValueError(msg)
    if values.dtype.kind == "b":
        if len(values) != reference.n_obs:
            msg = f"query has {len(values)} booleans for {reference.n_obs} cells; pass one for each"
            raise ValueError(msg)
        rows = np.flatnonzero(values)
        if not len(rows):
            msg = "query marks no cell; pass names of cells of the store, or a boolean for each"
            raise ValueError(msg)
        return rows
    names = [str(name) for name in values.tolist()]
    rows = reference.rows_of(names) if index is None else index.names.rows(names)
    if (rows < 0).any():
        msg = (
            f"there is no cell {names[int(np.flatnonzero(rows < 0)[0])]!r} in {reference.path}; pass query= some of it"
        )
        raise KeyError(msg)
    return np.unique(rows)
