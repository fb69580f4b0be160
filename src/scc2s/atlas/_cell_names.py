"""Names of the cells of a source: read, told from those of others, and written to the store of the results."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.stored_rows import table_rows
from scc2s.atlas import _store
from scc2s.atlas._staged import Array, create_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scc2s.atlas._source import Source

_STEP = 100_000
_RUNS, _RUN = 8, 64
"""Names that tell one set of cells from another: so many runs of so many."""


def names_of(source: Source, number: int, start: int, stop: int, index_unique: str | None) -> pd.Index:
    """Names of some cells of a file."""
    names = table_rows(source.root(number)["obs"], start, stop, []).index.astype(str)
    found: pd.Index = named(source, number, index_unique)(names).astype(object)
    return found


def named(source: Source, number: int, index_unique: str | None) -> Callable[[Any], Any]:
    """What makes of the names in a file those in the results."""
    if index_unique is None or len(source.paths) == 1:
        return lambda names: names
    return lambda names: names + f"{index_unique}{Path(source.paths[number]).stem}"


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


def write_names(
    source: Source, table: Path, name: str, index_unique: str | None, over: Callable[..., Iterable[np.ndarray]]
) -> None:
    """Write the names of all cells as a column of a table.

    Parameters
    ----------
    source
        The files.
    table
        Folder of the table, in a Zarr store of format 3.
    name
        Of the column.
    index_unique
        What stands between the name of a cell and that of its file; ``None``: names as they are.
    over
        ``map``, or what does the same in other processes. No two calls write to one chunk.

    Raises
    ------
    ValueError
        If several cells have one name.
    """
    create_array(table, Array(name, "str", ()), source.n_obs, _store.ROWS, 3)
    pieces = _pieces(source)
    hashes = np.concatenate(list(over(partial(_write_piece, source, table / name, index_unique), pieces)))
    _refuse_twins(source, pieces, hashes, index_unique)


def _write_piece(source: Source, path: Path, index_unique: str | None, rows: tuple[int, int]) -> np.ndarray:
    """Write the names of some cells; their hashes, which take less room and are compared in less time."""
    import zarr

    names = _names(source, rows, index_unique)
    array: Any = zarr.open_array(str(path), mode="r+")
    array[slice(*rows)] = names
    return pd.util.hash_array(names, categorize=False)


def _names(source: Source, rows: tuple[int, int], index_unique: str | None) -> np.ndarray:
    parts = [names_of(source, number, low, high, index_unique) for number, low, high in source.parts(*rows)]
    return np.concatenate(parts)


def _pieces(source: Source) -> list[tuple[int, int]]:
    """Cells whose names are written together: whole chunks of what is written, two or more of what is read."""
    most = max(_chunk(source, number) for number in range(len(source.paths)))
    size = -(-max(_STEP, 2 * most) // _store.ROWS) * _store.ROWS
    return [(start, min(start + size, source.n_obs)) for start in range(0, source.n_obs, size)]


def _chunk(source: Source, number: int) -> int:
    """Names of a file that are decoded together."""
    obs = source.root(number)["obs"]
    names = obs[str(obs.attrs["_index"])]
    return int((getattr(names, "chunks", None) or (_STEP,))[0])


def _refuse_twins(
    source: Source, pieces: Sequence[tuple[int, int]], hashes: np.ndarray, index_unique: str | None
) -> None:
    ordered = np.sort(hashes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    alike = np.flatnonzero(np.isin(hashes, twice)) if len(twice) else np.empty(0, dtype=np.int64)
    found = [_names(source, rows, index_unique)[some - rows[0]] for rows in pieces if len(some := _within(alike, rows))]
    index = pd.Index(np.concatenate(found) if found else [], dtype=object)
    if index.has_duplicates:
        name = index[index.duplicated()][0]
        several = "pass index_unique='-', which adds the name of its file to that of each cell"
        alone = "call adata.obs_names_make_unique() and write the file again"
        msg = (
            f"several cells are called {name!r}, and what is drawn for a cell is drawn by its name; "
            f"{several if len(source.paths) > 1 and index_unique is None else alone}"
        )
        raise ValueError(msg)


def _within(numbers: np.ndarray, rows: tuple[int, int]) -> np.ndarray:
    return numbers[(numbers >= rows[0]) & (numbers < rows[1])]


def _hashed(names: list[str]) -> str:
    return hashlib.blake2b("\0".join(names).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
