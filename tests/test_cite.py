from __future__ import annotations

import re
from pathlib import Path

import mudata
import numpy as np
import pytest
import scanpy as sc

import scc2s
from scc2s._cite import _papers

CITATION = Path(__file__).parents[1] / "CITATION.cff"


def entries(text: str) -> dict[str, dict[str, str]]:
    """BibTeX read back: fields by key."""
    found = {}
    for block in text.strip().split("\n\n"):
        first, *lines, last = block.splitlines()
        key = re.fullmatch(r"@\w+\{(\w+),", first)
        assert key is not None
        assert last == "}"
        fields = [re.fullmatch(r"  (\w+) = \{(.*)\},", line) for line in lines]
        assert all(fields)
        found[key[1]] = {field[1]: field[2] for field in fields if field}
    return found


@pytest.fixture
def adata() -> sc.AnnData:
    out = sc.datasets.pbmc68k_reduced()[:4].copy()
    sc.pp.c2s_sentences(out, n_genes=5)
    return out


def test_without_cells_the_software_and_both_papers() -> None:
    found = entries(scc2s.cite())
    assert list(found) == ["scc2s", "cell2sentence", "c2s_scale"]
    assert found["c2s_scale"]["doi"] == "10.1101/2025.04.14.648850"
    assert "preprint" in found["c2s_scale"]["note"]
    assert found["cell2sentence"]["booktitle"].startswith("Proceedings of the 41st")
    assert found["scc2s"]["version"] == scc2s.__version__
    assert "arXiv:2504" not in scc2s.cite()


def test_sentences_alone_rest_on_the_paper_that_brought_them_up(adata: sc.AnnData) -> None:
    assert list(entries(scc2s.cite(adata))) == ["scc2s", "cell2sentence"]


@pytest.mark.parametrize(
    ("model", "cited"),
    [
        ({"id": "vandijklab/C2S-Scale-Gemma-2-2B", "family": "cell2sentence"}, {"c2s_scale", "gemma2"}),
        ({"id": "vandijklab/C2S-Scale-Pythia-1b-pt", "family": "cell2sentence"}, {"c2s_scale", "pythia"}),
        ({"id": "vandijklab/pythia-160m-c2s", "family": "cell2sentence"}, {"pythia"}),
        ({"id": "vandijklab/pythia-160m-c2s with runs/mine", "adapter": "runs/mine"}, {"pythia", "lora", "c2s_scale"}),
        ({"id": "scc2s-mini", "family": "scc2s"}, set()),
        ({"id": "/my/folder", "family": "cell2sentence", "architecture": "gemma2"}, {"c2s_scale", "gemma2"}),
        ({"id": "/my/folder", "family": "unknown", "architecture": "llama"}, set()),
    ],
)
def test_a_result_rests_on_its_model_and_the_base_of_that(
    adata: sc.AnnData, model: dict[str, str], cited: set[str]
) -> None:
    adata.uns["c2s"]["embed"] = {"params": {}, "model": model}
    assert set(entries(scc2s.cite(adata))) - {"scc2s", "cell2sentence"} == cited


def test_entries_say_which_results_they_are_cited_for(adata: sc.AnnData) -> None:
    gemma = {"id": "vandijklab/C2S-Scale-Gemma-2-2B"}
    adata.uns["c2s"]["embed"] = {"params": {}, "model": gemma}
    adata.uns["c2s"]["perturb"] = {"perturbed": {"params": {}, "model": gemma}}
    note = entries(scc2s.cite(adata))["gemma2"]["note"]
    assert note == "here: embed, perturb/perturbed"
    assert entries(scc2s.cite(adata))["c2s_scale"]["note"].startswith("preprint, authors as of version 1; here: embed")


def test_a_correction_that_was_used_is_cited(adata: sc.AnnData) -> None:
    asked = scc2s.models.CallableModel(score=lambda prompts, labels: np.zeros((len(prompts), len(labels))))
    sc.tl.c2s_annotate(adata, labels=["a", "b"], model=asked, prior_correction=True)
    found = entries(scc2s.cite(adata))
    assert found["surface_form_competition"]["eprint"] == "2104.08315"
    sc.tl.c2s_annotate(adata, labels=["a", "b"], model=asked)
    assert "surface_form_competition" not in entries(scc2s.cite(adata))


def test_what_was_read_from_a_file_is_cited_alike(adata: sc.AnnData, tmp_path: Path) -> None:
    sc.tl.c2s_embed(adata, cache=None)
    adata.write_h5ad(tmp_path / "a.h5ad")
    assert scc2s.cite(sc.read_h5ad(tmp_path / "a.h5ad")) == scc2s.cite(adata)


def test_a_modality_of_a_mudata(adata: sc.AnnData) -> None:
    mdata = mudata.MuData({"rna": adata})
    assert scc2s.cite(mdata) == scc2s.cite(adata)
    with pytest.raises(KeyError, match="pass mod= one of rna"):
        scc2s.cite(mdata, mod="prot")


def test_cells_without_results_are_refused() -> None:
    with pytest.raises(KeyError, match=r"call sc\.pp\.c2s_sentences\(adata\) first, or scc2s\.cite\(\)"):
        scc2s.cite(sc.datasets.pbmc68k_reduced())


def test_names_of_results_do_not_break_an_entry(adata: sc.AnnData) -> None:
    adata.uns["c2s"]["embed_50%_{x}"] = {"params": {}, "model": {"id": "vandijklab/C2S-Scale-Gemma-2-2B"}}
    assert entries(scc2s.cite(adata))["gemma2"]["note"] == r"here: embed\_50\%\_x"


def test_papers_are_those_of_the_citation_file() -> None:
    if not CITATION.is_file():
        pytest.skip("no citation file beside the tests")
    text = CITATION.read_text(encoding="utf-8")
    for key in ("cell2sentence", "c2s_scale"):
        paper = _papers()[key]
        assert paper["title"] in text
        for author in paper["author"]:
            family, given = author.removeprefix("van ").split(", ")
            assert f"given-names: {given}" in text
            assert family in text
    assert _papers()["c2s_scale"]["doi"] in text
    assert f"version: {scc2s.__version__}\n" in text
