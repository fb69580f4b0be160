"""Files of cells on disk, opened once in each process."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import Any

from scc2s._cells.stored import root_of

_MEND = "pass the folder of AnnData.write_zarr, a file of AnnData.write_h5ad, or a folder of such"
_LOCK = threading.Lock()


def kind_of(path: str | Path) -> str:
    """``"zarr"``, ``"h5ad"`` or ``"folder"``.

    Raises
    ------
    FileNotFoundError
        If there is nothing.
    ValueError
        If it is something else.
    """
    where = Path(path)
    if not where.exists():
        msg = f"there is no {where}; {_MEND}"
        raise FileNotFoundError(msg)
    if where.is_dir():
        marks = ("zarr.json", ".zgroup", ".zattrs", ".zmetadata")
        return "zarr" if any((where / name).exists() for name in marks) else "folder"
    if where.suffix.lower() in (".h5ad", ".h5", ".hdf5"):
        return "h5ad"
    msg = f"{where} is neither a Zarr store nor an .h5ad file; {_MEND}"
    raise ValueError(msg)


def opened(path: str | Path, mark: str = "") -> Any:
    """The root of a store, read-only; the same object in each call of a process with the same `mark`.

    Raises
    ------
    ValueError
        If it cannot be read, or holds no AnnData.
    """
    with _LOCK:
        return _opened(str(path), mark)


@cache
def _opened(path: str, mark: str) -> Any:  # noqa: ARG001
    root = root_of(path)
    for table in ("obs", "var"):
        if "column-order" not in root[table].attrs:
            msg = f"{path} was written by an old anndata; read it and write it again: anndata.read_h5ad(path)"
            raise ValueError(msg)
    return root


ROWS = 16_384
"""Cells in a chunk of a column."""


def write_element(group: Any, name: str, value: Any) -> None:
    """Write into a Zarr group in its own format: anndata 0.12.0 goes by its setting.

    Arrays of cells are in chunks of some of them: of one that is a single chunk each block would read all.
    """
    import numpy as np
    from anndata import settings
    from anndata.io import write_elem

    long = isinstance(value, np.ndarray) and value.ndim == 1 and len(value) > ROWS
    with settings.override(zarr_write_format=group.metadata.zarr_format):
        write_elem(group, name, value, dataset_kwargs={"chunks": (ROWS,)} if long else {})


def forget() -> None:
    """Open stores anew from now on."""
    with _LOCK:
        _opened.cache_clear()
