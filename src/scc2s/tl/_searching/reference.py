"""An embedding of cells on disk, in which others are looked for."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.stored import root_of
from scc2s._cells.stored_rows import column_rows, matrix_rows, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

AT_ONCE = 65_536
"""Cells in memory."""
_SHOWN = 5


class Reference:
    """Cells of a Zarr store or an ``.h5ad`` file, by their embedding; nothing is read before it is asked for.

    Parameters
    ----------
    path
        Where they are.
    use_rep
        Key of ``.obsm``.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is nothing, or it is no AnnData.
    KeyError
        If it has no such embedding.
    """

    def __init__(self, path: str | Path, use_rep: str) -> None:
        self.path = Path(path).resolve()
        self.use_rep = use_rep
        self._root = root_of(self.path)
        there = list(self._root["obsm"]) if "obsm" in self._root else []
        if use_rep not in there:
            msg = (
                f"{path} has no embedding {use_rep!r} (obsm has {there[:_SHOWN]}); call scc2s.atlas.embed({str(path)!r}"
                f"{'' if use_rep == 'X_c2s' else f', key_added={use_rep!r}'}) first, or pass use_rep= another"
            )
            raise KeyError(msg)
        self._rows = self._root["obsm"][use_rep]
        shape: Any = getattr(self._rows, "shape", ())
        if len(shape) != 2 or self._rows.dtype.kind not in "fiu":
            msg = f"obsm[{use_rep!r}] of {path} is no array of numbers, cells x dimensions; pass use_rep= an embedding"
            raise ValueError(msg)
        self.n_obs, self.width = int(shape[0]), int(shape[1])
        self.state = self._files()

    @cached_property
    def record(self) -> dict[str, Any]:
        """How the embedding came about; empty where nothing is said."""
        from anndata.io import read_elem

        place = f"uns/c2s/{record_of(self.use_rep)}"
        return dict(read_elem(self._root[place])) if place in self._root else {}

    def option(self) -> str:
        """How the embedding is named in a call, behind other arguments."""
        return "" if self.use_rep == "X_c2s" else f", use_rep={self.use_rep!r}"

    def blocks(self, border: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """All vectors, float32, some at a time: number of the first cell, and an array.

        Cells before and after a multiple of `border` do not come together.
        """
        chunks = getattr(self._rows, "chunks", None)
        step = max(1, AT_ONCE // chunks[0]) * chunks[0] if chunks else AT_ONCE
        for start in range(0, self.n_obs, step):
            block = self._read(start, min(start + step, self.n_obs))
            first = border - start % border if border is not None else len(block)
            for low in (0, *range(first, len(block), border or 1)):
                high = first if low == 0 else low + (border or 0)
                yield start + low, block[low:high]

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """Vectors of some cells, float32, in their order."""
        found = np.empty((len(rows), self.width), dtype=np.float32)
        chunks = getattr(self._rows, "chunks", None)
        size = int(chunks[0]) if chunks else 1
        for number in np.unique(rows // size).tolist():
            mine = rows // size == number
            first, last = int(rows[mine].min()), int(rows[mine].max())
            found[mine] = self._read(first, last + 1)[rows[mine] - first]
        return found

    def _read(self, start: int, stop: int) -> np.ndarray:
        return np.asarray(matrix_rows(self._rows, start, stop), dtype=np.float32)

    def all_names(self) -> Iterator[np.ndarray]:
        """Names of all cells, some at a time."""
        column = self._index
        # names may be one large chunk, which is read as a whole each time
        chunks = getattr(column if hasattr(column, "shape") else column["values"], "chunks", None)
        step = max(AT_ONCE, int(chunks[0])) if chunks else AT_ONCE
        for start in range(0, self.n_obs, step):
            names = column_rows(column, start, min(start + step, self.n_obs))
            yield np.array([str(name) for name in names], dtype=object)

    def names(self, rows: np.ndarray) -> np.ndarray:
        """Names of some cells."""
        return np.array([str(column_rows(self._index, row, row + 1)[0]) for row in rows.tolist()], dtype=object)

    @property
    def _index(self) -> Any:
        return self._root["obs"][str(self._root["obs"].attrs["_index"])]

    def table(self, rows: np.ndarray, keys: Sequence[str]) -> dict[str, Any]:
        """Columns of obs, of some cells."""
        if not keys:
            return {}
        obs = root_of(self.path)["obs"]  # columns may have come since
        there = [str(name) for name in obs.attrs["column-order"]]
        if lost := [key for key in keys if key not in there]:
            msg = f"{self.path} has no column {lost[0]!r} of obs; pass keys= some of {there}"
            raise KeyError(msg)
        if not len(rows):
            return {key: np.empty(0, dtype=object) for key in keys}
        parts = [table_rows(obs, row, row + 1, list(keys)) for row in rows.tolist()]
        return {key: shown([part[key].iloc[0] for part in parts]) for key in keys}

    def rows_of(self, names: Sequence[str]) -> np.ndarray:
        """The first cell of each name, -1 where there is none; all names are read."""
        wanted = pd.Index(names)
        found, start = np.full(len(names), -1, dtype=np.int64), 0
        for some in self.all_names():
            at = pd.Series(np.arange(start, start + len(some)), index=some)
            at = at[at.index.isin(wanted)].groupby(level=0).first()
            new = at.reindex(wanted).to_numpy()
            fresh = (found < 0) & np.isfinite(new)
            found[fresh] = new[fresh].astype(np.int64)
            start += len(some)
        return found

    @classmethod
    def at(cls, path: str | Path, use_rep: str) -> Reference:
        """The same, opened before where its files are as they were then."""
        key = (str(Path(path).resolve()), use_rep)
        kept = _KEPT.pop(key, None)
        with suppress(OSError):
            if kept is not None and kept._files() == kept.state:
                _KEPT[key] = kept
                return kept
        found = cls(path, use_rep)
        if found.path.is_dir():  # an .h5ad that stays open could not be written to
            _KEPT[key] = found
        return found

    def _files(self) -> str:
        """A mark of the files that the embedding and the names are in: their sizes and times."""
        if self.path.is_file():
            seen = self.path.stat()
            said = [f"{seen.st_size} {seen.st_mtime_ns}"]
        else:
            index = str(self._root["obs"].attrs["_index"])
            said = sorted(
                line for place in (f"obsm/{self.use_rep}", f"obs/{index}") for line in _files(self.path, place)
            )
        return hashlib.blake2b("\n".join(said).encode(), digest_size=16).hexdigest()

    def content(self) -> str:
        """A mark of the values and the names themselves."""
        mark = ContentMark()
        for _, block in self.blocks():
            mark.add(block)
        for names in self.all_names():
            mark.with_names(names)
        return f"{mark.values()}-{mark.names()}"


def shown(values: Sequence[Any]) -> np.ndarray | pd.Categorical:
    """A column of a table that a file can hold, also where values are missing: numbers, or categories."""
    series = pd.Series(list(values))
    if series.dtype.kind in "biuf":
        return series.to_numpy()
    return pd.Categorical(series.astype(object))


_KEPT: dict[tuple[str, str], Reference] = {}


def _files(folder: Path, place: str) -> Iterator[str]:
    """Size and time of each file, by the quickest way: there may be one for each thousand cells."""
    with os.scandir(folder / place) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(folder, f"{place}/{entry.name}")
            else:
                seen = entry.stat()
                yield f"{place}/{entry.name} {seen.st_size} {seen.st_mtime_ns}"


class ContentMark:
    """Hash of an embedding and of the names of its cells."""

    def __init__(self) -> None:
        self._values, self._names = (hashlib.blake2b(digest_size=16) for _ in range(2))

    def add(self, block: np.ndarray) -> None:
        """More vectors."""
        self._values.update(np.asarray(block, dtype=np.float32).tobytes())

    def with_names(self, names: np.ndarray) -> np.ndarray:
        """More names, which are given back."""
        self._names.update("\0".join([*names, ""]).encode("utf-8", "surrogatepass"))
        return names

    def values(self) -> str:
        """The mark of the vectors."""
        return self._values.hexdigest()

    def names(self) -> str:
        """The mark of the names."""
        return self._names.hexdigest()


def record_of(use_rep: str) -> str:
    """Name of the record of an embedding."""
    return "embed" if use_rep == "X_c2s" else f"embed_{use_rep}"


def said_of(record: Mapping[str, Any]) -> dict[str, str]:
    """What a record says that makes two embeddings comparable: model and weights, prompt, and what is taken of it."""
    model, params = record.get("model", {}), record.get("params", {})
    found = {f"model.{name}": model[name] for name in ("id", "weights_hash") if name in model}
    found |= {name: params[name] for name in ("prompt", "pooling", "layer", "scope") if name in params}
    return {name: str(value) for name, value in found.items()}


def unlike(one: Mapping[str, str], other: Mapping[str, str], said: str) -> list[str]:
    """What two embeddings differ in, as far as both say so; the name of a model only where weights are not told.

    Examples
    --------
    >>> unlike({"pooling": "mean", "layer": "-1"}, {"pooling": "last", "layer": "-1"}, "{} was {!r}, and is {!r}")
    ["pooling was 'mean', and is 'last'"]
    """
    both = [name for name in one if name in other and not (name == "model.id" and "model.weights_hash" in one)]
    return [said.format(name, one[name], other[name]) for name in both if one[name] != other[name]]
