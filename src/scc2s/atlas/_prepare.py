"""The store that results are written to: made from the names, columns and genes of the files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.stored_rows import column_rows, table_rows, united
from scc2s._io import check_writable, replacing_folder
from scc2s.atlas._finish import consolidate, quiet
from scc2s.atlas._source import Source, len_of
from scc2s.atlas._store import kind_of, opened, write_element

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_STEP = 100_000
_RUNS, _RUN = 8, 64
"""Names that tell one set of cells from another: so many runs of so many."""


def target_of(source: Source, store: str | Path, out: str | Path | None, index_unique: str | None = None) -> Path:
    """Path of the store for the results, of which nothing is written yet.

    Parameters
    ----------
    source
        The files.
    store, out
        What the user named: where the cells are, and where results go (``None``: into the same store).
    index_unique
        What stands between the name of a cell and that of its file; ``None``: names as they are.

    Raises
    ------
    ValueError
        If results cannot go there, or files differ in their genes.
    FileNotFoundError, PermissionError
        If it cannot be written.
    """
    source.refuse_unlike()
    if out is None or Path(out).resolve() == Path(store).resolve():
        if kind_of(store) != "zarr":
            msg = f"results cannot be written into {store} (they go into a Zarr store); pass out='results.zarr'"
            raise ValueError(msg)
        check_writable(store, folder=True)
        return Path(store).resolve()
    where = Path(out)
    if where.suffix != ".zarr":
        msg = f"out={str(out)!r} is to be a Zarr store; pass a path that ends in .zarr"
        raise ValueError(msg)
    check_writable(where, folder=True)
    if _is_there(where):
        _refuse_other_cells(source, where, index_unique)
    return where.resolve()


def prepare(source: Source, target: Path, index_unique: str | None = None) -> None:
    """Write the store for the results, if it is not there.

    Raises
    ------
    ValueError
        If several cells have one name, or columns of files cannot be put together.
    """
    if not _is_there(target):
        with replacing_folder(target) as new:
            _write(source, new, index_unique)


def _is_there(where: Path) -> bool:
    return where.exists() and any(where.iterdir())


def names_of(source: Source, number: int, start: int, stop: int, index_unique: str | None) -> pd.Index:
    """Names of some cells of a file."""
    names = table_rows(source.root(number)["obs"], start, stop, []).index.astype(str)
    if index_unique is not None and len(source.paths) > 1:
        names = names + f"{index_unique}{Path(source.paths[number]).stem}"
    return names.astype(object)


def shown(source: Source) -> list[tuple[int, list[tuple[int, int]]]]:
    """Which names tell these cells from others: number of a file, and runs of rows in one chunk of it."""
    chunks: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for first in np.unique(np.linspace(0, max(0, source.n_obs - _RUN), _RUNS).astype(int)).tolist():
        for number, start, stop in source.parts(first, min(first + _RUN, source.n_obs)):
            size = _chunk(source, number)
            for low in range(start // size * size, stop, size):
                chunks.setdefault((number, low), []).append((max(start, low), min(stop, low + size)))
    return [(number, runs) for (number, _), runs in chunks.items()]


def some_names(source: Source, some: tuple[int, list[tuple[int, int]]]) -> list[str]:
    """Names of such runs, decoded once."""
    number, runs = some
    first = runs[0][0]
    names = names_of(source, number, first, runs[-1][1], None)
    return [name for start, stop in runs for name in names[start - first : stop - first]]


def mark_of(source: Source, names: Iterable[list[str]]) -> dict[str, Any]:
    """What tells the cells of these files from others: their number, genes, and some of their names."""
    genes = list(map(str, source.var().index))
    cells = [*(name for some in names for name in some), ""]
    return {"n_obs": source.n_obs, "n_vars": len(genes), "cells": _hashed(cells), "genes": _hashed(genes)}


def _hashed(names: list[str]) -> str:
    return hashlib.blake2b("\0".join(names).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _refuse_other_cells(source: Source, where: Path, index_unique: str | None) -> None:
    obs = opened(where)["obs"]
    n = len_of(obs)
    first = names_of(source, 0, 0, 1, index_unique)[0]
    if n != source.n_obs or table_rows(obs, 0, 1, []).index[0] != first:
        msg = (
            f"{where} is there, and holds other cells ({n}, where there are {source.n_obs}; or of other names); pass "
            "another out=, or remove it"
        )
        raise ValueError(msg)


@quiet()
def _write(source: Source, path: Path, index_unique: str | None) -> None:
    """An AnnData without a matrix."""
    import zarr
    from anndata import AnnData, settings

    index = np.concatenate([names.to_numpy() for names in _all_names(source, index_unique)])
    _refuse_twins(index, source, index_unique)
    uns = {name: value for name in ("organism", "log1p", "c2s") if (value := _same(source, name)) is not None}
    # no cells yet: anndata itself writes what every store has
    with settings.override(zarr_write_format=3):
        AnnData(obs=table_rows(source.root()["obs"], 0, 0, []), var=source.var()).write_zarr(path)
    root = zarr.open_group(str(path), mode="r+", use_consolidated=False)
    write_element(root, "uns", uns)
    obs = root["obs"]
    attrs = dict(obs.attrs)
    write_element(obs, str(attrs["_index"]), index)
    order = [str(name) for name in source.root()["obs"].attrs["column-order"]]
    for name in order:
        write_element(obs, name, _column(source, name))
    obs.attrs["column-order"] = order
    consolidate(str(path))


def _all_names(source: Source, index_unique: str | None) -> Iterator[pd.Index]:
    for number, length in enumerate(source.lengths):
        step = _at_once(source, number)
        for start in range(0, length, step):
            yield names_of(source, number, start, min(start + step, length), index_unique)


def _at_once(source: Source, number: int) -> int:
    """Names of a file that are read together: whole chunks, none of which is decoded twice."""
    chunk = _chunk(source, number)
    return max(chunk, _STEP // chunk * chunk)


def _chunk(source: Source, number: int) -> int:
    """Names of a file that are decoded together."""
    obs = source.root(number)["obs"]
    names = obs[str(obs.attrs["_index"])]
    return int((getattr(names, "chunks", None) or (_STEP,))[0])


def _refuse_twins(names: np.ndarray, source: Source, index_unique: str | None) -> None:
    hashes = np.sort(pd.util.hash_array(names, categorize=False))  # in half the time of comparing all names
    index = pd.Index(names)
    if (hashes[1:] == hashes[:-1]).any() and not index.is_unique:
        name = index[index.duplicated()][0]
        several = "pass index_unique='-', which adds the name of its file to that of each cell"
        alone = "call adata.obs_names_make_unique() and write the file again"
        msg = (
            f"several cells are called {name!r}, and what is drawn for a cell is drawn by its name; "
            f"{several if len(source.paths) > 1 and index_unique is None else alone}"
        )
        raise ValueError(msg)


def _column(source: Source, name: str) -> Any:
    """A column of obs of all files; categories are united."""
    parts = []
    for number, length in enumerate(source.lengths):
        obs = source.root(number)["obs"]
        if name not in obs:
            msg = (
                f"{source.paths[number]} has no column {name!r} of obs, and {source.paths[0]} has; write it with that "
                "column, or the other without"
            )
            raise ValueError(msg)
        parts.append(column_rows(obs[name], 0, length))
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, pd.Categorical) for part in parts):
        return united(parts)
    kinds = {_kind(part) for part in parts}
    if len(kinds) > 1:
        if kinds <= {"category", "text"}:
            return pd.Categorical(np.concatenate([np.asarray(part, dtype=object) for part in parts]))
        msg = f"the column {name!r} of obs is {' in one file and '.join(sorted(kinds))} in another; make them alike"
        raise ValueError(msg)
    return pd.concat([pd.Series(part) for part in parts], ignore_index=True).array if "nullable" in kinds else (
        np.concatenate(parts)
    )  # fmt: skip


def _kind(values: Any) -> str:
    if isinstance(values, pd.Categorical):
        return "category"
    if not isinstance(values, np.ndarray):
        return "nullable"
    return "text" if values.dtype.kind in "OUT" else "bool" if values.dtype.kind == "b" else "number"


def _same(source: Source, name: str) -> Any:
    """An entry of uns that all files agree on.

    Raises
    ------
    ValueError
        If they differ.
    """
    from anndata.io import read_elem

    found = []
    for number in range(len(source.paths)):
        root = source.root(number)
        there = "uns" in root and name in root["uns"]
        found.append(read_elem(root["uns"][name]) if there else None)
    if len(found) == 1:
        return found[0]
    if name == "c2s":  # results of files one by one say nothing of all
        return None
    if any(repr(one) != repr(found[0]) for one in found):
        msg = (
            f"files differ in uns[{name!r}] ({found[0]!r} in {source.paths[0]}); make it the same in all, or pass "
            "stores one by one"
        )
        raise ValueError(msg)
    return found[0]
