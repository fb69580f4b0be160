"""Files of cells on disk, opened once in each process."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import Any

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
    kind = kind_of(path)
    try:
        root = _zarr(path) if kind == "zarr" else _hdf5(path)
    except (OSError, ValueError, KeyError) as error:
        msg = f"{path} cannot be read as {kind} ({' '.join(str(error).split())[:200]}); {_MEND}"
        raise ValueError(msg) from error
    if dict(root.attrs).get("encoding-type") == "MuData" or "mod" in root:
        msg = f"{path} is a MuData, which has several matrices; write the modality alone: mdata['rna'].write_zarr(path)"
        raise ValueError(msg)
    if "obs" not in root or "var" not in root:
        msg = f"{path} is not an AnnData (it has no obs and var); {_MEND}"
        raise ValueError(msg)
    for table in ("obs", "var"):
        if "column-order" not in root[table].attrs:
            msg = f"{path} was written by an old anndata; read it and write it again: anndata.read_h5ad(path)"
            raise ValueError(msg)
    return root


def write_element(group: Any, name: str, value: Any) -> None:
    """Write into a Zarr group in its own format: anndata 0.12.0 goes by its setting."""
    from anndata import settings
    from anndata.io import write_elem

    with settings.override(zarr_write_format=group.metadata.zarr_format):
        write_elem(group, name, value)


def _zarr(path: str) -> Any:
    import zarr

    return zarr.open_group(path, mode="r", use_consolidated=False)


def _hdf5(path: str) -> Any:
    import h5py

    return h5py.File(path, "r")


def forget() -> None:
    """Open stores anew from now on."""
    with _LOCK:
        _opened.cache_clear()
