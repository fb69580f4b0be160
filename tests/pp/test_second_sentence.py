"""Sentences of what is not a gene, and of another modality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

import scc2s

if TYPE_CHECKING:
    from pathlib import Path

    from mudata import MuData

PROTEINS = ["CD3_TotalSeqB", "CD19 TotalSeqB", "CD14_TotalSeqB", "IgG1_control"]


def cells(n: int = 20) -> MuData:
    """Proteins as 10x has them; `prot` lacks the first three cells of `rna`, and has two of its own."""
    rng = np.random.default_rng(0)
    names = [f"cell{i}" for i in range(n)]
    rna = ad.AnnData(
        rng.poisson(2.0, (n, 5)).astype(np.float32),
        obs=pd.DataFrame(index=names),
        var=pd.DataFrame(index=["CD3E", "MS4A1", "LYZ", "NKG7", "PPBP"]),
    )
    prot = ad.AnnData(
        rng.poisson([30, 20, 10, 5], (n - 1, 4)).astype(np.float32),
        obs=pd.DataFrame(index=[*names[:2:-1], "only1", "only2"]),
        var=pd.DataFrame({"feature_types": "Antibody Capture"}, index=PROTEINS),
    )
    return md.MuData({"rna": rna, "prot": prot})


def test_proteins_are_words_only_where_asked_for() -> None:
    mdata = cells()
    with pytest.raises(ValueError, match="mod='rna'"):
        scc2s.pp.sentences(mdata, mod="prot")
    assert "c2s" not in mdata["prot"].uns
    scc2s.pp.sentences(mdata, mod="prot", features="all", exclude=["IgG1_control"])
    X = mdata["prot"].X[:, :3]
    words = np.array(["CD3_TotalSeqB", "CD19_TotalSeqB", "CD14_TotalSeqB"])
    first = [text.split()[0] for text in mdata["prot"].obs["c2s_sentence"]]
    assert all(X[i][list(words).index(word)] == X[i].max() for i, word in enumerate(first))
    assert "IgG1_control" not in " ".join(mdata["prot"].obs["c2s_sentence"])


def test_sentences_go_to_the_cells_of_the_same_name(caplog: pytest.LogCaptureFixture) -> None:
    mdata = cells()
    scc2s.pp.sentences(mdata)
    scc2s.pp.sentences(mdata, mod="prot", features="all", reference="mean", into="rna")
    there, own = mdata["rna"].obs["c2s_prot_sentence"], mdata["prot"].obs["c2s_sentence"]
    assert there.isna().tolist() == [True] * 3 + [False] * 17
    shared = there.index[3:]
    assert there[shared].tolist() == own[shared].tolist()
    assert mdata["rna"].obs["c2s_prot_n_genes"].tolist()[:3] == [0, 0, 0]
    assert "3 of 20 cells of 'rna' have no sentence of 'prot'" in caplog.text
    assert "2 of its 19 are not in 'rna'" in caplog.text
    assert mdata["rna"].uns["c2s"]["sentences_c2s_prot"]["params"]["mod"] == "prot"
    assert mdata["rna"].obs["c2s_sentence"].str.contains("CD3E|LYZ|MS4A1|NKG7|PPBP").all()


def test_a_prompt_names_both_sentences() -> None:
    mdata = cells()
    scc2s.pp.sentences(mdata)
    scc2s.pp.sentences(mdata, mod="prot", features="all", into="rna")
    rna = mdata["rna"]
    task = scc2s.prompts.Task("joint", "Genes: {cell_sentence}. Proteins: {c2s_prot_sentence}. It is a", response="x")
    with pytest.raises(ValueError, match=r"'c2s_prot_sentence'\] is missing for 3 cells"):
        scc2s.pp.samples(rna, task)
    both = rna[rna.obs["c2s_prot_sentence"].notna()].copy()
    table = scc2s.pp.samples(both, task)
    assert len(table) == 17
    for prompt, protein in zip(table["prompt"], both.obs["c2s_prot_sentence"], strict=True):
        assert f"Proteins: {protein}." in prompt


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"into": "prot"}, ValueError, "into="),
        ({"into": "atac"}, KeyError, "atac"),
        ({"into": "rna", "store": "ranks"}, ValueError, "store='text'"),
        ({"features": "proteins"}, ValueError, "features="),
    ],
)
def test_bad_arguments_are_named_and_nothing_is_changed(wrong: dict[str, Any], error: Any, text: str) -> None:
    mdata = cells()
    with pytest.raises(error, match=text):
        scc2s.pp.sentences(mdata, mod="prot", **{"features": "all", **wrong})
    assert not any("c2s" in mod.uns for mod in mdata.mod.values())
    with pytest.raises(TypeError, match="one AnnData"):
        scc2s.pp.sentences(mdata["rna"], into="prot")


def test_a_sentence_of_the_user_of_that_name_is_not_lost() -> None:
    mdata = cells()
    scc2s.pp.sentences(mdata["rna"], key_added="c2s_prot_sentence")
    before = mdata["rna"].obs["c2s_prot_sentence"].copy()
    with pytest.raises(ValueError, match="c2s_prot"):
        scc2s.pp.sentences(mdata, mod="prot", features="all", into="rna", key_added="c2s_prot_sentence_2/")
    assert mdata["rna"].obs["c2s_prot_sentence"].equals(before)


def test_it_survives_files_and_copies(tmp_path: Path) -> None:
    mdata = cells()
    out = scc2s.pp.sentences(mdata, mod="prot", features="all", into="rna", copy=True)
    assert out is not None
    assert "c2s" not in mdata["prot"].uns
    out.write(tmp_path / "a.h5mu")
    again = md.read_h5mu(tmp_path / "a.h5mu")
    text = again["rna"].obs["c2s_prot_sentence"].astype(object)
    assert text.isna().sum() == 3
    assert text.dropna().tolist() == out["rna"].obs["c2s_prot_sentence"].dropna().tolist()


@pytest.mark.parametrize("file", ["malt_citeseq.h5mu", "pbmc_citeseq.h5mu"])
def test_real_proteins_above_their_mean_name_the_type(shared_data: Path, file: str) -> None:
    mdata = md.read_h5mu(shared_data / file)
    controls = [name for name in mdata["prot"].var_names if "control" in name]
    for data in (mdata, mdata):  # again, over what is there
        scc2s.pp.sentences(data, mod="prot", features="all", reference="mean", into="rna", exclude=controls)
    rna = mdata["rna"]
    assert rna.obs["c2s_prot_sentence"].notna().all()
    first = rna.obs["c2s_prot_sentence"].str.split().str[:3].map(set)
    kind = rna.obs["cell_type"].astype(str)
    assert first[kind == "B cell"].map(lambda words: "CD19" in words).mean() > 0.8
    assert first[kind.str.contains("CD8")].map(lambda words: "CD8a" in words).mean() > 0.7
