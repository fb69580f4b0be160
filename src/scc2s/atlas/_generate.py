from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.arguments import whole
from scc2s._cells.stored_rows import column_rows
from scc2s._io import check_writable, replacing_folder
from scc2s.atlas._block import uns_of
from scc2s.atlas._cluster import connected
from scc2s.atlas._draw import NUMBERS
from scc2s.atlas._finish import consolidate, quiet
from scc2s.atlas._folder import as_json, held, run_folder
from scc2s.atlas._manifest import planned
from scc2s.atlas._need import need
from scc2s.atlas._one_step import Runner
from scc2s.atlas._source import Source, len_of
from scc2s.atlas._steps import Step
from scc2s.atlas._store import forget, kind_of, opened
from scc2s.tl._writing.conditions import conditions

if TYPE_CHECKING:
    from collections.abc import Mapping

_USUAL_LENGTH = 200
_REFUSED = ("contexts", "cells_per_sample", "fit", "cache", "mod", "controls")


def generate(
    store: str | Path,
    n: int = 1,
    *,
    out: str | Path,
    obs: Mapping[str, Any] | pd.DataFrame | None = None,
    client: Any = None,
    n_workers: int | None = None,
    memory_limit: str | int | float | None = None,
    block_size: int | None = None,
    retries: int = 2,
    restart: bool = False,
    progress: bool = True,
    **params: Any,
) -> Path:
    """Let a language model write many new cells with the genes of a store, by :func:`scc2s.tl.generate`.

    The n-th cell of a condition is the same as in memory, whatever the blocks: it is drawn by its number.

    Parameters
    ----------
    store
        Zarr store of one data set with sentences and a rank fit (:func:`scc2s.atlas.run`), whose genes the cells get.
    n
        Cells for each condition.
    out
        New Zarr store for the cells: ``.X``, ``obs``, ``obsm["c2s_ranks"]`` and records, as of that function; without
        ``.raw``.
    obs
        What the cells are to be: values of columns, or a table with a row for each condition. ``None``: of any kind.
    client, n_workers, memory_limit, block_size, retries, restart, progress
        As in :func:`scc2s.atlas.run`.
    **params
        Those of :func:`scc2s.tl.generate`, less ``contexts``, ``cells_per_sample``, ``fit``, ``cache`` and
        ``controls``: compare with real cells by :func:`scc2s.tl.evaluate` on a part. ``model_options`` are those of
        :func:`scc2s.models.load`.

    Returns
    -------
    Path of the new store.

    Raises
    ------
    KeyError
        If there are no sentences or no rank fit.
    ValueError
        If a parameter is about data in memory, `out` is there with other cells, or what the function itself refuses.
    RuntimeError, OSError
        As in :func:`scc2s.atlas.run`.
    """
    whole("n", n)
    if wrong := sorted(set(params) & set(_REFUSED)):
        msg = f"{wrong[0]}= of generate is about data in memory; leave it out, or call scc2s.tl.generate"
        raise ValueError(msg)
    need("zarr")
    need("distributed")
    if kind_of(store) == "folder":
        msg = f"{store} is a folder of files; pass the store with their results, which has the genes of all"
        raise ValueError(msg)
    forget()
    table = conditions(obs, n)
    given = json.loads(json.dumps(params, default=as_json))
    given |= _of_all(store, given)
    where = Path(out)
    _prepare(where, store, table)
    target = str(where.resolve())
    plan = {
        "store": str(Path(store).resolve()),
        "out": target,
        "steps": [["generate", given]],
        "block_size": block_size,
        "index_unique": None,
    }
    with held(run_folder(target)), planned(run_folder(target), plan):
        go_on(
            plan, client=client, n_workers=n_workers, memory_limit=memory_limit, retries=retries, restart=restart,
            progress=progress,
        )  # fmt: skip
    return Path(target)


def go_on(
    plan: Mapping[str, Any],
    *,
    client: Any,
    n_workers: int | None,
    memory_limit: str | int | float | None,
    retries: int,
    restart: bool,
    progress: bool,
) -> None:
    """Write what is left of the cells of a store whose obs says what they are to be."""
    forget()
    out, folder = plan["out"], run_folder(plan["out"])
    source = Source.of(plan["store"])
    mark = hashlib.blake2b((folder / NUMBERS).read_bytes(), digest_size=8).hexdigest()
    n_new = len_of(opened(out)["obs"])
    cells = {"n_obs": n_new, "numbers": mark, "genes": len(source.var())}
    step = Step("generate", dict(plan["steps"][0][1]))
    with connected(client, n_workers=n_workers, memory_limit=memory_limit, ask=True) as (at, threads, ready):
        ready()
        runner = Runner(
            at, source, cells, out, folder, threads, plan["block_size"], retries, restart, progress, n_new
        )  # fmt: skip
        runner.run(step)


def _of_all(store: str | Path, params: Mapping[str, Any]) -> dict[str, Any]:
    """What the function would take from all cells: the usual length of a sentence, and the organism.

    Raises
    ------
    ValueError
        If there are several organisms.
    """
    root = opened(store)
    found: dict[str, Any] = {}
    stem = str(params.get("sentence_key", "c2s_sentence")).removesuffix("_sentence")
    if params.get("n_genes") is None:
        name, n = f"{stem}_n_genes", len_of(root["obs"])
        lengths = np.asarray(column_rows(root["obs"][name], 0, n), dtype=float) if name in root["obs"] else np.empty(0)
        found["n_genes"] = max(1, int(np.nanmedian(lengths))) if np.isfinite(lengths).any() else _USUAL_LENGTH
    if params.get("organism") is None and "organism" in root["obs"]:
        values = pd.Series(column_rows(root["obs"]["organism"], 0, len_of(root["obs"]))).dropna().astype(str).unique()
        if len(values) > 1:
            msg = f"the data is of {len(values)} organisms ({', '.join(sorted(values))}); pass organism= one of them"
            raise ValueError(msg)
        found |= {"organism": str(values[0])} if len(values) else {}
    return found


@quiet()
def _prepare(where: Path, store: str | Path, table: pd.DataFrame) -> None:
    """The new store: what the cells are to be, the genes, and how genes and ranks are written."""
    from anndata import AnnData, settings

    if where.suffix != ".zarr":
        msg = f"out={str(where)!r} is to be a Zarr store; pass a path that ends in .zarr"
        raise ValueError(msg)
    check_writable(where, folder=True)
    named = table.set_axis(pd.RangeIndex(len(table)).astype(str).astype(object))
    numbers = table.astype(str).groupby(list(table.columns)).cumcount().to_numpy() if len(table.columns) else (
        np.arange(len(table))
    )  # fmt: skip
    folder = run_folder(where.resolve())
    if where.exists() and any(where.iterdir()):
        known = folder / NUMBERS
        if not known.exists() or not np.array_equal(np.load(known), numbers):
            msg = f"{where} is there, and holds other cells; pass another out=, or remove it"
            raise ValueError(msg)
        return
    uns = dict(uns_of(str(store), ""))
    ours = {name: {key: value for key, value in record.items() if key != "written"}
            for name, record in uns.get("c2s", {}).items() if name.startswith(("sentences", "rank_fit"))}  # fmt: skip
    kept = {name: uns[name] for name in ("organism",) if name in uns}
    folder.mkdir(exist_ok=True)
    np.save(folder / NUMBERS, numbers)
    with settings.override(zarr_write_format=3), replacing_folder(where) as new:
        AnnData(obs=named, var=Source.of(store).var(), uns={**kept, "c2s": ours}).write_zarr(new)
        consolidate(str(new))
