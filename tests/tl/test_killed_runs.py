"""A killed run goes on from where it was, in every tool that asks a model, and a finished part is never asked twice."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import tools_that_ask
import torch
from scipy import sparse
from tiny_gene_model import write_tiny_model
from tools_that_ask import TOOLS, counted

import scc2s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import anndata as ad


@pytest.fixture(scope="module")
def cells() -> ad.AnnData:
    adata = sc.datasets.pbmc68k_reduced()[:40].copy()
    scc2s.pp.sentences(adata, n_genes=12)
    adata.obs["each"] = pd.Categorical([f"cell {i}" for i in range(adata.n_obs)])
    best = [sentence.split()[:4] for sentence in adata.obs["c2s_sentence"]]
    kinds = [(name, object) for name in adata.obs["each"].cat.categories]
    order = {name: best[i] for i, name in enumerate(adata.obs["each"])}
    names = np.rec.fromarrays([np.array(order[name], dtype=object) for name, _ in kinds], dtype=kinds)
    scores = np.rec.fromarrays([np.ones(4) for _ in kinds], names=[name for name, _ in kinds])
    adata.uns["ranked"] = {"params": {"groupby": "each"}, "names": names, "scores": scores}
    return adata


@pytest.fixture(scope="module")
def folder(cells: ad.AnnData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(
        tmp_path_factory.mktemp("model"), list(cells.raw.var_names), labels=["B cell", "CD8+ T cell"], context=256
    )


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As in the process that is killed: numbers are rounded by the batch, and batches depend on the threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def killed(cells: ad.AnnData, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the cache that each tool has left when it was killed."""
    at = tmp_path_factory.mktemp("killed")
    cells.write_h5ad(at / "cells.h5ad")
    subprocess.run(
        [sys.executable, tools_that_ask.__file__, at / "cells.h5ad", folder, at],
        check=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return at


def same(one: object, other: object) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, pd.DataFrame | pd.Series):
        return one.equals(other)
    if sparse.issparse(one):
        return (one != other).nnz == 0
    if isinstance(one, np.ndarray) and one.dtype.kind == "f":
        return one.tobytes() == other.tobytes()
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return one == other or (one != one and other != other)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.slow
def test_the_next_run_asks_for_the_rest_alone_and_gives_what_an_uncut_one_gives(cells, folder, killed, tmp_path, name):
    asked: dict[str, list] = {}

    def run(what: str, cache: Path) -> ad.AnnData:
        out, asked[what] = cells.copy(), []
        model = scc2s.models.load(folder, device="cpu", dtype="float32")
        TOOLS[name](out, model=counted(model, asked[what]), cache=cache)
        return out

    whole = run("uncut", tmp_path / "c.sqlite")
    resumed = run("resumed", killed / f"{name}.sqlite")
    assert 0 < len(asked["resumed"]) < len(asked["uncut"])
    again = run("again", killed / f"{name}.sqlite")
    assert not asked["again"]
    for out in (resumed, again):
        for slot in ("obs", "obsm", "layers"):
            names = set(getattr(whole, slot)) - set(getattr(cells, slot))
            assert all(same(getattr(out, slot)[n], getattr(whole, slot)[n]) for n in names), names
        assert same(out.uns["c2s"], whole.uns["c2s"])


def test_every_tool_that_takes_a_model_takes_a_cache():
    for name in scc2s.tl.__all__:
        taken = inspect.signature(getattr(scc2s.tl, name)).parameters
        assert ("model" in taken) <= ("cache" in taken), name
