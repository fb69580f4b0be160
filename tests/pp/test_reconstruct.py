from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from mudata import MuData
from sentence_cases import adata_of
from slots import layer_names

import scc2s
from scc2s.sentences import RankFit, rank

FIT = RankFit(slope=-1, intercept=2)


def with_sentences(*text, n_genes=5):
    adata = adata_of(np.zeros((len(text), n_genes), np.float32))
    adata.obs["c2s_sentence"] = list(text)
    return adata


def test_genes_get_the_value_of_their_rank_and_absent_ones_none():
    adata = with_sentences("G3 G0", "")
    scc2s.pp.reconstruct(adata, fit=FIT)
    layer = adata.layers["c2s_reconstructed"]
    assert layer.format == "csr"
    assert layer.dtype == np.float32
    np.testing.assert_allclose(layer.toarray(), [[2 - np.log10(2), 0, 0, 2, 0], [0] * 5], rtol=1e-6)


def test_values_below_zero_only_if_asked_for():
    adata = with_sentences("G3 G0")
    low = RankFit(slope=-1, intercept=0.1)
    scc2s.pp.reconstruct(adata, fit=low)
    assert adata.layers["c2s_reconstructed"].nnz == 1
    scc2s.pp.reconstruct(adata, fit=low, clip=False)
    assert adata.layers["c2s_reconstructed"].min() == pytest.approx(0.1 - np.log10(2))


def test_words_that_are_no_gene_are_counted_and_hold_their_place(caplog):
    adata = with_sentences("X G1", "G1 G1.")
    scc2s.pp.reconstruct(adata, fit=FIT)
    assert adata.layers["c2s_reconstructed"][:, 1].toarray().ravel().tolist() == pytest.approx([2 - np.log10(2), 2])
    assert "1 of 4 words of the sentences are not genes of .var" in caplog.text
    assert adata.uns["c2s"]["reconstructed"]["params"]["n_invalid"] == 1
    scc2s.pp.reconstruct(adata, fit=FIT, unknown="drop")
    assert adata.layers["c2s_reconstructed"][0, 1] == 2


@pytest.mark.parametrize("store", ["text", "ranks"])
def test_sentences_of_the_reconstruction_are_the_sentences(store):
    X = np.random.default_rng(0).negative_binomial(0.3, 0.2, (60, 90)).astype(np.float32)
    adata = adata_of(X)
    scc2s.pp.sentences(adata, n_genes=30, store=store)
    scc2s.pp.rank_fit(adata)
    scc2s.pp.reconstruct(adata)
    names = list(adata.var_names)
    np.testing.assert_array_equal(rank(adata.layers["c2s_reconstructed"], names=names), rank(X, 30, names=names))


def test_symbols_and_capitals_that_the_sentences_were_made_with():
    adata = adata_of([[3.0, 2, 1]])
    adata.var["symbol"] = ["Cd3d", "Lyz2", "HLA DRA"]
    scc2s.pp.sentences(adata, gene_symbols="symbol", upper=True)
    scc2s.pp.reconstruct(adata, fit=FIT)
    assert adata.layers["c2s_reconstructed"].toarray()[0].argsort().tolist() == [2, 1, 0]


def test_genes_of_one_name_go_to_its_first_column():
    adata = adata_of([[3.0, 2, 1]])
    adata.var_names = ["A", "B", "A"]
    scc2s.pp.sentences(adata, on_duplicate="max")
    scc2s.pp.reconstruct(adata, fit=FIT)
    assert (adata.layers["c2s_reconstructed"].toarray()[0] > 0).tolist() == [True, True, False]


def test_missing_parts_say_what_to_call():
    with pytest.raises(KeyError, match=r"call sc.pp.c2s_rank_fit\(adata\) first, or pass fit="):
        scc2s.pp.reconstruct(with_sentences("G1"))
    with pytest.raises(KeyError, match=r"call sc.pp.c2s_sentences\(adata\) first"):
        scc2s.pp.reconstruct(adata_of([[1.0]]), fit=FIT)


def test_copy_modality_key_and_write(tmp_path):
    data = MuData({"rna": with_sentences("G1")})
    out = scc2s.pp.reconstruct(data, fit=FIT, key_added="c2s_line", copy=True)
    assert "c2s_line" not in data.mod["rna"].layers
    written = out.mod["rna"]
    written.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    assert (again.layers["c2s_line"] != written.layers["c2s_line"]).nnz == 0
    assert again.uns["c2s"]["line"]["params"]["slope"] == -1


def test_real_cells_keep_the_shape_of_their_profile():
    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.sentences(adata, n_genes=None)
    scc2s.pp.rank_fit(adata)
    scc2s.pp.reconstruct(adata)
    true, predicted = adata.raw.X.toarray(), adata.layers["c2s_reconstructed"].toarray()
    expressed = true > 0
    assert np.corrcoef(true[expressed], predicted[expressed])[0, 1] > 0.9
    assert ((predicted > 0) <= expressed).all()


@pytest.mark.parametrize("duplicates", ["mean", "c2s"])
@pytest.mark.parametrize("unknown", ["keep", "drop"])
@pytest.mark.parametrize("clip", [True, False])
def test_stored_ranks_give_what_their_text_gives_to_the_bit(duplicates, unknown, clip):
    adata = adata_of(np.random.default_rng(0).negative_binomial(0.3, 0.2, (6000, 90)).astype(np.float32))
    ranked, written = adata.copy(), adata
    scc2s.pp.sentences(ranked, n_genes=30, store="ranks")
    scc2s.pp.sentences(written, n_genes=30)
    some = np.random.default_rng(1).permutation(90)[:70]  # another order, and some genes gone, one renamed
    ranked, written = ranked[:, some].copy(), written[:, some].copy()
    for data in (ranked, written):
        data.var_names = [name.lower() if i == 3 else name for i, name in enumerate(data.var_names)]
        line = RankFit(slope=-1.3, intercept=1.5)
        scc2s.pp.reconstruct(data, fit=line, clip=clip, duplicates=duplicates, unknown=unknown)
    one, other = ranked.layers["c2s_reconstructed"], written.layers["c2s_reconstructed"]
    for part in ("data", "indices", "indptr"):
        assert getattr(one, part).dtype == getattr(other, part).dtype
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
    counts = [d.uns["c2s"]["reconstructed"]["params"] for d in (ranked, written)]
    assert counts[0]["n_words"] == counts[1]["n_words"]
    assert counts[0]["n_invalid"] == counts[1]["n_invalid"] > 0


def test_no_text_is_made_of_stored_ranks(monkeypatch):
    adata = adata_of([[3.0, 2, 1]])
    scc2s.pp.sentences(adata, store="ranks")
    monkeypatch.setattr("scc2s.pp._reconstruct.get_sentences", None)
    scc2s.pp.reconstruct(adata, fit=FIT)
    assert adata.layers["c2s_reconstructed"].nnz == 3


def test_ranks_beyond_their_genes_are_refused_and_nothing_is_written():
    adata = adata_of([[3.0, 2, 1]])
    scc2s.pp.sentences(adata, store="ranks")
    adata.obsm["c2s_ranks"][0, 0] = 7
    with pytest.raises(ValueError, match="do not fit the list of 3 genes"):
        scc2s.pp.reconstruct(adata, fit=FIT)
    assert layer_names(adata) == []


def test_what_is_read_is_checked_for_both_ways_of_storing():
    for store in ("text", "ranks"):
        adata = adata_of([[3.0, 2, 1]])
        scc2s.pp.sentences(adata, store=store)
        with pytest.raises(ValueError, match="duplicates='max' is not known"):
            scc2s.pp.reconstruct(adata, fit=FIT, duplicates="max")


def test_genes_that_clipping_loses_are_said_with_their_number(shared_data, caplog):
    adata = ad.read_h5ad(shared_data / "human_embryo_yan.h5ad")[:20].copy()
    for store in ("text", "ranks"):
        scc2s.pp.sentences(adata, n_genes=None, store=store)
        total = int(adata.obs["c2s_n_genes"].sum())
        scc2s.pp.rank_fit(adata)
        caplog.clear()
        scc2s.pp.reconstruct(adata)
        layer, params = adata.layers["c2s_reconstructed"], adata.uns["c2s"]["reconstructed"]["params"]
        assert params["n_below_zero"] == total - layer.nnz > 0
        assert f"of {total / 20:.0f} genes a cell (mean) {layer.nnz / 20:.0f} are left" in caplog.text
        assert "clip=False" in caplog.text
        assert "fit it to all ranks" not in caplog.text  # it is
        deep = layer.nnz
        scc2s.pp.rank_fit(adata, fit_range=(1, 1000), key_added="rank_fit")
        scc2s.pp.reconstruct(adata)
        assert adata.layers["c2s_reconstructed"].nnz < deep / 2
        assert "fit it to all ranks" in caplog.text
        caplog.clear()
        scc2s.pp.reconstruct(adata, clip=False)
        assert adata.layers["c2s_reconstructed"].nnz == total
        assert "are left" not in caplog.text


def test_nothing_is_said_where_nothing_is_lost(caplog):
    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.sentences(adata)
    scc2s.pp.rank_fit(adata)
    caplog.clear()
    scc2s.pp.reconstruct(adata)
    assert not [r for r in caplog.records if r.levelname == "WARNING"]
    assert adata.uns["c2s"]["reconstructed"]["params"]["n_below_zero"] == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"key_added": None}, "pass key_added="),
        ({"key_added": "a/b"}, "pass key_added="),
        ({"key_added": "c2s_sentences"}, "pass key_added="),
        ({"key_added": "c2s_rank_fit"}, "pass key_added="),
        ({"key_added": "c2s_line"}, "pass key_added="),
        ({"fit": {"slope": -1}}, "pass fit="),
        ({"fit": RankFit(slope=np.nan, intercept=1)}, "pass fit="),
        ({"n_jobs": 1.5}, "pass n_jobs="),
        ({"n_jobs": 0}, "pass n_jobs="),
        ({"gene_symbols": "none"}, "pass one of"),
        ({"sentence_key": "other"}, "c2s_sentences"),
        ({"unknown": "no"}, "pass 'keep'"),
    ],
)
def test_bad_arguments_are_named_and_nothing_is_written(arguments, text):
    adata = with_sentences("G1 G2")
    scc2s.pp.rank_fit(adata_of([[3.0, 2, 1]]), key_added="line")
    adata.uns["c2s"] = {"line": {"params": {}, "slope": 1}}
    with pytest.raises((TypeError, ValueError, KeyError), match=text):
        scc2s.pp.reconstruct(adata, **{"fit": FIT, **arguments})
    assert layer_names(adata) == []
    assert set(adata.uns["c2s"]) == {"line"}


def test_no_cells_give_an_empty_layer():
    adata = with_sentences("G1")[:0].copy()
    scc2s.pp.reconstruct(adata, fit=FIT)
    assert adata.layers["c2s_reconstructed"].shape == (0, 5)
