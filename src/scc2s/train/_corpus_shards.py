"""Shards: Arrow files of cells, each written in one step and read block by block."""

from __future__ import annotations

import errno
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from scipy import sparse

from scc2s._io import replacing
from scc2s.sentences._blocks import csr_rows, refuse_damaged

from ._corpus_rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

BLOCK = 2048
"""Most cells of a block, which holds cells of one part and is read as a whole."""
_SMALL = 2**16
_OF_CELLS = ("part", "study", "cell", "pair", "role")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Block:
    """Cells of one part, as they are in a shard."""

    X: sparse.csr_matrix
    part: str
    study: np.ndarray
    cell: np.ndarray
    pair: np.ndarray
    role: np.ndarray
    fields: dict[str, np.ndarray]

    def rows(self, at: np.ndarray) -> Rows:
        """Some of them; :class:`Rows` have one study, which is not read again."""
        return Rows(
            self.X[at], at, self.cell[at], "", np.full(len(at), self.part, dtype=object),
            {name: values[at] for name, values in self.fields.items()}, self.pair[at], self.role[at],
        )  # fmt: skip


class Supply:
    """Rows in the order that they come, to be taken in pieces of any size."""

    def __init__(self, rows: Iterable[Rows]) -> None:
        self._coming = iter(rows)
        self._here: Rows | None = None
        self._wide = np.empty(0, dtype=bool)

    def next_is_wide(self) -> bool | None:
        """Whether the next row needs wide numbers; ``None`` after the last row."""
        while self._here is None or not len(self._here.row):
            if (rows := next(self._coming, None)) is None:
                return None
            self._here, self._wide = rows, _wide_rows(rows.X)
        return bool(self._wide[0])

    def take(self, most: int, *, wide: bool) -> Rows | None:
        """The next rows, at most so many; none where the next one is wide and may not be."""
        found = self.next_is_wide()
        here = self._here
        if found is None or here is None or (found and not wide):
            return None
        n = min(most, len(here.row))
        if not wide and self._wide[:n].any():
            n = int(np.argmax(self._wide))
        taken = _between(here, 0, n)
        self._here, self._wide = _between(here, n, len(here.row)), self._wide[n:]
        return taken


def write_shards(
    supply: Supply, folder: Path, fields: Sequence[str], *, size: int, n_finished: int
) -> Iterator[tuple[str, int, int]]:
    """Write all rows. What a shard holds depends on the order of the rows, not on the batches that they come in.

    Genes beyond the first 65,536 and values other than whole numbers up to 65,535 need wide numbers: the first such row
    begins a shard of its own form.

    Yields
    ------
    Name of each shard when it is whole, its cells, and the number of the first row after its last.
    """
    while (wide := supply.next_is_wide()) is not None:
        name = shard_name(n_finished)
        with naming_full_disks(folder), replacing(folder / name) as new, ShardFile(new, fields, wide=wide) as file:
            while file.n_cells < size and (rows := supply.take(size - file.n_cells, wide=wide)) is not None:
                file.add(rows)
        n_finished += 1
        yield name, file.n_cells, file.next_row


class ShardFile:
    """A shard that is being written: cells of each part wait until they fill a block."""

    def __init__(self, path: Path, fields: Sequence[str], *, wide: bool) -> None:
        self.n_cells = self.next_row = 0
        self._fields = tuple(fields)
        self._schema = schema(fields, wide=wide)
        self._waiting: dict[str, list[Rows]] = {}
        self._sink = pa.OSFile(str(path), "wb")
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._file = pa.ipc.new_file(self._sink, self._schema, options=options)

    def __enter__(self) -> ShardFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for part in sorted(self._waiting):
                    self._write(part, sum(len(some.row) for some in self._waiting[part]))
                self._file.close()
        finally:
            self._sink.close()

    def add(self, rows: Rows) -> None:
        """Put rows in, in order."""
        self.n_cells += len(rows.row)
        self.next_row = int(rows.row[-1]) + 1
        parts = rows.part.astype(str)
        for part in np.unique(parts).tolist():
            at = np.flatnonzero(parts == part)
            waiting = self._waiting.setdefault(part, [])
            waiting.append(rows if len(at) == len(parts) else _at(rows, at))
            n = sum(len(some.row) for some in waiting)
            if n >= BLOCK:
                self._write(part, n - n % BLOCK)

    def _write(self, part: str, n: int) -> None:
        """Write the first `n` cells that wait, in blocks."""
        pieces: list[Rows] = []
        waiting, left = self._waiting[part], n
        while left:
            some = waiting.pop(0)
            if len(some.row) > left:
                waiting.insert(0, _between(some, left, len(some.row)))
                some = _between(some, 0, left)
            pieces.append(some)
            left -= len(some.row)
        if not pieces:
            return
        ends = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(some.X.indptr) for some in pieces]))])
        columns: dict[str, np.ndarray] = {
            "part": np.full(n, part, dtype=object),
            "study": np.repeat(np.array([some.study for some in pieces], dtype=object), [len(s.row) for s in pieces]),
            "cell": np.concatenate([some.cell for some in pieces]),
            "pair": np.concatenate([some.pair for some in pieces]),
            "role": np.concatenate([some.role for some in pieces]),
        }
        columns |= {column_of(f): np.concatenate([some.fields[f] for some in pieces]) for f in self._fields}
        lists = {"genes": [some.X.indices for some in pieces], "values": [some.X.data for some in pieces]}
        flat = {
            name: np.concatenate(arrays).astype(self._schema.field(name).type.value_type.to_pandas_dtype())
            for name, arrays in lists.items()
        }
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
            offsets = pa.array((ends[start : stop + 1] - ends[start]).astype(np.int32))
            arrays = [pa.array(values[start:stop], self._schema.field(name).type) for name, values in columns.items()]
            arrays += [
                pa.ListArray.from_arrays(offsets, pa.array(values[ends[start] : ends[stop]]))
                for values in flat.values()
            ]
            self._file.write_batch(pa.record_batch(arrays, schema=self._schema))


class ShardReader:
    """Blocks of a shard.

    Parameters
    ----------
    path
        File.
    n_genes
        Words of the corpus; columns of the matrices.
    only_text
        Leave genes and values out.
    """

    def __init__(self, path: Path, n_genes: int, *, only_text: bool = False) -> None:
        self._path, self._n_genes = path, n_genes
        try:
            self._sink = pa.OSFile(str(path))
            names = pa.ipc.open_file(self._sink).schema.names
            read = list(range(len(names) - 2)) if only_text else None
            self._file = pa.ipc.open_file(self._sink, options=pa.ipc.IpcReadOptions(included_fields=read))
        except (OSError, pa.ArrowException) as error:
            raise broken(path, error) from error
        self._only_text = only_text

    def __len__(self) -> int:
        return int(self._file.num_record_batches)

    def __getitem__(self, number: int) -> Block:
        try:
            batch = self._file.get_batch(number)
            batch.validate(full=True)
            column = {name: batch.column(name) for name in batch.schema.names}
            texts = {name: column[name].to_numpy(zero_copy_only=False) for name in column if name not in _LISTS}
            X = sparse.csr_matrix((batch.num_rows, self._n_genes), dtype=np.float32)
            if not self._only_text:
                X = _matrix(column["genes"], column["values"], self._n_genes)
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise broken(self._path, error) from error
        fields = {name.removeprefix(_FIELD): values for name, values in texts.items() if name.startswith(_FIELD)}
        study, cell, pair = (texts[name].astype(object) for name in ("study", "cell", "pair"))
        return Block(X, str(texts["part"][0]), study, cell, pair, texts["role"], fields)


_FIELD = "field_"
_LISTS = ("genes", "values")


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"cells-{number:05d}.arrow"


def crc_of(path: Path) -> int:
    """CRC-32 of a file."""
    found = 0
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            found = zlib.crc32(part, found)
    return found


def column_of(field: str) -> str:
    """Name of the column of a text."""
    return _FIELD + field


def schema(fields: Sequence[str], *, wide: bool) -> pa.Schema:
    """Columns of a shard."""
    genes, values = (pa.int32(), pa.float32()) if wide else (pa.uint16(), pa.uint16())
    types = {name: pa.int8() if name == "role" else pa.string() for name in _OF_CELLS}
    types |= {column_of(name): pa.string() for name in fields}
    return pa.schema({**types, "genes": pa.list_(genes), "values": pa.list_(values)})


def broken(path: Path, error: BaseException | str) -> OSError:
    """What is wrong with a file of a corpus, and the mend."""
    text = " ".join(str(error).split())[:200]
    msg = f"{path} is not there or damaged ({text}); remove it and call train.corpus again, which then makes it anew"
    return OSError(msg)


@contextmanager
def naming_full_disks(folder: Path) -> Iterator[None]:
    """Say what a full disk means for a corpus: what is finished stays."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        msg = f"there is no room for the corpus in {folder}; make some, and call train.corpus again to go on"
        raise OSError(error.errno, msg) from error


def _matrix(genes: Any, values: Any, n_genes: int) -> sparse.csr_matrix:
    indptr = genes.offsets.to_numpy()
    flat = genes.values.to_numpy()[: indptr[-1]].astype(np.int32), values.values.to_numpy().astype(np.float32)
    X = sparse.csr_matrix((len(genes), n_genes), dtype=np.float32)
    X.indices, X.data, X.indptr = flat[0], flat[1], indptr.astype(np.int32)
    refuse_damaged(X)
    return X


def _wide_rows(X: sparse.csr_matrix) -> np.ndarray:
    """Rows with numbers that do not fit 16 bits."""
    wide = np.zeros(X.shape[0], dtype=bool)
    largest = X.data.max(initial=0)
    fits = largest < _SMALL and X.shape[1] <= _SMALL and bool((X.data == np.rint(X.data)).all())
    if not fits:
        beyond = (X.data >= _SMALL) | (X.data != np.rint(X.data)) | (X.indices >= _SMALL)
        wide[np.repeat(np.arange(len(wide)), np.diff(X.indptr))[beyond]] = True
    return wide


def _between(rows: Rows, start: int, stop: int) -> Rows:
    """Consecutive rows, without a copy."""
    if (start, stop) == (0, len(rows.row)):
        return rows
    here = slice(start, stop)
    fields = {name: values[here] for name, values in rows.fields.items()}
    return Rows(
        csr_rows(rows.X, start, stop), rows.row[here], rows.cell[here], rows.study, rows.part[here], fields,
        rows.pair[here], rows.role[here],
    )  # fmt: skip


def _at(rows: Rows, at: np.ndarray) -> Rows:
    """Some rows."""
    fields = {name: values[at] for name, values in rows.fields.items()}
    return Rows(
        rows.X[at], rows.row[at], rows.cell[at], rows.study, rows.part[at], fields, rows.pair[at], rows.role[at]
    )
