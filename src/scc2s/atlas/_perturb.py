from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s.atlas._run import run

if TYPE_CHECKING:
    from pathlib import Path


def perturb(
    store: str | Path,
    perturbation: str | None = None,
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
    """Ask what each cell of a store becomes under a perturbation, by :func:`scc2s.tl.perturb`.

    The store has sentences (:func:`scc2s.atlas.sentences`). A model is given by its name or folder, and each worker
    loads it once; ``model_options`` are those of :func:`scc2s.models.load`, e.g. ``{"dtype": "bfloat16"}``. It has a
    rank fit, too (:func:`scc2s.atlas.rank_fit`). The report is of ``n_control_cells`` cells, drawn from all by their
    names; for one with a truth call :func:`scc2s.tl.perturb` on a part of the cells.

    Parameters
    ----------
    store
        Where the cells are, as in :func:`scc2s.atlas.run`.
    perturbation
        Name for all cells; or pass ``perturbation_key``.
    out, client, n_workers, memory_limit, block_size, index_unique, retries, restart, progress
        As in :func:`scc2s.atlas.run`.
    **params
        Those of :func:`scc2s.tl.perturb`.

    Returns
    -------
    Path of the store with the results, in the slots of :func:`scc2s.tl.perturb`.

    Raises
    ------
    ValueError, KeyError, RuntimeError, OSError
        As in :func:`scc2s.atlas.run`.
    """
    return run(
        store,
        [("perturb", {**params, "perturbation": perturbation})],
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
