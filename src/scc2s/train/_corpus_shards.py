"""Shards: Arrow files of cells, each written in one step and read block by block."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from scipy import sparse

from scc2s._io import replacing
from scc2s.sentences._blocks import refuse_damaged

from ._corpus_kernels import put_rows
from ._corpus_rows import Rows
from ._disk import NO_ROOM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

BLOCK = 2048
"""Most cells of a block, which holds cells of one part and is read as a whole."""
_LEVEL = -30
"""Of LZ4: numbers of genes are hardly compressible, so that looking for more takes twice the time for 6 % of room."""
_OF_CELLS = ("part", "study", "cell", "pair", "role")


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
        every = np.arange(len(self.cell))
        part, wide = np.full(len(every), self.part, dtype=object), np.ones(len(every), dtype=bool)
        whole = Rows(self.X, every[:0], every, wide, every, self.cell, "", part, self.fields, self.pair, self.role)
        return whole.some(at)


class Supply:
    """Rows in the order that they come, to be taken in pieces of any size."""

    def __init__(self, rows: Iterable[Rows]) -> None:
        self._coming = iter(rows)
        self._here: Rows | None = None

    def next_is_wide(self) -> bool | None:
        """Whether the next row needs wide numbers; ``None`` after the last row."""
        while self._here is None or not len(self._here.row):
            self._here = None  # makes room
            self._here = next(self._coming, None)
            if self._here is None:
                return None
        return bool(self._here.wide[0])

    def take(self, most: int, *, wide: bool) -> Rows | None:
        """The next rows, at most so many; none where the next one is wide and may not be."""
        found = self.next_is_wide()
        here = self._here
        if found is None or here is None or (found and not wide):
            return None
        n = min(most, len(here.row))
        if not wide and here.wide[:n].any():
            n = int(np.argmax(here.wide))
        self._here = here.some(slice(n, None))
        return here.some(slice(n))


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


@dataclass(frozen=True)
class Piece:
    """Consecutive cells of one part, with numbers as they will be in the shard."""

    columns: dict[str, np.ndarray]
    """A value a cell; ``row``, its number among all that have come, is not written."""
    ends: np.ndarray
    """Where the values of each cell end, after a 0."""
    lists: dict[str, np.ndarray]
    """Genes and values of all cells."""

    def __len__(self) -> int:
        return len(self.ends) - 1

    def cut(self, n: int) -> tuple[Piece, Piece]:
        """The first `n` cells, and the others."""
        return self._some(0, n), self._some(n, len(self))

    def _some(self, start: int, stop: int) -> Piece:
        first, last = self.ends[start], self.ends[stop]
        return Piece(
            {name: values[start:stop] for name, values in self.columns.items()},
            self.ends[start : stop + 1] - first,
            {name: values[first:last] for name, values in self.lists.items()},
        )


class ShardFile:
    """A shard that is being written: cells of each part wait until they fill a block."""

    def __init__(self, path: Path, fields: Sequence[str], *, wide: bool) -> None:
        self.n_cells = self.next_row = 0
        self._fields = tuple(fields)
        self._schema = schema(fields, wide=wide)
        self._waiting: dict[str, list[Piece]] = {}
        self._sink = pa.OSFile(str(path), "wb")
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("lz4", _LEVEL))
        self._file = pa.ipc.new_file(self._sink, self._schema, options=options)

    def __enter__(self) -> ShardFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for part in sorted(self._waiting):
                    self._write(_taken(self._waiting[part], sum(map(len, self._waiting[part]))))
                self._file.close()
        finally:
            self._sink.close()

    def add(self, rows: Rows) -> None:
        """Put rows in, in order. Blocks are written in the order in which they are filled, however many rows come."""
        self.n_cells += len(rows.row)
        self.next_row = int(rows.row[-1]) + 1
        filled = []
        for part in dict.fromkeys(rows.part.tolist()):
            waiting = self._waiting.setdefault(part, [])
            waiting.append(self._piece(rows.some(np.flatnonzero(rows.part == part))))
            while block := _taken(waiting, BLOCK):
                filled.append((int(block[-1].columns["row"][-1]), block))
        for _, block in sorted(filled, key=itemgetter(0)):
            self._write(block)

    def _piece(self, rows: Rows) -> Piece:
        """Copy rows out of their batch."""
        X, n = rows.X, len(rows.at)
        ends = np.concatenate([[0], np.cumsum(np.diff(X.indptr)[rows.at])])
        types = {name: self._schema.field(name).type.value_type.to_pandas_dtype() for name in _LISTS}
        lists = {name: np.empty(ends[-1], dtype) for name, dtype in types.items()}
        put_rows(X.indptr, X.indices, X.data, rows.at, rows.numbers, lists["genes"], lists["values"])
        columns = {
            "row": rows.row, "part": rows.part, "study": np.full(n, rows.study, dtype=object), "cell": rows.cell,
            "pair": rows.pair, "role": rows.role, **{column_of(name): rows.fields[name] for name in self._fields},
        }  # fmt: skip
        return Piece(columns, ends, lists)

    def _write(self, block: list[Piece]) -> None:
        """Write a block, unless there is nothing in it."""
        if not block:
            return
        arrays = []
        for name, kind in zip(self._schema.names, self._schema.types, strict=True):
            if name in _LISTS:
                ends = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(some.ends) for some in block]))])
                flat = np.concatenate([some.lists[name] for some in block])
                arrays.append(pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), pa.array(flat)))
            else:
                arrays.append(pa.array(np.concatenate([some.columns[name] for some in block]), kind))
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
        if error.errno not in NO_ROOM:
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


def _taken(waiting: list[Piece], n: int) -> list[Piece]:
    """The first `n` cells out of those that wait; none where there are fewer."""
    taken: list[Piece] = []
    if sum(map(len, waiting)) < n:
        return taken
    while n:
        piece = waiting.pop(0)
        if len(piece) > n:
            piece, rest = piece.cut(n)
            waiting.insert(0, rest)
        taken.append(piece)
        n -= len(piece)
    return taken
