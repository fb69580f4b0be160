from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import scc2s
from scc2s._cells.contexts import get_contexts
from scc2s.metrics import gene_overlap
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ASK = "{multi_cell_sentences}\nOne more:"


@pytest.fixture(scope="module")
def _tissue() -> ad.AnnData:
    adata = sc.datasets.pbmc68k_reduced()[:120].copy()
    adata.obsm["spatial"] = np.random.default_rng(0).uniform(0, 300, (120, 2))
    scc2s.pp.sentences(adata, n_genes=12)
    scc2s.pp.neighborhoods(adata, radius=40, unit="um", spatial_unit="um", n_contexts=15, n_cells=4)
    return adata


@pytest.fixture
def tissue(_tissue: ad.AnnData) -> ad.AnnData:
    return _tissue.copy()


def test_a_model_is_shown_all_cells_but_the_one_that_it_is_held_against(tissue: ad.AnnData) -> None:
    prompts: list[str] = []

    def write(texts: list[str]) -> list[str]:
        prompts.extend(texts)
        return [" " + text.split("Cell 1: ")[1].splitlines()[0] for text in texts]  # a copy of the first

    scc2s.tl.generate_neighbor(tissue, model=CallableModel(generate=write), prompt=ASK, constrain=False, n_boot=30)
    table = tissue.uns["c2s"]["generate_neighbor"]["table"]
    contexts = get_contexts(tissue, "neighborhoods")
    assert len(table) == len(prompts) == 15
    sentences = tissue.obs["c2s_sentence"]
    for (name, row), prompt in zip(table.iterrows(), prompts, strict=True):
        cells = contexts.cells[contexts.table.index.get_loc(name)]
        others = [cell for cell in cells if cell != row["left_out"]]
        assert len(others) == len(cells) - 1
        assert prompt.splitlines()[:-1] == [f"Cell {i}: {sentences[cell]}" for i, cell in enumerate(others, start=1)]
        assert row["sentence"] == sentences[others[0]]
        assert row["overlap"] == gene_overlap([sentences[others[0]]], [sentences[row["left_out"]]])[0]
        want = np.mean(gene_overlap([sentences[c] for c in others], [sentences[row["left_out"]]] * len(others)))
        assert row["overlap_shown"] == pytest.approx(want)
    report = tissue.uns["c2s"]["generate_neighbor"]["report"].set_index("answer")
    assert report.loc["model", "overlap"] == pytest.approx(table["overlap"].mean())
    gain = report.loc["model less random cells of the section", "overlap"]
    assert gain == pytest.approx((table["overlap"] - table["overlap_random"]).mean())
    assert report.loc["model", "low"] <= report.loc["model", "overlap"] <= report.loc["model", "high"]


def test_a_real_model_writes_genes_of_the_data_and_the_same_again(
    tissue: ad.AnnData, tiny: Callable[..., object], tmp_path: Path
) -> None:
    options = {"model": tiny(512), "prompt": ASK, "n_genes": 5, "n_boot": 10, "cache": tmp_path / "answers.sqlite"}
    scc2s.tl.generate_neighbor(tissue, **options)
    found = tissue.uns["c2s"]["generate_neighbor"]["table"]
    assert (found["n_words"] == 5).all()
    assert (found["valid"] == 1).all()
    assert (found["unique"] == 1).all()
    again = tissue.copy()
    scc2s.tl.generate_neighbor(again, **options)
    assert again.uns["c2s"]["generate_neighbor"]["table"]["sentence"].tolist() == found["sentence"].tolist()
    tissue.write_h5ad(tmp_path / "x.h5ad")
    back = ad.read_h5ad(tmp_path / "x.h5ad").uns["c2s"]["generate_neighbor"]
    assert back["table"]["sentence"].tolist() == found["sentence"].tolist()


def test_what_cannot_be_asked_is_refused(tissue: ad.AnnData, tiny: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="was not trained on the task 'generate_neighbor'"):
        scc2s.tl.generate_neighbor(tissue, model=tiny(512))
    with pytest.raises(ValueError, match="part='test'"):
        scc2s.tl.generate_neighbor(tissue, model="no/such", part="train")
    with pytest.raises(KeyError, match="nowhere"):
        scc2s.tl.generate_neighbor(tissue, model="no/such", contexts="nowhere")
    scc2s.pp.contexts(tissue, groupby="bulk_labels", n_cells=(2, 3), key_added="groups")
    with pytest.raises(ValueError, match="c2s_neighborhoods"):
        scc2s.tl.generate_neighbor(tissue, model="no/such", contexts="groups")
