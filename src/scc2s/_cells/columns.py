"""Cells and their columns, or an error that says what would mend it: what every public function begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import get_adata, refuse_unwritable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData


_SHOWN = 10
"""Names of columns that an error lists."""


def opened(data: AnnData | MuData, *, mod: str, copy: bool, tables: bool = True) -> tuple[AnnData | MuData, AnnData]:
    """What the function returns with ``copy=True``, and the AnnData in it that takes the results.

    Without `tables` among them, names of cells may be numbers: columns and arrays can be read again with these.

    Raises
    ------
    TypeError, KeyError
        Something else than an AnnData or a MuData with modality `mod`.
    ValueError
        A view of a file on disk, or names of cells that are not text, with which files cannot be read again.
    """
    adata = get_adata(data, mod)
    refuse_unwritable(adata)
    if tables:
        refuse_numbered(adata)
    if not copy:
        return data, adata
    out = data.copy()
    return out, get_adata(out, mod)


def refuse_numbered(adata: AnnData) -> None:
    """Names of cells and genes that are numbers: tables of results would be written so that no reader takes them."""
    for name, index in (("obs_names", adata.obs_names), ("var_names", adata.var_names)):
        if len(index) and not all(isinstance(value, str) for value in index[:1]):
            msg = f"adata.{name} are {index.dtype}, not text; call adata.{name} = adata.{name}.astype(str)"
            raise ValueError(msg)


def column(adata: AnnData, name: str, argument: str, *, missing: bool = True) -> pd.Series[Any]:
    """A column of ``.obs``.

    Parameters
    ----------
    adata
        Cells.
    name
        Its name.
    argument
        What the user named it with.
    missing
        Whether values may be missing.

    Raises
    ------
    KeyError
        There is no such column.
    ValueError
        Values are missing where none may be.
    """
    if name not in adata.obs:
        known = ", ".join(map(repr, adata.obs.columns[:_SHOWN])) or "none yet"
        more = ", ..." if adata.obs.shape[1] > _SHOWN else ""
        msg = f"adata.obs has no column {name!r}; pass {argument}= one of its columns: {known}{more}"
        raise KeyError(msg)
    values: pd.Series[Any] = adata.obs[name]
    if not missing and (n_missing := int(values.isna().sum())):
        msg = f"adata.obs[{name!r}] is missing for {n_missing} cells; fill it, or pass another {argument}="
        raise ValueError(msg)
    return values


def donors_of(adata: AnnData, donor_key: str | None) -> np.ndarray | None:
    """Donor of each cell as text; ``None`` without `donor_key`."""
    if donor_key is None:
        return None
    return column(adata, donor_key, "donor_key", missing=False).astype(str).to_numpy(dtype=object)


def rows_of(adata: AnnData, cells: Sequence[str] | None) -> np.ndarray:
    """Rows of cells by name; all without names."""
    if cells is None:
        return np.arange(adata.n_obs)
    rows: np.ndarray = adata.obs_names.get_indexer(list(cells))
    if (rows < 0).any():
        msg = f"there is no cell {list(cells)[int(np.argmin(rows))]!r}; pass cells= some of adata.obs_names"
        raise KeyError(msg)
    return rows
