from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
    table = pa.array(list(names), pa.string())
    out = np.empty(len(ranks), dtype=object)

    def run(start: int, stop: int) -> None:
        block = ranks[start:stop]
        kept = block >= 0
        offsets = np.zeros(len(block) + 1, dtype=np.int32)
        np.cumsum(kept.sum(axis=1), out=offsets[1:])
        flat = block.ravel() if offsets[-1] == block.size else block[kept]
        genes = table.take(pa.array(flat))
        out[start:stop] = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), genes), sep).to_pylist()

    in_threads(run, len(ranks), n_jobs)
    return out
