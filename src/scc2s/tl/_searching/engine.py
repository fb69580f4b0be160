"""The library behind an index: cells in lists around centres, of which a query looks through the nearest."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._io import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_FEWEST = 39
"""Cells of the sample for each centre; with fewer, faiss complains."""
_SAMPLED = 50
_MOST_LISTS = 2**15


def need_faiss() -> Any:
    """The library.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    if sys.platform == "darwin":
        # its wheel and that of torch each bring an OpenMP, and two of them in parallel end the process there
        os.environ.setdefault("KMP_DUPLICATE_LIB_OK", "TRUE")
    try:
        import faiss
    except ImportError as error:
        msg = (
            "an index needs faiss; call pip install 'scc2s[atlas]' (or pip install faiss-cpu), or pass exact=True, "
            "which looks at all cells"
        )
        raise ImportError(msg) from error
    if sys.platform == "darwin":
        faiss.omp_set_num_threads(1)
    return faiss


def n_lists(n: int) -> int:
    """Lists for so many cells: about as many as each has cells, a power of 2.

    Examples
    --------
    >>> n_lists(100), n_lists(1_000_000), n_lists(100_000_000)
    (2, 1024, 8192)
    """
    best = 2 ** round(np.log2(max(1.0, np.sqrt(n))))
    return int(max(1, min(best, _MOST_LISTS, 2 ** int(np.log2(max(1, n / _FEWEST))))))


def n_sampled(n: int) -> int:
    """Cells that the centres are found from."""
    return min(n, _SAMPLED * n_lists(n))


def trained(sample: np.ndarray, n: int) -> Any:
    """Empty lists around the centres of a sample of vectors of length 1; numbers are kept in half precision."""
    faiss = need_faiss()
    lists = min(n_lists(n), max(1, len(sample) // _FEWEST))
    found = faiss.index_factory(sample.shape[1], f"IVF{lists},SQfp16", faiss.METRIC_INNER_PRODUCT)
    found.train(np.ascontiguousarray(sample, dtype=np.float32))
    return found


def save(index: Any, path: Path) -> None:
    """Write lists, so that they are there as a whole or not at all."""
    faiss = need_faiss()
    with replacing(path) as new:
        faiss.write_index(index, str(new))


def load(path: Path, *, whole: bool = False) -> Any:
    """Lists of a file: left on the disk, of which a query reads what it looks through, or `whole`."""
    faiss = need_faiss()
    return faiss.read_index(str(path), 0 if whole else faiss.IO_FLAG_MMAP)


def nearest(
    shards: Sequence[Any], query: np.ndarray, n: int, *, n_probe: int, without: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The `n` cells of the highest inner product with each query.

    Parameters
    ----------
    shards
        Lists, each of some of the cells.
    query
        Queries x dimensions.
    n
        Cells for each.
    n_probe
        Lists that are looked through.
    without
        Cells that are not to be found.

    Returns
    -------
    Numbers of cells, queries x `n`, the best first, -1 where there are fewer; and the products.
    """
    faiss = need_faiss()
    query = np.ascontiguousarray(query, dtype=np.float32)
    some: dict[str, Any] = {}
    if without is not None and len(without):
        kept_alive = faiss.IDSelectorBatch(np.ascontiguousarray(without, dtype=np.int64))
        some["sel"] = faiss.IDSelectorNot(kept_alive)
    rows, products = [], []
    for shard in shards:
        params = faiss.SearchParametersIVF(nprobe=min(n_probe, shard.nlist), **some)
        found = shard.search(query, n, params=params)
        products.append(found[0])
        rows.append(found[1])
    all_products, all_rows = np.hstack(products), np.hstack(rows)
    all_products[all_rows < 0] = -np.inf
    order = np.argsort(-all_products, axis=1, kind="stable")[:, :n]
    return np.take_along_axis(all_rows, order, 1), np.take_along_axis(all_products, order, 1)
