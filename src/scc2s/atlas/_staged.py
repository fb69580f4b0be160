"""Results of a step on their way: arrays beside the store, one chunk a block, that move into it when all are there.

A reader of the store never meets an array of which a part is missing.
"""

from __future__ import annotations

import os
import shutil
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scc2s.atlas._collected import Collected

Layout = dict[str, dict[str, Any]]
"""What each place holds: kind, number format, shape of a row; as JSON."""


class Array(NamedTuple):
    """One array on disk."""

    path: str
    """Folder, from that of all arrays."""
    dtype: str
    tail: tuple[int, ...]
    """Shape without the rows."""


def layout_of(values: Mapping[str, Any]) -> Layout:
    """The layout of values by place."""
    return {place: _spec(value) for place, value in values.items()}


def _spec(value: Any) -> dict[str, Any]:
    if isinstance(value, pd.Categorical):
        return {"kind": "category", "ordered": bool(value.ordered)}
    if isinstance(value, pd.DataFrame):
        return {"kind": "table", "columns": [str(name) for name in value], "dtypes": [str(t) for t in value.dtypes]}
    if sparse.issparse(value):
        return {"kind": "sparse", "dtype": str(value.dtype), "width": int(value.shape[1])}
    if value.dtype.kind in "OUT":
        return {"kind": "text"}
    return {"kind": "array", "dtype": str(value.dtype), "tail": list(value.shape[1:])}


def arrays_of(place: str, spec: Mapping[str, Any]) -> list[Array]:
    """Arrays that hold a place until it is finished; none for a sparse matrix, whose rows have no fixed size."""
    path = place.replace(":", "/", 1)
    kind = spec["kind"]
    if kind == "array":
        return [Array(path, spec["dtype"], tuple(spec["tail"]))]
    if kind == "category":
        return [Array(path, "int32", ())]
    if kind == "text":
        return [Array(path, "str", ())]
    if kind == "table":
        pairs = zip(spec["columns"], spec["dtypes"], strict=True)
        return [Array(f"{path}/{name}", dtype, ()) for name, dtype in pairs]
    return []


def create(folder: Path, layout: Layout, n_obs: int, block_size: int, zarr_format: int) -> None:
    """Make all arrays, without values."""
    for place, spec in layout.items():
        for array in arrays_of(place, spec):
            create_array(folder, array, n_obs, block_size, zarr_format)


def create_array(folder: Path, array: Array, n_obs: int, block_size: int, zarr_format: int) -> None:
    """Make an array, without values."""
    import zarr

    text = array.dtype == "str"
    made = zarr.create_array(
        str(folder / array.path),
        shape=(n_obs, *array.tail),
        chunks=(min(block_size, n_obs), *array.tail),
        dtype=str if text else np.dtype(array.dtype),
        compressors="auto" if text else _compressor(zarr_format),
        zarr_format=zarr_format,  # type: ignore[arg-type]  # 2 or 3
        overwrite=True,
    )
    kind = "string-array" if text else "array"
    made.attrs.update({"encoding-type": kind, "encoding-version": "0.2.0"})


def _compressor(zarr_format: int) -> Any:
    """LZ4 of shuffled bytes: ranks take as little room as by what zarr does itself, in a twentieth of the time."""
    if zarr_format == 2:
        from numcodecs import Blosc

        return Blosc("lz4", 5, Blosc.SHUFFLE)
    from zarr.codecs import BloscCodec

    return BloscCodec(cname="lz4", clevel=5, shuffle="shuffle")


def write(
    folder: Path, layout: Layout, number: int, start: int, found: Collected
) -> tuple[dict[str, int], dict[str, Any]]:
    """Write a block, so that it is on the disk.

    Parameters
    ----------
    folder
        Of the step: ``arrays`` are chunk by chunk, ``parts`` has a file a block of what has no fixed size.
    layout
        What each place holds.
    number, start
        Of the block, and its first cell.
    found
        Its results.

    Returns
    -------
    Checksum of each file that was written, by its path in `folder`, and the categories of each place that has some.
    """
    sums: dict[str, int] = {}
    named: dict[str, Any] = {}
    loose = {f"{i}/{name}": array for i, piece in enumerate(found.arrays) for name, array in piece.items()}
    for place, spec in layout.items():
        value = found.values[place]
        columns = [value]
        if spec["kind"] == "category":
            named[place] = [str(name) for name in value.categories]
            columns = [np.asarray(value.codes, dtype=np.int32)]
        elif spec["kind"] == "table":
            columns = [value[name].to_numpy() for name in spec["columns"]]
        elif spec["kind"] == "sparse":
            loose |= {f"{place}/{name}": getattr(value, name) for name in ("data", "indices", "indptr")}
            continue
        for array, column in zip(arrays_of(place, spec), columns, strict=True):
            file = _write_chunk(folder / "arrays" / array.path, start, column)
            sums[str(file.relative_to(folder))] = checksum(file)
    if loose:
        file = folder / "parts" / f"{number}.npz"
        _write_part(file, loose)
        sums[str(file.relative_to(folder))] = checksum(file)
    return sums, named


def _write_part(file: Path, arrays: Mapping[str, np.ndarray]) -> None:
    new = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        with new.open("wb") as opened:
            np.savez(opened, **arrays)  # type: ignore[arg-type]  # names of arrays, none of which is allow_pickle
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def pieces(file: Path) -> Iterator[dict[str, np.ndarray]]:
    """Arrays of each piece of a block."""
    with np.load(file, allow_pickle=False) as found:
        numbers = sorted({int(name.partition("/")[0]) for name in found.files})
        for number in numbers:
            prefix = f"{number}/"
            yield {name.removeprefix(prefix): found[name] for name in found.files if name.startswith(prefix)}


def _write_chunk(path: Path, start: int, values: np.ndarray) -> Path:
    array = _to_write(path)
    array[start : start + len(values)] = values.astype(str) if values.dtype.kind == "O" else values
    number = start // array.chunks[0]
    file: Path = path / array.metadata.encode_chunk_key((number, *(0 for _ in array.shape[1:])))
    sync(file)
    return file


def _to_write(path: Path) -> Any:
    """An array whose chunks of zeros are written as any other: a file that is missing is one that was lost.

    By what zarr itself writes with, whatever it is set to: ``zarrs`` leaves them out.
    """
    import zarr

    with _SETTING, zarr.config.set({"codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline"}):
        return zarr.open_array(str(path), mode="r+").with_config({"write_empty_chunks": True})


_SETTING = threading.Lock()
"""What zarr is set to is the same for all threads."""


def checksum(file: Path) -> int:
    """CRC of a file; -1 where there is none."""
    try:
        return zlib.crc32(file.read_bytes())
    except FileNotFoundError:
        return -1


def is_whole(folder: Path, out: Path, sums: Mapping[str, int]) -> bool:
    """Whether all files of a block are as they were written, beside the store or already in it."""
    return all(checksum(_place_of(folder, out, name)) == value for name, value in sums.items())


def _place_of(folder: Path, out: Path, name: str) -> Path:
    where, *parts = Path(name).parts
    if where == "arrays" and not folder.joinpath(where, *parts[:2]).exists():
        return out.joinpath(*parts)
    return folder / name


def move_back(folder: Path, out: Path, layout: Layout) -> None:
    """Copy arrays that are in the store to where their chunks are written."""
    for place, spec in layout.items():
        slot, _, name = place.partition(":")
        there = folder / "arrays" / slot / name
        if spec["kind"] in ("array", "text", "table") and not there.exists() and (out / slot / name).exists():
            new = there.with_name(f"{name}.new")
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(out / slot / name, new)
            new.rename(there)


def sums_of_folders(folders: Iterable[Path], out: Path) -> dict[str, int]:
    """Checksums of all files in folders, by their path in `out`."""
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(out)): checksum(file) for file in files}


def sync(file: Path) -> None:
    """See to it that a file is on the disk."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def leftovers(folder: Path) -> Iterator[Path]:
    """Files that killed processes left half written."""
    yield from folder.rglob("*.partial")
