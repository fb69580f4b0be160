from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s.atlas._run import run

if TYPE_CHECKING:
    from pathlib import Path


def perplexity(
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
    """How much each cell of a store surprises a language model, by :func:`scc2s.tl.perplexity`.

    The store has sentences (:func:`scc2s.atlas.sentences`). A model is given by its name or folder, and each worker
    loads it once; ``model_options`` are those of :func:`scc2s.models.load`, e.g. ``{"dtype": "bfloat16"}``.

    Parameters
    ----------
    store
        Where the cells are, as in :func:`scc2s.atlas.run`.
    out, client, n_workers, memory_limit, block_size, index_unique, retries, restart, progress
        As in :func:`scc2s.atlas.run`.
    **params
        Those of :func:`scc2s.tl.perplexity`.

    Returns
    -------
    Path of the store with the results, in the slots of :func:`scc2s.tl.perplexity`.

    Raises
    ------
    ValueError, KeyError, RuntimeError, OSError
        As in :func:`scc2s.atlas.run`.
    """
    return run(
        store,
        [("perplexity", params)],
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
