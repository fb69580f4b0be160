from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import scanpy as sc

import scc2s
from scc2s.models._words import word_spans
from scc2s.tl._attention import _table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def adata():
    out = sc.datasets.pbmc68k_reduced()[:8].copy()
    scc2s.pp.sentences(out, n_genes=15)
    return out


def test_each_cell_has_all_its_pairs_and_weights_are_shares(adata):
    scc2s.tl.attention(adata)
    table = adata.uns["c2s"]["attention"]
    taught = scc2s.models.load("scc2s-mini").taught
    read = {cell: taught.read(sentence).split() for cell, sentence in adata.obs["c2s_sentence"].items()}
    assert min(len(words) for words in read.values()) < 15  # some genes are not read
    assert len(table) == sum(len(words) * (len(words) + 1) / 2 for words in read.values())
    for cell, part in table.groupby("cell", observed=True):
        words = read[cell]
        assert part.drop_duplicates("gene").sort_values("position")["gene"].tolist() == words
        sums = part.groupby("gene", observed=True)["weight"].sum()
        assert sums.between(0, 1.001).all()
    assert adata.uns["c2s"]["attention_record"]["model"]["id"] == "scc2s-mini"


def test_a_cell_has_the_same_map_alone(adata):
    one = scc2s.tl.attention(adata, cells=[adata.obs_names[3]], copy=True).uns["c2s"]["attention"]
    scc2s.tl.attention(adata)
    table = adata.uns["c2s"]["attention"]
    same = table[table["cell"] == adata.obs_names[3]]
    assert np.allclose(one["weight"], same["weight"], atol=1e-6)


def test_groups_are_means_over_the_cells_that_have_both_genes(adata):
    scc2s.tl.attention(adata, key_added="each")
    scc2s.tl.attention(adata, groupby="phase")
    each, mean = adata.uns["c2s"]["each"], adata.uns["c2s"]["attention"]
    each = each.assign(group=adata.obs["phase"].astype(str).reindex(each["cell"]).to_numpy())
    row = mean.sort_values("n_cells").iloc[-1]
    of = each[(each["group"] == row["group"]) & (each["gene"] == row["gene"])]
    of = of[of["attends_to"] == row["attends_to"]]
    assert len(of) == row["n_cells"]
    assert of["weight"].mean() == pytest.approx(row["weight"], rel=1e-5)


def test_results_survive_files_views_and_mudata(adata, tmp_path: Path):
    view = adata[:3]
    scc2s.tl.attention(view)
    view.copy().write_h5ad(tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["attention"]
    assert np.allclose(back["weight"], view.uns["c2s"]["attention"]["weight"])
    mdata = md.MuData({"rna": adata})
    out = scc2s.tl.attention(mdata, cells=adata.obs_names[:1], copy=True)
    assert "attention" in out["rna"].uns["c2s"]
    assert "attention" not in mdata["rna"].uns["c2s"]


def test_bad_input_names_the_mend(adata, monkeypatch):
    with pytest.raises(KeyError, match="pass cells= some of adata.obs_names"):
        scc2s.tl.attention(adata, cells=["nobody"])
    with pytest.raises(KeyError, match="pass groupby= one of"):
        scc2s.tl.attention(adata, groupby="nothing")
    with pytest.raises(TypeError, match="callable cannot attention; pass another model="):
        scc2s.tl.attention(adata, model=scc2s.models.CallableModel(generate=list))
    monkeypatch.setattr("scc2s.tl._attention._MOST", 100)
    with pytest.raises(MemoryError, match=r"cells=adata.obs_names\[:100\]"):
        scc2s.tl.attention(adata)
    assert "attention" not in adata.uns["c2s"]


def test_tables_hold_each_name_once_and_take_less_than_a_third_of_one_of_texts():
    rng = np.random.default_rng(0)
    sentences = [" ".join(rng.permutation([f"GENE{i}" for i in range(900)])[:200]) for _ in range(16)]
    words = [word_spans(text, (0, len(text))) for text in sentences]
    maps = [rng.random((200, 200)).astype(np.float32) for _ in sentences]
    names = [f"cell{i:010d}-1" for i in range(16)]
    table = _table(sentences, words, maps, names, "cell")
    table = table.set_axis(table.index.astype(str))
    rows = [
        (name, genes[i], i, genes[j], weights[i, j])
        for name, genes, weights in zip(names, map(str.split, sentences), maps, strict=True)
        for i, j in zip(*np.tril_indices(200), strict=True)
    ]
    texts = pd.DataFrame(rows, columns=list(table), index=table.index)
    for name in table:
        assert (table[name].to_numpy() == texts[name].to_numpy()).all(), name
    plain = texts.astype({"cell": object, "gene": object, "attends_to": object})
    assert table.memory_usage(deep=True).sum() < plain.memory_usage(deep=True).sum() / 3
