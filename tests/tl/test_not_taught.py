"""What scc2s-mini was not taught: each tool that needs it refuses the model by name, before anything is computed."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from talking_cells import talking_cells

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable

    import anndata as ad

ASK = ("embed", "score", "log_likelihood", "generate")
TISSUES = ["lung", "blood"]
KINDS = {"cell_type": ["B cell", "T cell"], "tissue": TISSUES}
PAIR = {"groupby": "condition", "a": "stim", "b": "ctrl"}

SAMPLES: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "sample_tissue": (scc2s.tl.annotate, {"target": "tissue", "labels": TISSUES, "contexts": "contexts"}),
    "sample_cell_types": (scc2s.tl.annotate, {"target": "cell_types", "mode": "generate", "contexts": "contexts"}),
    "cell_type_and_tissue": (scc2s.tl.annotate, {"targets": list(KINDS), "labels": KINDS, "contexts": "contexts"}),
    "same_neighborhood": (scc2s.tl.same_neighborhood, {}),
    "same_neighborhood, with proteins": (scc2s.tl.same_neighborhood, {"interactions": "interactions"}),
    "same_niche": (scc2s.tl.same_niche, {}),
    "generate_neighbor": (scc2s.tl.generate_neighbor, {}),
    "generate_sample": (scc2s.tl.generate, {"n": 4, "cells_per_sample": 2}),
    "generate_sample, of contexts": (scc2s.tl.generate, {"contexts": "contexts"}),
}
TALKS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "abstract": (scc2s.tl.abstract, {"groupby": "donor", "n_cells": 5}),
    "ask": (scc2s.tl.ask, {"kind": "state", "groupby": "type"}),
    "chat": (scc2s.tl.chat, {"groupby": "type"}),
    "compare": (scc2s.tl.compare, PAIR),
    "hypothesize": (scc2s.tl.hypothesize, {**PAIR, "interactions": "interactions"}),
}


@pytest.fixture(scope="module")
def _drawn() -> ad.AnnData:
    adata = talking_cells()
    adata.obsm["spatial"] = np.random.default_rng(0).uniform(0, 300, (adata.n_obs, 2))
    scc2s.pp.rank_fit(adata)
    scc2s.pp.contexts(adata, groupby="donor", n_cells=2, n_contexts=2)
    scc2s.pp.neighborhoods(adata, radius=60, unit="um", spatial_unit="um", n_cells=3, n_contexts=20)
    scc2s.pp.niches(adata, niche_key="type", n_cells=3, n_contexts=20)
    known = pd.DataFrame({"ligand": ["CD3D", "LYZ"], "receptor": ["CD79A", "MS4A1"]})
    scc2s.pp.interactions(adata, known, extracellular=False)
    return adata


@pytest.fixture
def adata(_drawn: ad.AnnData) -> ad.AnnData:
    return _drawn.copy()


@pytest.fixture(scope="module")
def _mini() -> Any:
    return scc2s.models.load("scc2s-mini", device="cpu", dtype="float32")


@pytest.fixture
def mini(_mini: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The model in the package; asking it, or testing genes for it, fails the test."""

    def never(*args: object, **kwargs: object) -> None:
        pytest.fail("something was computed before the model was refused")

    for name in ASK:
        monkeypatch.setattr(_mini, name, never)
    monkeypatch.setattr(sc.tl, "rank_genes_groups", never)
    return _mini


@pytest.mark.parametrize("task", SAMPLES)
def test_tools_about_several_cells_refuse_it_by_name(task: str, adata: ad.AnnData, mini: Any) -> None:
    before, name = sorted(adata.uns["c2s"]), task.partition(",")[0]
    tool, how = SAMPLES[task]
    with pytest.raises(ValueError, match=f"scc2s-mini was not trained on the task '{name}'.*pass model= one that was"):
        tool(adata, model=mini, **how)
    assert sorted(adata.uns["c2s"]) == before
    assert name not in mini.tasks


@pytest.mark.parametrize("name", TALKS)
def test_tools_that_talk_refuse_it_by_name(name: str, adata: ad.AnnData, mini: Any) -> None:
    before = sorted(adata.uns["c2s"])
    tool, how = TALKS[name]
    with pytest.raises(ValueError, match="scc2s-mini has no chat template.*pass an instruct model"):
        tool(adata, model=mini, **how)
    assert sorted(adata.uns["c2s"]) == before


def test_its_card_says_what_it_was_not_taught_and_which_tools_refuse_it() -> None:
    card = (files("scc2s.models") / "mini" / "README.md").read_text(encoding="utf-8")
    (line,) = (line for line in card.splitlines() if line.startswith("- **Anything about several cells"))
    words = ("samples", "tissue", "abstract", "neighbourhoods", "niches", "interactions of proteins", "talk")
    assert [word for word in words if word not in line] == []
    tools = {tool.__name__ for tool, _ in [*SAMPLES.values(), *TALKS.values()]}
    assert [name for name in tools if f"`tl.{name}" not in line] == []


def test_a_prompt_of_ones_own_asks_it_all_the_same(adata: ad.AnnData, _mini: Any) -> None:
    prompt = scc2s.prompts.get("sample_tissue")
    scc2s.tl.annotate(
        adata, target="tissue", labels=TISSUES, contexts="contexts", model=_mini, prompt=prompt, controls=False
    )
    assert len(adata.uns["c2s"]["by_contexts"]["c2s_tissue"]["table"]) == 4
