"""Batches from the first cell that is not kept yet, and a check that they are those of the run that was stopped."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ._corpus_batch import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ._corpus_batch import Batch, Counted
    from ._corpus_manifest import Shard


class Coming:
    """Batches from the first cell that is in no shard, and a digest of the names of all that have come."""

    def __init__(self, batches: Iterable[Batch], names: Sequence[str] | None, shards: list[Shard]) -> None:
        self._batches, self._names, self._shards = batches, names, shards
        self._digest = shards[-1].digest if shards else ""
        self._since: list[str] = []
        self._first = shards[-1].next_row if shards else 0
        self.n_rows = 0

    def digest(self, stop: int) -> str:
        """Digest of the names of the cells before `stop`, which then begins anew from there."""
        n = stop - self._first
        self._digest = _digest(self._digest, self._since[:n])
        self._since, self._first = self._since[n:], stop
        return self._digest

    def __iter__(self) -> Iterator[Counted]:
        begin = self._first
        later = getattr(self._batches, "starting_at", None)
        coming = self._batches if later is None or not begin else later(begin)
        self.n_rows = 0 if coming is self._batches else begin
        passed = _Passed(self._shards if coming is self._batches else [])
        for batch in coming:
            found = opened(batch, self._names, self.n_rows)
            cells = [str(name) for name in found.obs.index]
            self.n_rows += len(cells)
            n_before = max(0, begin - found.first)
            passed.add(cells[:n_before])
            if n_before < len(cells):
                self._since += cells[n_before:]
                yield found if not n_before else found.after(n_before)
        passed.end()


class _Passed:
    """Cells that are passed over have to be those that the shards were made of."""

    def __init__(self, shards: list[Shard]) -> None:
        self._expected = [(shard.next_row, shard.digest) for shard in shards]
        self._n, self._said, self._since = 0, "", list[str]()

    def add(self, cells: list[str]) -> None:
        self._since += cells
        while self._expected and self._n + len(self._since) >= self._expected[0][0]:
            stop, digest = self._expected.pop(0)
            n = stop - self._n
            self._said = _digest(self._said, self._since[:n])
            self._since, self._n = self._since[n:], stop
            if self._said != digest:
                self._refuse()

    def end(self) -> None:
        if self._expected:
            self._refuse()

    def _refuse(self) -> None:
        msg = (
            "the cells are not those of the run that was stopped, or come in another order; pass the same batches, or "
            "a new folder="
        )
        raise ValueError(msg)


def _digest(before: str, names: list[str]) -> str:
    return hashlib.blake2b("\n".join([before, *names]).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
