from __future__ import annotations

import tracemalloc

import anndata as ad
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from hypothesis import given, settings
from hypothesis import strategies as st
from mudata import MuData
from scipy import sparse
from sentence_cases import adata_of, counts, names_of, plain_rank

import scc2s
from scc2s._cells.access import get_sentences

relaxed = settings(deadline=None, max_examples=25)


def text(adata, **arguments):
    """Sentences, in the order of the cells, of a copy."""
    return get_sentences(scc2s.pp.sentences(adata, copy=True, **arguments))


def expected(X, n_genes=200):
    names = names_of(X.shape[1])
    return [" ".join(names[g] for g in plain_rank(row, names, n_genes)) for row in np.asarray(X)]


def negative_binomial(n_cells=400, n_genes=50, seed=0):
    rng = np.random.default_rng(seed)
    return rng.negative_binomial(0.3, 0.25, (n_cells, n_genes)).astype(np.float32)


def test_three_cells_by_hand():
    adata = adata_of([[0, 2, 5, 1], [0, 0, 0, 0], [7, 0, 0, 3]])
    sc.pp.c2s_sentences(adata)
    assert adata.obs["c2s_sentence"].tolist() == ["G2 G1 G3", "", "G0 G3"]
    assert adata.obs["c2s_n_genes"].tolist() == [3, 0, 2]
    assert adata.obs["c2s_sentence"].dtype == object
    assert adata.obs["c2s_n_genes"].dtype == np.int32


@given(counts(), st.randoms(use_true_random=False))
@relaxed
def test_order_and_subset_of_cells_and_order_of_genes_do_not_matter(X, random):
    adata = adata_of(X.astype(np.float32))
    cells, genes = list(adata.obs_names), list(adata.var_names)
    random.shuffle(cells)
    random.shuffle(genes)
    cells = cells[: random.randint(0, len(cells))]
    whole = pd.Series(text(adata, n_genes=12), index=adata.obs_names, dtype=object)
    assert text(adata[cells, genes].copy(), n_genes=12) == whole[cells].tolist()
    assert text(adata[cells][:, genes], n_genes=12) == whole[cells].tolist()


@given(counts())
@relaxed
def test_counts_normalised_and_log_values_give_one_sentence(X):
    adata = adata_of(X.astype(np.float32))
    before = text(adata)
    assert before == expected(X)
    sc.pp.normalize_total(adata, target_sum=1e4)
    assert text(adata) == before
    sc.pp.log1p(adata)
    assert text(adata) == before


@given(counts(), st.sampled_from([sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, np.asarray]))
@relaxed
def test_formats_and_types_do_not_matter(X, container):
    for dtype in (np.int64, np.int32, np.float64, np.float32):
        assert text(adata_of(container(X.astype(dtype)))) == expected(X)
    assert text(adata_of(X.astype(np.float16))) == expected(X)


@pytest.mark.parametrize("n_genes", [5, None])
def test_blocks_and_threads_do_not_matter(monkeypatch, n_genes):
    X = negative_binomial()
    adata = adata_of(sparse.csr_matrix(X))
    whole = text(adata, n_genes=n_genes)
    assert whole == expected(X, n_genes)
    for block in (1, 33, 400):
        monkeypatch.setattr("scc2s.pp._sentences.BLOCK", block)
        monkeypatch.setattr("scc2s.pp._sentences._SMALL_BLOCK", block)
        for n_jobs in (1, 3):
            for store in ("text", "ranks"):
                assert text(adata, n_genes=n_genes, n_jobs=n_jobs, store=store) == whole


@pytest.mark.parametrize("fmt", ["csr", "csc", "dense"])
def test_files_read_in_blocks_give_the_same_sentences(tmp_path, monkeypatch, fmt):
    monkeypatch.setattr("scc2s._cells.rows._ON_DISK", 64)
    X = negative_binomial()
    adata = adata_of(X if fmt == "dense" else sparse.csr_matrix(X).asformat(fmt))
    adata.write_h5ad(tmp_path / "a.h5ad")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    scc2s.pp.sentences(backed, n_genes=10)
    assert backed.isbacked
    assert backed.obs["c2s_sentence"].tolist() == text(adata, n_genes=10)
    with pytest.raises(ValueError, match="to_memory"):
        scc2s.pp.sentences(backed[:5])


@pytest.mark.parametrize("kind", ["dense", "sparse", "split genes"])
def test_dask_arrays_give_the_same_sentences(kind):
    X = negative_binomial()
    array = da.from_array(X, chunks=(90, 20 if kind == "split genes" else -1))
    adata = adata_of(array.map_blocks(sparse.csr_matrix) if kind == "sparse" else array)
    assert text(adata, n_genes=10) == expected(X, 10)


@pytest.mark.parametrize("store", ["text", "ranks"])
@pytest.mark.parametrize("write", ["write_h5ad", pytest.param("write_zarr", marks=pytest.mark.slow)])
def test_sentences_survive_a_write_and_give_the_same_when_made_again(tmp_path, store, write):
    adata = adata_of(sparse.csr_matrix(np.vstack([negative_binomial(20), np.zeros((2, 50), np.float32)])))
    scc2s.pp.sentences(adata, store=store, exclude=["G1"], var_mask=np.arange(50) > 3)
    before = get_sentences(adata)
    getattr(adata, write)(tmp_path / "a")
    again = ad.read_h5ad(tmp_path / "a") if write == "write_h5ad" else ad.read_zarr(tmp_path / "a")
    assert get_sentences(again) == before
    assert again.uns["c2s"]["sentences"]["params"]["source"] == "X"
    assert text(again, exclude=["G1"], var_mask=np.arange(50) > 3) == before


def test_stored_zeros_and_unsorted_indices_do_not_matter():
    messy = sparse.csr_matrix(([0.0, 2, 1, 5], [3, 2, 1, 0], [0, 4]), shape=(1, 4))
    assert text(adata_of(messy)) == ["G0 G2 G1"]


@pytest.mark.parametrize("bad", ["scaled", "nan", "inf", "negative"])
def test_values_without_a_rank_are_refused_and_nothing_is_written(bad):
    X = negative_binomial()
    if bad == "scaled":
        X = (X - X.mean(0)) / X.std(0)
    else:
        X[3, 3] = {"nan": np.nan, "inf": np.inf, "negative": -1}[bad]
    adata = adata_of(X)
    with pytest.raises(ValueError, match="negative|NaN or infinite"):
        scc2s.pp.sentences(adata)
    assert "c2s_sentence" not in adata.obs
    assert "c2s" not in adata.uns


def test_errors_name_the_row_of_the_whole_matrix(monkeypatch):
    monkeypatch.setattr("scc2s.pp._sentences.BLOCK", 100)
    X = negative_binomial()
    X[321, 3] = np.nan
    with pytest.raises(ValueError, match=r"first: row 321\) have no place in a ranking; pass counts or log"):
        scc2s.pp.sentences(adata_of(X))


def test_files_are_never_read_whole(tmp_path):
    X = sparse.random_array((20_000, 400), density=0.2, rng=np.random.default_rng(0), dtype=np.float32, format="csr")
    adata_of(sparse.csr_matrix(X)).write_h5ad(tmp_path / "a.h5ad")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    scc2s.pp.sentences(backed, n_genes=5, store="ranks")  # compiles: what a compiler takes is not what is asked here
    tracemalloc.start()
    scc2s.pp.sentences(backed, n_genes=5, store="ranks")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (X.data.nbytes + X.indices.nbytes) / 2


def test_scaled_X_with_log_values_in_raw_just_works():
    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.sentences(adata)
    assert adata.uns["c2s"]["sentences"]["params"]["source"] == "raw.X"
    assert adata.obs["c2s_n_genes"].min() > 50
    with pytest.raises(ValueError, match="scaled data"):
        scc2s.pp.sentences(adata, use_raw=False)


def test_gene_names_with_spaces_and_braces_stay_one_word():
    adata = adata_of([[1, 2, 3]])
    adata.var_names = ["HLA DRA", "{x}", "g\tg"]
    assert text(adata) == ["g_g {x} HLA_DRA"]


def test_symbols_capitals_and_left_out_genes():
    adata = adata_of([[4, 3, 2, 1]])
    adata.var_names = [f"ENSMUSG0000006437{i}" for i in range(4)]
    adata.var["symbol"] = ["mt-Nd1", "Cd3d", None, "Lyz2"]
    with pytest.raises(ValueError, match="gene_symbols='symbol'"):
        scc2s.pp.sentences(adata)
    assert text(adata, gene_symbols="symbol") == ["mt-Nd1 Cd3d Lyz2"]
    assert text(adata, gene_symbols="symbol", upper=True, exclude=["MT-ND1"]) == ["CD3D LYZ2"]


def test_duplicate_and_case_colliding_symbols():
    adata = adata_of([[4, 3, 5, 1]])
    adata.var_names = ["A", "b", "A", "B"]
    with pytest.raises(ValueError, match="more than one gene: A"):
        scc2s.pp.sentences(adata)
    assert text(adata, on_duplicate="max") == ["A b B"]
    assert text(adata, on_duplicate="sum", upper=True) == ["A B"]


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (1, 1), (3, 500), (2, 0)])
def test_shapes_at_the_edge(shape):
    X = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    assert text(adata_of(X), n_genes=None) == expected(X, None)
    assert text(adata_of(X), n_genes=None, store="ranks") == expected(X, None)


def test_cells_without_genes_are_counted(caplog):
    adata = adata_of(np.zeros((3, 4)))
    scc2s.pp.sentences(adata)
    assert adata.obs["c2s_sentence"].tolist() == [""] * 3
    assert adata.uns["c2s"]["sentences"]["params"]["n_empty"] == 3
    assert "3 of 3 cells express no gene" in caplog.text


def test_many_cells_are_stored_as_ranks(monkeypatch):
    monkeypatch.setattr("scc2s.pp._sentences._MANY_CELLS", 10)
    adata = adata_of(negative_binomial(11))
    scc2s.pp.sentences(adata, n_genes=6)
    assert "c2s_sentence" not in adata.obs
    assert adata.obsm["c2s_ranks"].dtype == np.int32
    assert adata.obsm["c2s_ranks"].shape == (11, 6)
    assert get_sentences(adata) == text(adata, n_genes=6, store="text")
    # ranks keep their meaning when genes leave the AnnData
    assert get_sentences(adata[:, ["G1", "G2"]].copy()) == get_sentences(adata)


def test_sentences_of_an_earlier_call_do_not_stay_beside_new_ones():
    adata = adata_of(negative_binomial(5))
    scc2s.pp.sentences(adata, store="ranks", n_genes=9)
    scc2s.pp.sentences(adata, store="text", n_genes=3)
    assert "c2s_ranks" not in adata.obsm
    scc2s.pp.sentences(adata, store="ranks", n_genes=2)
    assert "c2s_sentence" not in adata.obs
    assert max(len(s.split()) for s in get_sentences(adata)) == 2


def test_several_sentences_beside_each_other():
    adata = adata_of(negative_binomial(5))
    scc2s.pp.sentences(adata)
    scc2s.pp.sentences(adata, n_genes=2, key_added="top2_sentence")
    assert adata.obs["top2_n_genes"].max() == 2
    assert adata.obs["c2s_n_genes"].max() > 2
    assert {"sentences", "sentences_top2"} <= set(adata.uns["c2s"])


def test_copy_leaves_the_original_as_it_was():
    adata = adata_of(negative_binomial(5))
    out = scc2s.pp.sentences(adata, copy=True)
    assert "c2s_sentence" in out.obs
    assert list(adata.obs) == []
    assert "c2s" not in adata.uns
    assert scc2s.pp.sentences(adata) is None


def test_matrix_is_left_as_it_was():
    X = sparse.csr_matrix(negative_binomial(5))
    adata = adata_of(X.copy())
    scc2s.pp.sentences(adata)
    assert (adata.X != X).nnz == 0


def test_modality_of_a_mudata():
    data = MuData({"rna": adata_of(negative_binomial(5)), "prot": adata_of(negative_binomial(5, 7, seed=1))})
    scc2s.pp.sentences(data, mod="prot")
    assert "c2s_sentence" in data.mod["prot"].obs
    assert "c2s_sentence" not in data.mod["rna"].obs
    assert "c2s_sentence" in scc2s.pp.sentences(data, copy=True).mod["rna"].obs


def test_organism_is_kept_for_prompts_and_a_wrong_one_is_noticed(caplog):
    adata = adata_of(negative_binomial(5, 3))
    adata.var_names = ["Cd3d", "Lyz2", "Nkg7"]
    scc2s.pp.sentences(adata, organism="Mus musculus")
    assert adata.uns["organism"] == "Mus musculus"
    assert "are named like" not in caplog.text
    scc2s.pp.sentences(adata, organism="human")
    assert "genes are named like those of Mus musculus" in caplog.text


@pytest.mark.parametrize("value", [5, "", "nan", ["human", "mouse"], 2.5, True])
def test_an_organism_that_is_none_is_refused_and_nothing_is_written(value):
    adata = adata_of(negative_binomial(5))
    with pytest.raises((TypeError, ValueError), match="pass organism="):
        scc2s.pp.sentences(adata, organism=value)
    assert list(adata.obs) == []
    assert adata.uns == {}


def test_organism_is_kept_by_its_scientific_name():
    adata = adata_of(negative_binomial(5))
    for value in ("NCBITaxon:9606", "Homo_sapiens", np.array(["human"])):
        scc2s.pp.sentences(adata, organism=value)
        assert adata.uns["organism"] == "Homo sapiens"


def test_record_says_how_the_sentences_were_made():
    adata = adata_of(negative_binomial(5), layers={"l": negative_binomial(5)})
    scc2s.pp.sentences(adata, layer="l", n_genes=7, random_state=3, tie_break="name")
    entry = adata.uns["c2s"]["sentences"]
    assert entry["params"] | {"n_genes": 7, "layer": "l", "random_state": 3, "tie_break": "name"} == entry["params"]
    assert "scc2s" in entry["versions"]


def test_wrong_store_is_refused():
    with pytest.raises(ValueError, match="pass 'text', 'ranks' or None"):
        scc2s.pp.sentences(adata_of([[1]]), store="arrow")


def test_settings_give_the_number_of_threads():
    adata = adata_of(negative_binomial())
    with scc2s.settings.override(n_jobs=1):
        one = text(adata)
    assert one == text(adata)


def test_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    scc2s.pp.sentences(adata_of(negative_binomial(5)))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_real_cells_alone_and_in_their_data_set(shared_data):
    adata = ad.read_h5ad(shared_data / "pbmc3k.h5ad")
    whole = text(adata)
    picked = [0, 5, 2000]
    assert text(adata[picked].copy()) == [whole[i] for i in picked]
    assert [text(adata[[i]].copy())[0] for i in picked] == [whole[i] for i in picked]
