from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s.atlas._run import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def program_score(
    store: str | Path,
    program: str | Sequence[str],
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
    """Score a gene program in each cell of a store, by :func:`scc2s.tl.program_score`.

    Two passes: what the values of all cells are, and the scores.

    Parameters
    ----------
    store
        Where the cells are, as in :func:`scc2s.atlas.run`.
    program
        Name of a program of the package, or a list of genes.
    out, client, n_workers, memory_limit, block_size, index_unique, retries, restart, progress
        As in :func:`scc2s.atlas.run`.
    **params
        Those of :func:`scc2s.tl.program_score`.

    Returns
    -------
    Path of the store with the results, in the slots of :func:`scc2s.tl.program_score`.

    Raises
    ------
    ValueError, KeyError, RuntimeError, OSError
        As in :func:`scc2s.atlas.run`.
    """
    return run(
        store,
        [("program_score", {**params, "program": program if isinstance(program, str) else list(program)})],
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
