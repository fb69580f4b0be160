"""Sentences of genes above a reference, and of bulk profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

import scc2s

if TYPE_CHECKING:
    from pathlib import Path

GENES = [f"GENE{i}A" for i in range(40)]


def planted(n: int = 80, seed: int = 0) -> ad.AnnData:
    """Two types with five strong genes each; in half of the cells of both, a weak program of three genes is on."""
    rng = np.random.default_rng(seed)
    kind, on = np.arange(n) % 2, np.arange(n) % 4 < 2
    rate = np.full((n, 40), 3.0)
    rate[kind == 0, :5], rate[kind == 1, 5:10] = 200, 200
    rate[on, 20:23] = 25
    obs = pd.DataFrame(
        {"kind": np.array(["a", "b"])[kind], "on": np.where(on, "yes", "no")}, index=[f"c{i}" for i in range(n)]
    )
    return ad.AnnData(sparse.csr_matrix(rng.poisson(rate).astype("float32")), obs=obs, var=pd.DataFrame(index=GENES))


def first(adata: ad.AnnData, n: int) -> list[set[str]]:
    return [set(text.split()[:n]) for text in adata.obs["c2s_sentence"]]


def test_the_state_comes_first_where_the_type_is_the_reference() -> None:
    adata = planted()
    scc2s.pp.sentences(adata)
    assert all(words <= set(GENES[:10]) for words in first(adata, 5))
    scc2s.pp.sentences(adata, reference="kind")
    state = set(GENES[20:23])
    on = (adata.obs["on"] == "yes").to_numpy()
    shares = np.array([len(words & state) for words in first(adata, 4)])
    assert shares[on].mean() > 2.5
    assert (shares[~on] == 0).all()
    scc2s.pp.sentences(adata, reference="mean")
    assert all(words <= set(GENES[:10]) for words in first(adata, 5))


def test_no_gene_that_is_not_above_its_reference_is_written() -> None:
    adata = planted()
    scc2s.pp.sentences(adata, reference="mean", n_genes=None)
    Y = sc.pp.log1p(sc.pp.normalize_total(adata, target_sum=1e4, copy=True), copy=True).X.toarray()
    above = [{g for g, d in zip(GENES, row, strict=True) if d > 1e-5} for row in Y - Y.mean(0)]
    assert [set(text.split()) for text in adata.obs["c2s_sentence"]] == above
    best = [GENES[i] for i in (Y - Y.mean(0)).argmax(1)]
    assert [text.split()[0] for text in adata.obs["c2s_sentence"]] == best


@pytest.mark.parametrize("store", ["text", "ranks"])
def test_the_reference_is_on_record_and_gives_the_same_sentences_again(store: str, tmp_path: Path) -> None:
    adata = planted()
    scc2s.pp.sentences(adata, reference="kind", store=store)
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    entry = again.uns["c2s"]["sentences"]
    assert entry["params"]["reference"] == "obs['kind']"
    assert entry["reference"].columns.tolist() == ["a", "b"]
    alone = planted()[planted().obs["kind"] == "b"].copy()
    scc2s.pp.sentences(alone, reference=entry["reference"]["b"])
    assert alone.obs["c2s_sentence"].tolist() == [
        text
        for text, kind in zip(scc2s._cells.access.get_sentences(again), again.obs["kind"], strict=True)
        if kind == "b"
    ]


def test_order_of_cells_and_logarithms_change_nothing() -> None:
    adata = planted()
    moved = adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()
    logs = sc.pp.log1p(sc.pp.normalize_total(adata, target_sum=1e4, copy=True), copy=True)
    for each in (adata, moved, logs):
        scc2s.pp.sentences(each, reference="kind", n_genes=5)
    assert moved.obs["c2s_sentence"].loc[adata.obs_names].tolist() == adata.obs["c2s_sentence"].tolist()
    same = (logs.obs["c2s_sentence"] == adata.obs["c2s_sentence"]).mean()
    assert same > 0.95  # float32 logarithms round


def test_a_cell_at_its_reference_has_an_empty_sentence(caplog: pytest.LogCaptureFixture) -> None:
    adata = planted()
    adata.obs["kind"] = ["one", *["rest"] * 79]
    scc2s.pp.sentences(adata, reference="kind")
    assert adata.obs["c2s_sentence"].iloc[0] == ""
    assert "1 of 80 cells express no gene above the reference" in caplog.text


def test_scaled_values_are_refused_and_nothing_is_changed() -> None:
    adata = planted()
    adata.X = adata.X.toarray() - 1
    with pytest.raises(ValueError, match="negative values"):
        scc2s.pp.sentences(adata, reference="mean")
    assert "c2s" not in adata.uns


def test_such_sentences_are_not_turned_into_expression() -> None:
    adata = planted()
    scc2s.pp.sentences(adata, reference="mean")
    with pytest.raises(ValueError, match=r"above a reference \(mean\).*sc.pp.c2s_sentences\(adata\) first"):
        scc2s.pp.reconstruct(adata, fit=scc2s.sentences.RankFit(slope=-1, intercept=3))
    scc2s.pp.sentences(adata)
    scc2s.pp.reconstruct(adata, fit=scc2s.sentences.RankFit(slope=-1, intercept=3))


@pytest.mark.parametrize(
    ("file", "row", "words"),
    [
        ("bulk_pbmc_monaco", 0, {"B2M", "ACTB"}),
        ("bulk_immune_signature_abis", "B Naive", {"MS4A1", "CD79A"}),
        ("bulk_sorted_immune_fantom5", 0, {"B2M", "TPT1"}),
        ("bulk_tissue_gtex", "Whole Blood", {"HBB", "S100A9"}),
        ("bulk_hematopoiesis_dmap", "Basophils", {"ACTB", "RPL41"}),
    ],
)
def test_tpm_cpm_and_microarrays_have_sentences(shared_data: Path, file: str, row: int | str, words: set[str]) -> None:
    adata = ad.read_h5ad(shared_data / f"{file}.h5ad")
    scc2s.pp.sentences(adata, n_genes=50)
    text = adata.obs["c2s_sentence"].iloc[row] if isinstance(row, int) else adata.obs["c2s_sentence"][row]
    assert words <= set(text.split())
    X = adata.X.toarray()
    for i in (0, adata.n_obs - 1):  # by falling value, whatever the unit
        values = X[i][adata.var_names.get_indexer(adata.obs["c2s_sentence"].iloc[i].split())]
        assert (np.diff(values) <= 0).all()


def test_copies_of_a_probe_are_made_one_gene(shared_data: Path) -> None:
    adata = ad.read_h5ad(shared_data / "bulk_hematopoiesis_dmap.h5ad")
    adata.var["symbol"] = adata.var_names.str.replace(r"\.\d+$", "", regex=True)
    scc2s.pp.sentences(adata, gene_symbols="symbol", on_duplicate="max", n_genes=50)
    words = adata.obs["c2s_sentence"]["Basophils"].split()
    assert len(set(words)) == 50
    assert not any("." in word for word in words)


def test_tissues_above_their_mean_begin_with_their_own_genes(shared_data: Path) -> None:
    adata = ad.read_h5ad(shared_data / "bulk_tissue_gtex.h5ad")
    scc2s.pp.sentences(adata, reference="mean", n_genes=10)
    sentences = adata.obs["c2s_sentence"]
    assert {"ALB", "APOA2"} & set(sentences["Liver"].split())
    assert {"MYH6", "MYL7", "MYL4"} & set(sentences["Heart - Atrial Appendage"].split())
