from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s.atlas._run import run

if TYPE_CHECKING:
    from pathlib import Path


def sentences(
    store: str | Path,
    *,
    text: bool = False,
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
    """Write each cell of a store as a sentence, by :func:`scc2s.pp.sentences`.

    Sentences are kept as ranks, ``obsm["c2s_ranks"]``; with ``text=True`` as texts, ``obs["c2s_sentence"]``.
    ``n_genes`` is 200, and ``None`` only for texts; ``reference`` is values by gene, as a dict.

    Parameters
    ----------
    store
        Where the cells are, as in :func:`scc2s.atlas.run`.
    text
        Keep texts in place of ranks.
    out, client, n_workers, memory_limit, block_size, index_unique, retries, restart, progress
        As in :func:`scc2s.atlas.run`.
    **params
        Those of :func:`scc2s.pp.sentences`.

    Returns
    -------
    Path of the store with the results, in the slots of :func:`scc2s.pp.sentences`.

    Raises
    ------
    ValueError, KeyError, RuntimeError, OSError
        As in :func:`scc2s.atlas.run`.
    """
    return run(
        store,
        [("sentences", {**params, "store": "text" if text else "ranks"})],
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
