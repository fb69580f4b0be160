"""Names of very many cells on disk: which cell has a name, and which name a cell has, without reading the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def write_names(folder: Path, parts: Iterable[np.ndarray]) -> None:
    """Write the names of all cells, some at a time."""
    ends: list[np.ndarray] = []
    hashes: list[np.ndarray] = []
    at = 0
    with (folder / "names.bin").open("wb") as file:
        for names in parts:
            texts = [str(name).encode("utf-8", "surrogatepass") for name in names]
            ends.append(at + np.cumsum([len(text) for text in texts], dtype=np.int64))
            at = int(ends[-1][-1])
            file.write(b"".join(texts))
            hashes.append(hashed(names))
        file.write(b"\0")  # no file is empty
    every = np.concatenate(hashes)
    order = np.argsort(every, kind="stable")
    np.save(folder / "names_end.npy", np.concatenate(ends))
    np.save(folder / "names_hash.npy", every[order])
    np.save(folder / "names_row.npy", order)


class Names:
    """Names that :func:`write_names` has written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_names(folder, [np.array(["a", "b"], dtype=object), np.array(["c"], dtype=object)])
    >>> names = Names(folder)
    >>> names.of(np.array([2, 0])).tolist(), names.rows(["b", "d"]).tolist()
    (['c', 'a'], [1, -1])
    """

    def __init__(self, folder: Path) -> None:
        self._text = np.memmap(folder / "names.bin", dtype=np.uint8, mode="r")
        self._end, self._hash, self._row = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("names_end", "names_hash", "names_row")
        )

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Names of some cells."""
        found = np.empty(len(rows), dtype=object)
        for i, row in enumerate(rows.tolist()):
            start = int(self._end[row - 1]) if row else 0
            found[i] = self._text[start : int(self._end[row])].tobytes().decode("utf-8", "surrogatepass")
        return found

    def rows(self, names: Sequence[str]) -> np.ndarray:
        """The first cell of each name; -1 where there is none."""
        found = np.full(len(names), -1, dtype=np.int64)
        for i, (name, value) in enumerate(zip(names, hashed(names), strict=True)):
            at = int(np.searchsorted(self._hash, value))
            while at < len(self._hash) and self._hash[at] == value:
                row = int(self._row[at])
                if self.of(np.array([row]))[0] == name:
                    found[i] = row
                    break
                at += 1
        return found


def hashed(names: Sequence[str] | np.ndarray) -> np.ndarray:
    """A 64-bit number for each name."""
    return np.asarray(pd.util.hash_array(np.asarray(names, dtype=object), categorize=False))
