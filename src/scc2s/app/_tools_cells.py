"""Tools that answer in numbers, labels and cells: embed, annotate, generate, perturb, search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.sampling import shuffled

from ._asker import ready
from ._plain import plain

if TYPE_CHECKING:
    from anndata import AnnData

    from ._asked import Annotate, Embed, Generate, Perturb, Search
    from ._asker import Asker
    from ._cells import Cells

_MOST_NUMBERS = 4_000_000
"""Numbers in one JSON."""
_N_CHANGED = 15
"""Genes that are listed as higher, and as lower, after a perturbation."""


def embed(cells: Cells, asker: Asker, asked: Embed) -> dict[str, Any]:
    """Run :func:`scc2s.tl.embed`: for all cells into the file, for some into the answer."""
    from scc2s import tl

    with cells.changing() as adata:
        rows = None if asked.cells is None else asked.cells.find(cells.view)
        ready(adata)
        model = asker.load()
        if rows is None:
            tl.embed(adata, model=model, pooling=asked.pooling, key_added=asked.key_added)
            result: dict[str, Any] = {"obsm": asked.key_added, "dims": int(adata.obsm[asked.key_added].shape[1])}
            return {"key": asked.key_added, "result": result, "model": plain(model.info())}
        some = adata[rows].copy()
    tl.embed(some, model=model, pooling=asked.pooling)
    found = np.asarray(some.obsm["X_c2s"])
    if found.size > _MOST_NUMBERS:
        msg = (
            f"{found.shape[0]} cells have {found.size} numbers, and an answer holds {_MOST_NUMBERS}; ask about fewer "
            "cells, or leave cells= out and read /api/coordinates.bin?basis=X_c2s&dims=all"
        )
        raise ValueError(msg)
    result = {"rows": rows.tolist(), "dims": int(found.shape[1]), "embedding": plain(found)}
    return {"key": None, "result": result, "model": plain(model.info())}


def annotate(cells: Cells, asker: Asker, asked: Annotate) -> dict[str, Any]:
    """Run :func:`scc2s.tl.annotate`: for all cells into the file, for some into the answer."""
    from scc2s import tl

    with cells.changing() as adata:
        rows = None if asked.cells is None else asked.cells.find(cells.view)
        ready(adata)
        key = asked.key_added or "c2s_cell_type"
        model = asker.load()
        how: dict[str, Any] = {
            **asked.model_dump(include={"labels", "mode", "min_prob", "controls", "random_state"}),
            "model": model,
            "key_added": key,
        }
        if asked.mode == "generate":
            how["temperature"] = asked.temperature
        some = adata if rows is None else adata[rows].copy()
        tl.annotate(some, **how)
    names = [key, *(f"{key}_{part}" for part in ("prob", "trust") if f"{key}_{part}" in some.obs)]
    record = _record_of(some, "annotate", key, "c2s_cell_type")
    report = record.get("nulls", record.get("controls"))
    result = {
        "column": key,
        "counts": {str(name): int(n) for name, n in some.obs[key].value_counts().items() if n},
        "means": {name: plain(some.obs[name].mean()) for name in names[1:]},
        "verdict": plain(record.get("verdict")),
        "controls": plain(report),
        "params": plain({name: value for name, value in record["params"].items() if np.size(value) < 1000}),
    }
    if rows is not None:
        result["cells"] = [
            {"row": int(row), "name": str(name), **{part: plain(values[part]) for part in names}}
            for row, (name, values) in zip(rows, some.obs[names].iterrows(), strict=True)
        ]
    return {"key": key if rows is None else None, "result": result, "model": plain(model.info())}


def generate(cells: Cells, asker: Asker, asked: Generate) -> dict[str, Any]:
    """Run :func:`scc2s.tl.generate`."""
    from scc2s import tl

    with cells.changing() as adata:
        ready(adata, fit=True)
    model = asker.load()
    given = {"obs", "n_genes", "constrain", "controls", "temperature", "random_state"}
    new = tl.generate(adata, asked.n, model=model, **asked.model_dump(include=given))
    about = new.uns["c2s"]["generate"]
    result = {
        "cells": plain(new.obs),
        "controls": plain(about.get("controls")),
        "params": plain({name: value for name, value in about["params"].items() if np.size(value) < 1000}),
    }
    return {"key": None, "result": result, "model": plain(about["model"])}


def perturb(cells: Cells, asker: Asker, asked: Perturb) -> dict[str, Any]:
    """Run :func:`scc2s.tl.perturb` of some cells; the layer is zero elsewhere."""
    from scc2s import tl

    with cells.changing() as adata:
        chosen = np.arange(adata.n_obs) if asked.cells is None else asked.cells.find(cells.view)
        order = shuffled(adata.obs_names[chosen], asked.random_state)
        rows = np.sort(chosen[order[: asked.most_cells]])
        ready(adata, fit=True)
        key = asked.key_added or _free_layer(adata)
        names: list[str | None] = [None] * adata.n_obs
        for row in rows:
            names[row] = asked.perturbation
        given = {"dose", "time", "n_genes", "constrain", "controls", "n_boot", "temperature", "random_state"}
        tl.perturb(adata, names, model=asker.load(), key_added=key, **asked.model_dump(include=given))
        found = adata.uns["c2s"]["perturb"][key]
        result = {
            "n_chosen": len(chosen),
            "rows": rows.tolist(),
            "layer": f"c2s_{key}",
            "valid": plain(adata.obs[f"c2s_{key}_valid"].iloc[rows].mean()),
            "verdict": plain(found.get("verdict")),
            "controls": plain(found.get("controls")),
            "changes": _changes(adata, rows, f"c2s_{key}"),
            "params": plain({name: value for name, value in found["params"].items() if np.size(value) < 1000}),
            "versions": plain(found["versions"]),
        }
        return {"key": key, "result": result, "model": plain(found["model"])}


def search(cells: Cells, asker: Asker, asked: Search) -> dict[str, Any]:
    """Run :func:`scc2s.tl.search`; the scores are a column of the file."""
    from scc2s import tl

    with cells.changing() as adata:
        column = asked.key_added or _free_column(adata)
        how: dict[str, Any] = {
            **asked.model_dump(include={"groupby", "n_top", "random_state"}),
            "key_added": column,
        }
        if asked.cells is not None:
            rows = asked.cells.find(cells.view)
            mask = np.zeros(adata.n_obs, dtype=bool)
            mask[rows] = True
            tl.search(adata, mask, use_rep=asked.use_rep, **how)
            model: dict[str, Any] = {}
        else:
            ready(adata)
            loaded = asker.load()
            tl.search(adata, str(asked.text), n_cells=asked.n_cells, model=loaded, **how)
            model = plain(loaded.info())
        found = _record_of(adata, "search", column, "c2s_search")
        result = {
            "column": column,
            "table": plain(found["table"]),
            "floor": plain(found.get("floor")),
            "params": plain({name: value for name, value in found["params"].items() if name != "query"}),
        }
        return {"key": column, "result": result, "model": model}


def _record_of(adata: AnnData, tool: str, key: str, usual: str) -> dict[str, Any]:
    """The record of a result that may have a name of its own."""
    ours: dict[str, Any] = adata.uns["c2s"]
    found: dict[str, Any] = ours[tool if key == usual else f"{tool}_{key}"]
    return found


def _changes(adata: AnnData, rows: np.ndarray, layer: str) -> dict[str, Any]:
    """Genes that are highest and lowest after, compared with the same cells put through the same line before."""
    from scc2s import pp

    before = adata[rows].copy()
    pp.reconstruct(before)
    was = np.asarray(before.layers["c2s_reconstructed"].mean(axis=0)).ravel()
    now = np.asarray(adata.layers[layer][rows].mean(axis=0)).ravel()
    change = now - was
    order = np.argsort(change, kind="stable")

    def listed(places: np.ndarray) -> list[dict[str, Any]]:
        return [{"gene": str(adata.var_names[i]), "before": float(was[i]), "after": float(now[i])} for i in places]

    up = [i for i in order[::-1][:_N_CHANGED] if change[i] > 0]
    down = [i for i in order[:_N_CHANGED] if change[i] < 0]
    return {"up": listed(np.array(up, dtype=int)), "down": listed(np.array(down, dtype=int)), "unit": "log-normalised"}


def _free_layer(adata: AnnData) -> str:
    n = 1
    while f"perturbed_{n}" in adata.uns.get("c2s", {}).get("perturb", {}) or f"c2s_perturbed_{n}" in adata.layers:
        n += 1
    return f"perturbed_{n}"


def _free_column(adata: AnnData) -> str:
    n = 1
    while f"found_{n}" in adata.obs:
        n += 1
    return f"found_{n}"
