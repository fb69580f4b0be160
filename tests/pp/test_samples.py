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


class TestContexts:
    def test_prompts_are_those_that_the_tools_ask_and_completions_what_is_known(self, adata: AnnData) -> None:
        adata.obs["tissue"] = ["blood", "lung"] * 15
        scc2s.pp.sentences(adata, n_genes=12)
        scc2s.pp.contexts(adata, groupby="tissue", n_cells=(2, 4), n_genes=6)
        table = scc2s.pp.samples(adata, "sample_tissue", contexts="contexts", organism="human")
        seen: list[str] = []

        def embed(asked: list[str]) -> np.ndarray:
            seen.extend(asked)
            return np.zeros((len(asked), 1))

        task = prompts.get("sample_tissue")
        model = scc2s.models.CallableModel(embed=embed)
        scc2s.tl.embed(adata, model=model, prompt=task, contexts="contexts", organism="human")
        contexts = adata.uns["c2s"]["contexts"]["table"]
        assert table["prompt"].tolist() == seen
        assert table["completion"].tolist() == [f" {tissue}" for tissue in contexts["tissue"]]
        assert table["context"].tolist() == contexts.index.tolist()

    def test_types_are_listed_in_the_order_of_the_cells_without_those_that_have_no_genes(self, adata: AnnData) -> None:
        adata.obs["all"] = "x"
        scc2s.pp.contexts(adata, groupby="all", n_cells=30)
        cells = [cell for cell in adata.uns["c2s"]["contexts"]["cells"]["cell"] if cell != "c4"]
        table = scc2s.pp.samples(adata, "sample_cell_types", contexts="contexts")
        assert table["completion"].tolist() == [" " + "; ".join(adata.obs.loc[cells, "cell_type"])]
        other = scc2s.pp.samples(adata, "sample_cell_types", contexts="contexts", columns={"cell_types": "drug"})
        assert other["completion"].tolist() == [" " + "; ".join(adata.obs.loc[cells, "drug"])]

    def test_samples_that_are_written_come_back_as_the_cells_and_say_how_many(self, adata: AnnData) -> None:
        scc2s.pp.contexts(adata, groupby="cell_type", n_cells=3)
        table = scc2s.pp.samples(adata, "generate_sample", contexts="contexts", n_genes=5, organism="human")
        scc2s.pp.sentences(adata, n_genes=5)
        cells = adata.uns["c2s"]["contexts"]["cells"].groupby("context", sort=False)["cell"].agg(list)
        for (_, row), some in zip(table.iterrows(), cells, strict=True):
            want = [text for text in adata.obs.loc[some, "c2s_sentence"] if text]
            assert scc2s.sentences.split_cells(row["completion"]) == want
            assert row["completion"].startswith("\nCell 1: ")
            assert f"Name the 5 most expressed genes of each of {len(want)} Homo sapiens cells" in row["prompt"]

    def test_a_neighbor_is_asked_for_and_not_shown(self, adata: AnnData) -> None:
        adata = adata[adata.obs_names != "c4"].copy()
        scc2s.pp.contexts(adata, groupby="cell_type", n_cells=3)
        table = scc2s.pp.samples(adata, "generate_neighbor", contexts="contexts", n_genes=8)
        for _, row in table.iterrows():
            shown = scc2s.sentences.split_cells(row["prompt"])
            assert row["completion"].strip() not in shown
            assert "Below are 2 " in row["prompt"]
        scc2s.pp.contexts(adata, groupby="cell_type", n_cells=1)
        with pytest.raises(ValueError, match="fewer than 2 cells"):
            scc2s.pp.samples(adata, "generate_neighbor", contexts="contexts")

    def test_copies_vary_prompts_and_never_completions(self, adata: AnnData) -> None:
        scc2s.pp.contexts(adata, groupby="cell_type", n_cells=3)
        table = scc2s.pp.samples(
            adata, "sample_cell_types", contexts="contexts", copies=3, augment=Augment(drop_genes=(0.2, 0.5))
        )
        assert table["prompt"].nunique() == len(table) == 3 * len(adata.uns["c2s"]["contexts"]["table"])
        assert (table.groupby("context")["completion"].nunique() == 1).all()

    def test_a_task_about_several_cells_needs_contexts_and_no_other_takes_them(self, adata: AnnData) -> None:
        for name in ("sample_tissue", "generate_sample"):
            with pytest.raises(ValueError, match=f"'{name}' is about several cells; pass contexts="):
                scc2s.pp.samples(adata, name)
        with pytest.raises(ValueError, match="not about several cells"):
            scc2s.pp.samples(adata, "cell_type", contexts="contexts")
        with pytest.raises(KeyError, match="scc2s.pp.contexts"):
            scc2s.pp.samples(adata, "sample_tissue", contexts="contexts")
