from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from mudata import MuData
from scipy import sparse

import scc2s
from scc2s import prompts
from scc2s.train import Augment, match_pairs


@pytest.fixture
def adata() -> AnnData:
    rng = np.random.default_rng(0)
    X = rng.poisson(1.0, (30, 40)).astype(np.float32)
    X[4] = 0
    obs = pd.DataFrame(
        {"cell_type": rng.choice(["B cell", "T cell"], 30), "drug": ["none", "IFN-beta"] * 15},
        index=[f"c{i}" for i in range(30)],
    )
    return AnnData(sparse.csr_matrix(X), obs=obs, var=pd.DataFrame(index=[f"GENE{i}" for i in range(40)]))


def test_one_row_a_cell_that_has_genes_and_nothing_written(adata: AnnData) -> None:
    before = adata.copy()
    table = scc2s.pp.samples(adata, "cell_type")
    assert table.columns.tolist() == ["prompt", "completion", "task", "cell"]
    assert table["cell"].tolist() == [c for c in adata.obs_names if c != "c4"]
    assert table["completion"].tolist() == [f" {t}" for c, t in adata.obs["cell_type"].items() if c != "c4"]
    assert adata.uns == before.uns
    assert adata.obs.equals(before.obs)


def test_prompts_without_variation_are_those_that_the_tools_ask(adata: AnnData) -> None:
    scc2s.pp.sentences(adata, n_genes=12)
    table = scc2s.pp.samples(adata, "cell_type", n_genes=12, organism="Homo sapiens").set_index("cell")
    task = prompts.get("cell_type")
    for cell, sentence in adata.obs["c2s_sentence"].items():
        if sentence:
            assert table.loc[cell, "prompt"] == task.render([sentence], {"organism": "Homo sapiens"}).texts[0]


def test_a_field_may_have_a_column_of_another_name(adata: AnnData) -> None:
    adata.obs["mine"] = "platelet"
    assert set(scc2s.pp.samples(adata, "cell_type", columns={"cell_type": "mine"})["completion"]) == {" platelet"}


def test_own_task_and_copies(adata: AnnData) -> None:
    task = prompts.custom("{cell_sentence}\nDrug?", response=" {drug}")
    table = scc2s.pp.samples(adata, task, copies=2, augment=Augment())
    assert len(table) == 58
    assert set(table["completion"]) == {" none", " IFN-beta"}


def test_pairs_go_from_control_to_perturbed(adata: AnnData) -> None:
    adata.obs["perturbation"] = adata.obs["drug"]
    pairs = match_pairs(adata.obs, key="drug", control="none")
    table = scc2s.pp.samples(adata, "perturb", pairs=pairs)
    assert table["cell"].tolist() == adata.obs_names[pairs[:, 1]].tolist()
    assert table["prompt"].str.contains("Perturbation: IFN-beta").all()


def test_pairs_are_asked_for_where_a_task_needs_two_cells(adata: AnnData) -> None:
    with pytest.raises(ValueError, match="pass pairs=sc.pp.c2s_pairs"):
        scc2s.pp.samples(adata, "perturb")


def test_missing_columns_and_values_are_named(adata: AnnData) -> None:
    with pytest.raises(KeyError, match=r"no column 'caption'"):
        scc2s.pp.samples(adata, "caption")
    adata.obs.loc["c0", "cell_type"] = np.nan
    with pytest.raises(ValueError, match="missing for 1 cells"):
        scc2s.pp.samples(adata, "cell_type")


def test_modality_of_a_mudata_and_excluded_genes(adata: AnnData) -> None:
    adata.var["symbol"] = ["", *[f"S{i}" for i in range(1, 40)]]
    table = scc2s.pp.samples(MuData({"rna": adata}), "cell_type", gene_symbols="symbol")
    words = set(" ".join(table["prompt"].str.extract(r"Genes: (.*)")[0]).split())
    assert words <= set(adata.var["symbol"]) - {""}


def test_a_task_about_several_cells_is_refused_by_name(adata: AnnData) -> None:
    for name in ("sample_tissue", "generate_sample"):
        with pytest.raises(ValueError, match=f"'{name}' is about several cells"):
            scc2s.pp.samples(adata, name)
