from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import mudata
import pandas as pd
import pytest
import scanpy as sc

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GENES = ["CD3", "CD3D", "CD38", "HLA-DRA", "MT-CO1", "RP11-34P13.7"]
PROMPT = "{n_genes} genes of {organism} in {gene_set}:"


@pytest.fixture
def adata() -> ad.AnnData:
    return ad.AnnData(var=pd.DataFrame({"symbol": GENES}, index=[f"ENSG{i:011}" for i in range(len(GENES))]))


def lists(*words: str) -> CallableModel:
    return CallableModel(generate=lambda prompts: [" " + " ".join(words) for _ in prompts])


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_every_word_is_a_gene_none_twice_exactly_as_many_as_asked(
    pieces: Callable[[str], object], kind: str, temperature: float
) -> None:
    found = scc2s.tl.gene_set(GENES, ["a", "b"], n_genes=5, model=pieces(kind), prompt=PROMPT, temperature=temperature)
    assert list(found) == ["a", "b"]
    for genes in found.values():
        assert len(genes) == len(set(genes)) == 5
        assert set(genes) <= set(GENES)


def test_free_writing_keeps_the_order_and_drops_what_is_no_gene(caplog: pytest.LogCaptureFixture) -> None:
    found = scc2s.tl.gene_set(
        GENES, "x", n_genes=4, model=lists("CD38", "QXZ", "cd3d", "CD3"), prompt=PROMPT, constrain=False
    )
    assert found == ["CD38", "CD3D", "CD3"]
    assert "1 of 4 words are not genes" in caplog.text


def test_answer_is_cut_behind_the_number_asked_for() -> None:
    found = scc2s.tl.gene_set(GENES, "x", n_genes=1, model=lists("CD38", "CD3"), prompt=PROMPT, constrain=False)
    assert found == ["CD38"]


def test_genes_come_back_under_the_names_of_the_data_set(adata: ad.AnnData) -> None:
    adata.uns["c2s"] = {"sentences": {"params": {"gene_symbols": "symbol"}}}
    found = scc2s.tl.gene_set(adata, "x", n_genes=1, model=lists("CD38"), prompt=PROMPT, constrain=False)
    assert found == ["ENSG00000000002"]


def test_prompt_names_set_number_and_organism() -> None:
    asked = []

    def generate(prompts: list[str]) -> list[str]:
        asked.extend(prompts)
        return ["CD3"] * len(prompts)

    model = CallableModel(generate=generate)
    scc2s.tl.gene_set(GENES, ["x", "y"], n_genes=3, model=model, prompt=PROMPT, constrain=False)
    assert asked == ["3 genes of Homo sapiens in x:", "3 genes of Homo sapiens in y:"]


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"n_genes": 0}, ValueError, "n_genes"),
        ({"prompt": "{n_genes}"}, ValueError, "{gene_set}"),
        ({"prompt": "{gene_set} {tissue}"}, KeyError, "tissue"),
        ({"constrain": True}, ValueError, "constrain=False"),
        (
            {"prompt": None, "model": CallableModel(generate=lambda prompts: prompts, tasks=["caption"])},
            ValueError,
            "'gene_set'",
        ),
    ],
)
def test_bad_input_is_refused(kwargs, error, message) -> None:
    with pytest.raises(error, match=message):
        scc2s.tl.gene_set(
            GENES, "x", **{"n_genes": 2, "model": lists("CD3"), "prompt": PROMPT, "constrain": False, **kwargs}
        )


def test_more_genes_than_there_are_is_refused(pieces: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match="n_genes=7"):
        scc2s.tl.gene_set(GENES, "x", n_genes=7, model=pieces("gpt_neox"), prompt=PROMPT)


def test_mini_lists_markers_and_takes_mudata_and_a_cache(tmp_path: Path) -> None:
    adata = sc.datasets.pbmc68k_reduced()
    genes = scc2s.tl.gene_set(adata, "B cell markers", n_genes=12, cache=tmp_path / "a.sqlite")
    assert {"CD79A", "MS4A1"} & set(genes)
    data = mudata.MuData({"rna": adata})
    assert scc2s.tl.gene_set(data, "B cell markers", n_genes=12, cache=tmp_path / "a.sqlite") == genes
