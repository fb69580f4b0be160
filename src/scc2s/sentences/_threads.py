from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def in_threads(run: Callable[[int, int], None], n_rows: int, n_jobs: int | None, *, block: int = 2048) -> None:
    """Call ``run(start, stop)`` for consecutive blocks of rows, on `n_jobs` threads (``None``: all cores).

    Threads rather than numba's own ``prange``: its default threading layer aborts the process when two Python threads
    (dask's, say) enter it at once.
    """
    jobs = max(1, n_jobs or os.cpu_count() or 1)
    step = max(1, min(block, -(-n_rows // jobs)))
    parts = [(i, min(i + step, n_rows)) for i in range(0, n_rows, step)]
    if jobs == 1 or len(parts) < 2:
        for part in parts:
            run(*part)
        return
    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(run, *part) for part in parts]:
            future.result()
