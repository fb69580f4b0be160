"""An AnnData in a file, opened so that its matrices stay there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from anndata import AnnData
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterable

_MEND = "pass a file that AnnData.write_h5ad has written, or the folder of AnnData.write_zarr"


def root_of(path: str | Path) -> Any:
    """The root of an AnnData in an ``.h5ad`` file or a Zarr store, opened read-only.

    Raises
    ------
    FileNotFoundError
        If there is nothing.
    ValueError
        If it cannot be read, or is not an AnnData.
    """
    where = Path(path)
    if not where.exists():
        msg = f"there is no {where}; {_MEND}"
        raise FileNotFoundError(msg)
    try:
        root = _opened(where)
    except (OSError, ValueError, KeyError) as error:
        what = "a folder, but not a Zarr store" if where.is_dir() else "a file that cannot be read"
        msg = f"{path} is {what} ({' '.join(str(error).split())[:200]}); {_MEND}"
        raise ValueError(msg) from error
    if dict(root.attrs).get("encoding-type") == "MuData" or "mod" in root:
        msg = f"{path} is a MuData, which has several matrices; write the modality alone: mdata['rna'].write_zarr(path)"
        raise ValueError(msg)
    if "obs" not in root or "var" not in root:
        msg = f"{path} is not an AnnData (it has no obs and var); {_MEND}"
        raise ValueError(msg)
    return root


def open_stored(path: str | Path, *, layer: str | None, columns: Iterable[str]) -> AnnData:
    """The AnnData in an ``.h5ad`` file or a Zarr store: matrices on disk, `columns` of obs, var and the organism.

    Parameters
    ----------
    path
        File, or folder of a store.
    layer
        Layer to open beside ``.X`` and ``.raw``.
    columns
        Columns of ``.obs`` to read, those that are there.

    Raises
    ------
    FileNotFoundError
        If there is nothing.
    ValueError
        If it is not an AnnData.
    """
    root = root_of(path)
    from anndata.io import read_elem

    parts: dict[str, Any] = {
        "obs": _obs(root["obs"], columns),
        "var": read_elem(root["var"]),
        "uns": {name: read_elem(root["uns"][name]) for name in ("organism", "log1p") if _has(root, "uns", name)},
    }
    if "X" in root:
        parts["X"] = _matrix(root["X"])
    if layer is not None and _has(root, "layers", layer):
        parts["layers"] = {layer: _matrix(root["layers"][layer])}
    if _has(root, "raw", "X"):
        parts["raw"] = {"X": _matrix(root["raw"]["X"]), "var": read_elem(root["raw"]["var"])}
    return AnnData(**parts)


def csr_rows(pointers: Any, columns: Any, values: Any, start: int, stop: int, n_columns: int) -> sparse.csr_matrix:
    """Rows of a CSR matrix whose three arrays are on disk; whether they fit each other is not looked at.

    anndata's own slicing looks up the version of scipy each time.
    """
    ends = np.asarray(pointers[start : stop + 1]).astype(np.int64)
    first, last = int(ends[0]), int(ends[-1])
    found = sparse.csr_matrix((stop - start, n_columns), dtype=values.dtype)
    found.data, found.indices = np.asarray(values[first:last]), np.asarray(columns[first:last])
    fits = found.indices.dtype == np.int32 or _within(found.indices, 2**31)
    kind = np.int32 if last - first < 2**31 and fits else np.int64
    found.indices, found.indptr = found.indices.astype(kind, copy=False), (ends - first).astype(kind)
    return found


def _within(numbers: np.ndarray, limit: int) -> bool:
    return int(numbers.min(initial=0)) >= -limit and int(numbers.max(initial=0)) < limit


def _opened(path: Path) -> Any:
    if path.is_dir():
        import zarr

        return zarr.open_group(str(path), mode="r", use_consolidated=False)
    import h5py

    return h5py.File(path, "r")


def _has(root: Any, group: str, name: str) -> bool:
    return group in root and name in root[group]


def _obs(group: Any, columns: Iterable[str]) -> Any:
    """Names of the cells and some columns: others may be many and large."""
    import pandas as pd
    from anndata.io import read_elem

    if "_index" not in group.attrs:  # as anndata wrote it before 0.7
        return read_elem(group)
    names = [str(name) for name in read_elem(group[str(group.attrs["_index"])])]
    index = pd.Index(names, dtype=object)
    found = {name: read_elem(group[name]) for name in dict.fromkeys(columns) if name in group}
    return pd.DataFrame({name: pd.Series(values, index=index) for name, values in found.items()}, index=index)


def _matrix(element: Any) -> Any:
    """A matrix that stays on disk: a dense array as it is, a sparse one as anndata's own."""
    if hasattr(element, "shape"):
        return element
    from anndata.io import sparse_dataset

    return sparse_dataset(element)
