"""Tools that answer in words: caption, ask, compare."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ._asker import ready
from ._plain import plain

if TYPE_CHECKING:
    from anndata import AnnData

    from ._asked import Ask, Caption, Compare
    from ._asker import Asker
    from ._cells import Cells

CHOSEN, OTHERS = "these cells", "the other cells"


def caption(cells: Cells, asker: Asker, asked: Caption) -> dict[str, Any]:
    """Run :func:`scc2s.tl.caption`."""
    from scc2s import tl

    with cells.changing() as adata:
        sides = {} if asked.cells is None else {asked.cells.called(CHOSEN): asked.cells.find(cells.view)}
        ready(adata)
        key = asked.key_added or cells.free_key("captions")
        how = {
            **asked.model_dump(include={"n_cells", "n_captions", "max_new_tokens", "controls", "temperature"}),
            "random_state": asked.random_state,
            "model": asker.load(),
            "key_added": key,
        }
        if asked.groupby is not None:
            tl.caption(adata, groupby=asked.groupby, **how)
        else:
            with cells.grouped(sides) as column:
                tl.caption(adata, groupby=column, **how)
        ours = adata.uns["c2s"]
        about = ours["caption" if key == "captions" else f"caption_{key}"]
        result = {"captions": plain(ours[key]), "params": plain(about["params"]), "versions": plain(about["versions"])}
        return {"key": key, "result": result, "model": plain(about["model"])}


def ask(cells: Cells, asker: Asker, asked: Ask) -> dict[str, Any]:
    """Run :func:`scc2s.tl.ask`."""
    from scc2s import tl

    with cells.changing() as adata:
        rows = None if asked.cells is None else asked.cells.find(cells.view)
        ready(adata)
        key = asked.key_added or cells.free_key("ask")
        how = _how(asked, asker, key) | {"use_text": asked.use_text, "kind": asked.kind}
        if asked.cells is None or rows is None:
            tl.ask(adata, asked.question, **how)
        else:
            with cells.grouped({asked.cells.called(CHOSEN): rows}) as column:
                tl.ask(adata, asked.question, groupby=column, **how)
        return _talked(adata, key)


def compare(cells: Cells, asker: Asker, asked: Compare) -> dict[str, Any]:
    """Run :func:`scc2s.tl.compare`."""
    from scc2s import tl

    with cells.changing() as adata:
        a = asked.a.find(cells.view)
        rest = np.setdiff1d(np.arange(cells.view.n_obs), a, assume_unique=True)
        b = rest if asked.b is None else asked.b.find(cells.view)
        both = np.intersect1d(a, b, assume_unique=True)
        if len(both) or not len(b):
            what = f"{len(both)} cells are in both groups" if len(b) else "there are no other cells"
            msg = f"{what}; pass a= and b= groups that share no cell"
            raise ValueError(msg)
        names = asked.a.called(CHOSEN), OTHERS if asked.b is None else asked.b.called(OTHERS)
        if names[0] == names[1]:
            msg = f"both groups are called {names[0]!r}; pass label= another name for one of them"
            raise ValueError(msg)
        ready(adata)
        key = asked.key_added or cells.free_key("compare")
        with cells.grouped(dict(zip(names, (a, b), strict=True))) as column:
            tl.compare(adata, column, *names, **_how(asked, asker, key))
        return _talked(adata, key)


def _how(asked: Ask | Compare, asker: Asker, key: str) -> dict[str, Any]:
    given = {"n_cells", "n_genes", "max_new_tokens", "controls", "temperature", "random_state"}
    model = asker.load()
    plain_text = not asker.talks if asked.plain is None else asked.plain
    return {**asked.model_dump(include=given), "plain": plain_text, "model": model, "key_added": key}


def _talked(adata: AnnData, key: str) -> dict[str, Any]:
    """The answer, and what it rests on."""
    found = adata.uns["c2s"][key]
    answer = plain(found["table"])[0]
    answer["prompt"] = json.loads(answer["prompt"]) if answer["prompt"] else []
    result = {
        "answer": answer,
        "claims": plain(found["claims"]),
        "genes": plain(found["genes"]),
        "cells": plain(found["cells"]),
        "params": plain({name: value for name, value in found["params"].items() if name != "markers"}),
        "versions": plain(found["versions"]),
    }
    return {"key": key, "result": result, "model": plain(found["model"])}
