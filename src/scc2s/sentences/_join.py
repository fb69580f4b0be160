from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ._join_kernels import WIDTH, text_length, write_words
from ._threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Sequence


def join(ranks: np.ndarray, names: Sequence[str], *, sep: str = " ", n_jobs: int | None = None) -> np.ndarray:
    """Ranked gene indices to cell sentences.

    Parameters
    ----------
    ranks
        Integers, cells x k, -1 after the last gene of a cell (from :func:`rank`).
    names
        Word of each gene.
    sep
        What stands between two words.
    n_jobs
        Threads; ``None`` takes all cores.

    Returns
    -------
    Object array of Python strings, one a cell; a cell without genes gives ``""``.

    Examples
    --------
    >>> join(np.array([[1, 0], [0, -1]]), ["A", "B"]).tolist()
    ['B A', 'A']
    """
    return Joiner(names, sep=sep, n_jobs=n_jobs)(ranks)


class Joiner:
    """:func:`join` with its preparation done once, for data that comes in blocks."""

    def __init__(self, names: Sequence[str], *, sep: str = " ", n_jobs: int | None = None) -> None:
        self._n_separator = len(sep.encode())
        encoded = list(map(str.encode, names))
        length = np.fromiter(map(len, encoded), np.int64, len(encoded)) + self._n_separator
        self._offset = np.cumsum(length) - length
        self._length = length.astype(np.uint32)
        self._flat = np.frombuffer(sep.encode().join([*encoded, bytes(WIDTH)]), np.uint8)
        self._begin = np.lib.stride_tricks.sliding_window_view(self._flat, WIDTH)[self._offset].copy()
        self._n_jobs = n_jobs

    def __call__(self, ranks: np.ndarray) -> np.ndarray:
        """Write the sentences of some cells, as :func:`join` does."""
        out = np.empty(len(ranks), dtype=object)

        def run(start: int, stop: int) -> None:
            out[start:stop] = self.write(ranks[start:stop])

        in_threads(run, len(ranks), self._n_jobs)
        return out

    def write(self, ranks: np.ndarray) -> np.ndarray:
        """The same on the thread it is called from."""
        if (highest := int(ranks.max(initial=-1))) >= len(self._length):
            msg = f"ranks name gene {highest} of {len(self._length)}; pass the names that they index"
            raise ValueError(msg)
        ranks = np.ascontiguousarray(ranks, dtype=np.int32)
        text = np.empty(text_length(ranks, self._length) + WIDTH, dtype=np.uint8)
        ends = np.zeros(len(ranks) + 1, dtype=np.int64)
        write_words(ranks, self._begin, self._length, self._flat, self._offset, self._n_separator, text, ends)
        array = pa.LargeStringArray.from_buffers(len(ranks), pa.py_buffer(ends), pa.py_buffer(text))
        texts: np.ndarray = array.to_numpy(zero_copy_only=False)
        return texts
