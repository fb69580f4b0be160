"""The matrices of one or several files as one, with one list of genes: read by rows, in any process."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from scc2s._cells.stored_rows import n_rows, rows_of, table_rows
from scc2s.atlas._store import kind_of, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

_SHOWN = 5


@dataclass(frozen=True)
class Source:
    """Files of cells, one after another. Pickled as their paths: a process reads their genes once."""

    paths: tuple[str, ...]
    lengths: tuple[int, ...]
    """Cells of each."""
    token: str = field(default_factory=partial(token_hex, 8), compare=False)
    """Of this look at the files: they may be others under the same names in the next run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _source, (self.paths, self.lengths, self.token)

    @classmethod
    def of(cls, store: str | Path) -> Source:
        """The files of a path: one, or all of a folder in the order of their names.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no file of cells, or one cannot be read.
        """
        where = Path(store)
        files = [where]
        if kind_of(where) == "folder":
            named = (file for file in sorted(where.iterdir()) if not file.name.startswith("."))
            files = [file for file in named if file.suffix.lower() in (".zarr", ".h5ad")]
            if not files:
                msg = f"{where} has no .zarr or .h5ad in it; pass the path of a store, or of a folder with some"
                raise ValueError(msg)
        lengths = [len_of(opened(file)["obs"]) for file in files]
        found = cls(tuple(str(file) for file in files), tuple(lengths))
        if not found.n_obs:
            msg = f"{where} has no cells; pass a store that has"
            raise ValueError(msg)
        return found

    @property
    def n_obs(self) -> int:
        """Cells of all files."""
        return sum(self.lengths)

    def parts(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """The rows as number of a file, and rows in it."""
        found, first = [], 0
        for number, length in enumerate(self.lengths):
            low, high = max(start, first), min(stop, first + length)
            if low < high:
                found.append((number, low - first, high - first))
            first += length
        return found

    def root(self, number: int = 0) -> Any:
        """The root of a file."""
        return opened(self.paths[number])

    @cached_property
    def has_raw(self) -> bool:
        """Whether there is a ``.raw``."""
        return "raw" in self.root() and "X" in self.root()["raw"]

    def var(self, raw: bool = False) -> pd.DataFrame:
        """Genes, as in the first file."""
        return self._vars[raw]

    @cached_property
    def _vars(self) -> dict[bool, pd.DataFrame]:
        return {raw: _var(self.root(), raw) for raw in ((False, True) if self.has_raw else (False,))}

    def refuse_unlike(self) -> None:
        """Refuse files that have other genes than the first.

        Raises
        ------
        ValueError
            With names of genes.
        """
        for raw in self._vars:
            for number in range(len(self.paths)):
                self._order(number, raw)

    def rows(self, start: int, stop: int, *, layer: str | None = None, raw: bool = False) -> Any:
        """Rows of ``.X``, a layer, or ``.raw``, with the genes in the order of the first file.

        Raises
        ------
        KeyError
            If there is no such matrix.
        ValueError
            If it cannot be read by rows.
        """
        found = []
        for number, low, high in self.parts(start, stop):
            key = (number, layer, raw)
            if key not in self._matrices:
                self._matrices[key] = rows_of(self._element(number, layer, raw))
            block = self._matrices[key](low, high)
            order = self._order(number, raw)
            found.append(block if order is None else block[:, order])
        if len(found) == 1:
            return found[0]
        if all(isinstance(block, np.ndarray) for block in found):
            return np.vstack(found)
        return sparse.vstack([sparse.csr_matrix(block) for block in found], format="csr")

    @cached_property
    def _matrices(self) -> dict[tuple[int, str | None, bool], Callable[[int, int], Any]]:
        """What reads each matrix of a file, opened once: looking up its parts takes as long as a tenth of a block."""
        return {}

    def _element(self, number: int, layer: str | None, raw: bool) -> Any:
        """A matrix of a file, on disk; refused where it is not there, or has not as many rows as there are cells."""
        root = self.root(number)
        group, name = (root.get("raw"), "X") if raw else (root, "X") if layer is None else (root.get("layers"), layer)
        if group is None or name not in group:
            what = "raw.X" if raw else "X" if layer is None else f"layers[{layer!r}]"
            there = [] if root.get("layers") is None else list(root["layers"])
            msg = f"{self.paths[number]} has no {what}; pass layer= one of {there}, or use_raw=False"
            raise KeyError(msg)
        element = group[name]
        if n_rows(element) != self.lengths[number]:
            msg = (
                f"{element.name} of {self.paths[number]} has {n_rows(element)} rows for {self.lengths[number]} cells; "
                "write the file again"
            )
            raise ValueError(msg)
        return element

    def _order(self, number: int, raw: bool) -> np.ndarray | None:
        """Columns of a file in the order of the first; ``None`` where that is their own."""
        key = (number, raw)
        if key not in self._orders:
            self._orders[key] = self._ordered(number, raw)
        return self._orders[key]

    @cached_property
    def _orders(self) -> dict[tuple[int, bool], np.ndarray | None]:
        return {}

    def _ordered(self, number: int, raw: bool) -> np.ndarray | None:
        if number == 0:
            return None
        wanted, theirs = self.var(raw).index, _var(self.root(number), raw).index
        if wanted.equals(theirs):
            return None
        where = ".raw.var" if raw else ".var"
        for index, path in ((wanted, self.paths[0]), (theirs, self.paths[number])):
            if index.has_duplicates:
                twice = index[index.duplicated()][0]
                msg = (
                    f"{path} has the gene {twice!r} twice in {where}, and files whose genes stand in different order "
                    "are put together by name; call adata.var_names_make_unique() and write it again"
                )
                raise ValueError(msg)
        lost, more = wanted.difference(theirs, sort=False), theirs.difference(wanted, sort=False)
        if len(lost) or len(more):
            said = [f"{len(some)} genes only in {path} ({', '.join(map(str, some[:_SHOWN]))}, ...)"
                    for some, path in ((lost, self.paths[0]), (more, self.paths[number])) if len(some)]  # fmt: skip
            msg = f"files differ in their genes: {'; '.join(said)}; keep those that all have: adata[:, shared].copy()"
            raise ValueError(msg)
        return np.asarray(theirs.get_indexer(wanted))


@lru_cache(4)
def _source(*parts: Any) -> Source:
    """The same object for each task of a run."""
    return Source(*parts)


def len_of(table: Any) -> int:
    """Rows of a table on disk."""
    return n_rows(table[str(table.attrs["_index"])])


def _var(root: Any, raw: bool) -> pd.DataFrame:
    group = root["raw"]["var"] if raw else root["var"]
    return table_rows(group, 0, len_of(group))
