from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s.atlas._run import run

if TYPE_CHECKING:
    from pathlib import Path


def rank_fit(
    store: str | Path,
    *,
    out: str | Path | None = None,
    client: Any = None,
    n_workers: int | None = None,
    memory_limit: str | int | float | None = None,
    block_size: int | None = None,
    index_unique: str | None = None,
    retries: int = 2,
    restart: bool = False,
    progress: bool = True,
    **params: Any,
) -> Path:
    """Fit one line from rank to expression to all cells of a store, by :func:`scc2s.pp.rank_fit`.

    Two passes: what the values are, and their sums at each rank. Sums are exact, so that the line is that of a fit in
    memory to the bit, whatever the blocks.

    Parameters
    ----------
    store
        Where the cells are, as in :func:`scc2s.atlas.run`.
    out, client, n_workers, memory_limit, block_size, index_unique, retries, restart, progress
        As in :func:`scc2s.atlas.run`.
    **params
        Those of :func:`scc2s.pp.rank_fit`.

    Returns
    -------
    Path of the store with the results, in the slots of :func:`scc2s.pp.rank_fit`.

    Raises
    ------
    ValueError, KeyError, RuntimeError, OSError
        As in :func:`scc2s.atlas.run`.
    """
    return run(
        store,
        [("rank_fit", params)],
        out=out,
        client=client,
        n_workers=n_workers,
        memory_limit=memory_limit,
        block_size=block_size,
        index_unique=index_unique,
        retries=retries,
        restart=restart,
        progress=progress,
    )
