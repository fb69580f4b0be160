"""The end of a step: results move into the store, with the record of how they came about."""

from __future__ import annotations

import shutil
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.results import places_of
from scc2s.atlas._collected import categories
from scc2s.atlas._staged import leftovers
from scc2s.atlas._store import write_element

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scc2s.atlas._staged import Layout

_NEWS = r"zarr v3 autosharding|Writing zarr v2 data|Consolidated metadata"
"""What anndata and zarr say of their next versions, at each element."""
_DICT = {"encoding-type": "dict", "encoding-version": "0.1.0"}
_BLOCKS = 64
"""Blocks whose codes are read and written together: each call of zarr takes milliseconds."""
_CODES = ((2**7, np.int8), (2**15, np.int16), (2**31, np.int32))


@contextmanager
def quiet() -> Iterator[None]:
    """Without what writers say of their next versions."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_NEWS)
        yield


@quiet()
def move_in(
    out: str, arrays: Path, layout: Layout, done: Sequence[Mapping[str, Any]], order: Sequence[str] = ()
) -> None:
    """Move the arrays of all places into the store; may be called again after it was cut off.

    Parameters
    ----------
    out
        The store.
    arrays
        Folder of the arrays.
    layout
        What they are.
    done
        What is kept of each block.
    order
        Order of categories.
    """
    import zarr

    for file in leftovers(arrays):
        file.unlink(missing_ok=True)
    root: Any = zarr.open_group(out, mode="r+", use_consolidated=False)
    for place, spec in layout.items():
        slot, _, name = place.partition(":")
        if name and slot not in root:
            _group(root, slot, _DICT)
        source, target = arrays / slot / name, Path(out) / slot / name
        if spec["kind"] in ("array", "text", "table") and not source.exists() and target.exists():
            pass  # moved before the run was cut off
        elif spec["kind"] == "sparse":
            _move(_as_matrix(arrays, place, spec, done, root.metadata.zarr_format), target)
        elif spec["kind"] == "category":
            _move(_as_category(arrays, place, spec, done, order, root.metadata.zarr_format), target)
        else:
            if spec["kind"] == "table":
                _as_table(source, spec, root)
            _move(source, target)
        if slot == "obs" and name not in (columns := list(root["obs"].attrs["column-order"])):
            root["obs"].attrs["column-order"] = [*columns, name]


@quiet()
def write_record(
    out: str, path: Sequence[str], record: Mapping[str, Any], kept: Mapping[str, Any], aside: Path
) -> None:
    """Write a record; what an earlier one of its name wrote, and this one has not, is removed.

    Parameters
    ----------
    out
        The store.
    path
        Path in ``uns["c2s"]``.
    record
        The record.
    kept
        Other entries of uns.
    aside
        Folder of the same file system, where it is written first.
    """
    import zarr
    from anndata.io import read_elem

    root: Any = zarr.open_group(out, mode="r+", use_consolidated=False)
    place = "/".join(("uns", "c2s", *path))
    if place in root:
        for old in set(places_of(read_elem(root[place]))) - set(places_of(record)):
            _remove(root, old)
    group = root
    for name in ("uns", "c2s", *path[:-1]):
        if name not in group:
            _group(group, name, _DICT)
        group = group[name]
    _write_at_once(Path(out) / place, dict(record), root.metadata.zarr_format, aside)
    for name, value in kept.items():
        write_element(root["uns"], name, value)


@quiet()
def consolidate(out: str) -> None:
    """Let readers that look at the metadata in one place see what has come."""
    import zarr

    zarr.consolidate_metadata(out)


def _write_at_once(target: Path, value: dict[str, Any], zarr_format: int, aside: Path) -> None:
    """Write many small elements in memory, which takes half the time, and then as a folder that is there or is not."""
    import zarr

    files: dict[str, Any] = {}
    store = zarr.storage.MemoryStore(files)
    write_element(zarr.open_group(store, mode="w", zarr_format=zarr_format), target.name, value)  # type: ignore[arg-type]
    shutil.rmtree(aside, ignore_errors=True)
    for name, content in files.items():
        file = aside / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.to_bytes())
    _move(aside / target.name, target)
    shutil.rmtree(aside)


def _remove(root: Any, place: str) -> None:
    slot, _, name = place.partition(":")
    if slot == "obs" and name in (order := list(root["obs"].attrs["column-order"])):
        root["obs"].attrs["column-order"] = [one for one in order if one != name]
    if slot != "uns" and slot in root and name in root[slot]:
        del root[slot][name]


def _group(parent: Any, name: str, attrs: Mapping[str, Any]) -> Any:
    found = parent.require_group(name)
    found.attrs.update(attrs)
    return found


def _move(source: Path, target: Path) -> None:
    """A folder takes the place of another; within one file system each rename is one step."""
    target.parent.mkdir(exist_ok=True)
    old = source.with_name(f"{source.name}.old")
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    source.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _as_category(
    arrays: Path,
    place: str,
    spec: Mapping[str, Any],
    done: Sequence[Mapping[str, Any]],
    order: Sequence[str],
    zarr_format: int,
) -> Path:
    """Codes of blocks, each counted by its own categories, as codes of all."""
    import zarr

    slot, _, name = place.partition(":")
    codes: Any = zarr.open_array(str(arrays / slot / name), mode="r")
    every = categories([one["categories"][place] for one in done], order)
    path = arrays / "categories" / slot / name
    group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)  # type: ignore[arg-type]
    group.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": bool(spec["ordered"])})
    write_element(group, "categories", np.array(every, dtype=object))
    dtype = next(dtype for most, dtype in _CODES if len(every) < most)
    made = group.create_array("codes", shape=codes.shape, chunks=codes.chunks, dtype=dtype)
    made.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    at = {value: number for number, value in enumerate(every)}
    for first in range(0, len(done), _BLOCKS):
        some = done[first : first + _BLOCKS]
        start, stop = some[0]["rows"][0], some[-1]["rows"][1]
        found = codes[start:stop]
        for one in some:
            table = np.array([*(at[value] for value in one["categories"][place]), -1])
            part = found[one["rows"][0] - start : one["rows"][1] - start]
            part[:] = table[part]
        made[start:stop] = found.astype(dtype)
    return path


def _as_table(path: Path, spec: Mapping[str, Any], root: Any) -> None:
    """The group that makes a table of its columns, with the names of the cells."""
    import zarr

    obs = root["obs"]
    names = str(obs.attrs["_index"])
    index = next(name for name in (names, "_index", "_names") if name not in spec["columns"])
    group = zarr.open_group(str(path), mode="a", zarr_format=root.metadata.zarr_format)
    shutil.rmtree(path / index, ignore_errors=True)
    shutil.copytree(Path(str(root.store.root)) / "obs" / names, path / index)
    group.attrs.update({
        "encoding-type": "dataframe", "encoding-version": "0.2.0", "column-order": spec["columns"], "_index": index,
    })  # fmt: skip


_CHUNK = 2**20
"""Stored values of a sparse matrix in one chunk."""


def _as_matrix(
    arrays: Path, place: str, spec: Mapping[str, Any], done: Sequence[Mapping[str, Any]], zarr_format: int
) -> Path:
    """Rows of all blocks as one CSR matrix, written one after another."""
    import zarr

    slot, _, name = place.partition(":")
    path, parts = arrays / "matrices" / slot / name, arrays.parent / "parts"
    group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)  # type: ignore[arg-type]
    n = int(done[-1]["rows"][1])
    group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": [n, int(spec["width"])]})
    pointers = np.zeros(n + 1, dtype=np.int64)
    for one in done:
        start, stop = one["rows"]
        with np.load(parts / f"{one['block']}.npz") as part:
            pointers[start + 1 : stop + 1] = np.diff(part[f"{place}/indptr"])
    np.cumsum(pointers, out=pointers)
    total = int(pointers[-1])
    dtypes = {"data": np.dtype(spec["dtype"]), "indices": np.dtype(np.int32)}
    for inner, dtype in dtypes.items():
        made = group.create_array(inner, shape=(total,), chunks=(max(1, min(_CHUNK, total)),), dtype=dtype)
        waiting: list[np.ndarray] = []
        at = size = 0
        for one in done:
            with np.load(parts / f"{one['block']}.npz") as part:
                waiting.append(part[f"{place}/{inner}"])
            size += len(waiting[-1])
            if size >= _CHUNK or one is done[-1]:  # whole chunks, so that none is written twice
                values = np.concatenate(waiting)
                whole = len(values) if one is done[-1] else size // _CHUNK * _CHUNK
                made[at : at + whole] = values[:whole]
                at, waiting, size = at + whole, [values[whole:]], size - whole
    group.create_array("indptr", data=pointers, chunks=(max(1, min(_CHUNK, n + 1)),))
    for inner in ("data", "indices", "indptr"):
        group[inner].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    return path
