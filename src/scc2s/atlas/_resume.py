from __future__ import annotations

from pathlib import Path
from typing import Any

from scc2s.atlas._folder import held, read_json, run_folder
from scc2s.atlas._generate import go_on
from scc2s.atlas._run import run


def resume(
    out: str | Path,
    *,
    client: Any = None,
    n_workers: int | None = None,
    memory_limit: str | int | float | None = None,
    retries: int = 2,
    progress: bool = True,
) -> Path:
    """Go on with the last :func:`scc2s.atlas.run` into a store, or :func:`scc2s.atlas.generate`, with the same steps.

    Blocks that are done are not done again; one whose data is not as it was written is.

    Parameters
    ----------
    out
        The store with the results.
    client, n_workers, memory_limit, retries, progress
        As in :func:`scc2s.atlas.run`; they may be others than before.

    Returns
    -------
    Path of the store.

    Raises
    ------
    FileNotFoundError
        If nothing was begun there.
    ValueError, RuntimeError, OSError
        As in :func:`scc2s.atlas.run`.
    """
    plan = plan_of(out)
    if plan["steps"][0][0] == "generate":
        with held(run_folder(plan["out"])):
            go_on(
                plan, client=client, n_workers=n_workers, memory_limit=memory_limit, retries=retries, restart=False,
                progress=progress,
            )  # fmt: skip
        return Path(plan["out"])
    return run(
        plan["store"],
        [(name, params) for name, params in plan["steps"]],
        out=plan["out"],
        client=client,
        n_workers=n_workers,
        memory_limit=memory_limit,
        block_size=plan["block_size"],
        index_unique=plan["index_unique"],
        retries=retries,
        progress=progress,
    )


def plan_of(out: str | Path) -> dict[str, Any]:
    """What was begun for a store.

    Raises
    ------
    FileNotFoundError
        If nothing was.
    """
    plan: dict[str, Any] | None = read_json(run_folder(out) / "plan.json")
    if plan is None:
        msg = (
            f"no run into {out} was begun (there is no {run_folder(out)}); call scc2s.atlas.run(store, steps, out=...)"
        )
        raise FileNotFoundError(msg)
    return plan
