from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from mudata import MuData
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity

import scc2s
from scc2s.tl._labelling import bulk as of_bulk
from scc2s.tl._labelling.bulk import centred_cosine, cosine, nearest

if TYPE_CHECKING:
    from pathlib import Path

GENES = [f"GENE{i}A" for i in range(60)]


def cells(n: int = 40, seed: int = 0) -> ad.AnnData:
    """Cells of two types that differ in the first 20 genes."""
    rng = np.random.default_rng(seed)
    kind = np.array(["a/b", "c"])[np.arange(n) % 2]
    rate = np.full((n, 60), 1.0)
    rate[kind == "a/b", :10] = 8
    rate[kind == "c", 10:20] = 8
    out = ad.AnnData(sparse.csr_matrix(rng.poisson(rate).astype("float32")), var=pd.DataFrame(index=GENES))
    out.obs["kind"] = pd.Categorical(kind)
    out.obs["donor"] = np.where(np.arange(n) % 4 < 2, "1", "2")
    out.obs_names = [f"cell{seed}_{i}" for i in range(n)]
    return out


def bulk_of(adata: ad.AnnData) -> ad.AnnData:
    return scc2s.pp.pseudobulk(adata, by="kind")


def test_cells_get_the_profile_of_their_type_from_other_cells() -> None:
    adata, bulk = cells(), bulk_of(cells(200, 1))
    scc2s.tl.match_bulk(adata, bulk, use_rep="expression", pairs_by="kind")
    assert (adata.obs["c2s_bulk_match"].astype(str) == adata.obs["kind"].astype(str)).all()
    similar = adata.obsm["c2s_bulk_match_similarities"]
    assert similar.columns.tolist() == ["a|b", "c"]
    np.testing.assert_allclose(adata.obs["c2s_bulk_match_similarity"], similar.max(axis=1))
    np.testing.assert_allclose(adata.obs["c2s_bulk_match_margin"], similar.max(axis=1) - similar.min(axis=1), rtol=1e-5)
    table = adata.uns["c2s"]["bulk_match"]["table"].set_index("rep")
    assert table.loc["expression", ["accuracy", "n_pairs", "floor"]].tolist() == [1, 40, False]
    assert table.loc["expression", "foscttm"] < 0.2  # other cells of its type may be closer to the profile
    assert table.loc["random", "foscttm"] == pytest.approx(0.375, abs=0.1)  # pairs with the same profile do not count
    assert table["floor"].to_dict() == {"expression": False, "relative": True, "random": True}


def test_similarity_is_the_cosine_of_log_normalised_expression() -> None:
    adata, bulk = cells(), bulk_of(cells(200, 1))
    scc2s.tl.match_bulk(adata, bulk, use_rep="expression", target_sum=1e4)
    for each in (adata, bulk):
        sc.pp.normalize_total(each, target_sum=1e4)
        sc.pp.log1p(each)
    np.testing.assert_allclose(adata.obsm["c2s_bulk_match_similarities"], cosine_similarity(adata.X, bulk.X), rtol=1e-5)


def test_an_embedding_is_compared_as_it_is_and_said_to_be_no_better_than_its_floor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    adata, bulk = cells(), bulk_of(cells(200, 1))
    rng = np.random.default_rng(0)
    for each in (adata, bulk):
        each.obsm["X_mine"] = rng.standard_normal((each.n_obs, 8)).astype("float32")
        scc2s.pp.sentences(each, n_genes=20)
    with caplog.at_level(logging.INFO, logger="scc2s"):
        scc2s.tl.match_bulk(adata, bulk, use_rep="X_mine", pairs_by=["kind"])
    np.testing.assert_allclose(
        adata.obsm["c2s_bulk_match_similarities"],
        cosine_similarity(adata.obsm["X_mine"], bulk.obsm["X_mine"]),
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip
    assert adata.uns["c2s"]["bulk_match"]["table"]["rep"].tolist() == [
        "X_mine",
        "expression",
        "relative",
        "sentence",
        "random",
    ]
    assert "by FOSCTTM X_mine is no better than" in caplog.text
    record = adata.uns["c2s"]["bulk_match"]
    chance = record["chance"]
    assert f"FOSCTTM (0 perfect, {chance['foscttm']:.3f} chance): X_mine {record['table'].loc[0, 'foscttm']:.3f}, " in (
        caplog.text
    )
    said = f"accuracy (1 perfect, {1 / bulk.n_obs:.3f} chance): X_mine {record['table'].loc[0, 'accuracy']:.3f}, "
    assert said in caplog.text
    assert "random" not in caplog.text  # one draw is not chance


@pytest.mark.parametrize(("sizes", "without", "more"), [((9, 3), 0, 0), ((4, 4, 4), 2, 1), ((1,) * 12, 0, 0)])
def test_chance_is_the_mean_of_what_vectors_that_know_nothing_give(
    sizes: tuple[int, ...], without: int, more: int
) -> None:
    own = np.repeat([*range(len(sizes)), -1], [*sizes, without])
    n_profiles = len(sizes) + more
    drawn = pd.concat(
        of_bulk.pair_table({"random": of_bulk.random_similarity(len(own), n_profiles, seed)}, own, "random")
        for seed in range(400)
    )[["foscttm", "accuracy"]]
    chance = pd.Series(of_bulk.by_chance(own, n_profiles))
    error = drawn.std() / 20
    assert ((drawn.mean() - chance).abs() < 4 * error).all()
    assert (chance < 0.5 + 1e-9).all()


def test_sentences_are_compared_by_their_words() -> None:
    adata, bulk = cells(), bulk_of(cells(200, 1))
    for each in (adata, bulk):
        scc2s.pp.sentences(each, n_genes=40)
    scc2s.tl.match_bulk(adata, bulk, use_rep="sentence")
    assert (adata.obs["c2s_bulk_match"].astype(str) == adata.obs["kind"].astype(str)).mean() > 0.95
    assert "table" not in adata.uns["c2s"]["bulk_match"]


def test_the_order_of_cells_changes_nothing() -> None:
    adata, bulk = cells(), bulk_of(cells(200, 1))
    rows = np.random.default_rng(3).permutation(adata.n_obs)
    moved = adata[rows].copy()
    for each in (adata, moved):
        scc2s.tl.match_bulk(each, bulk, use_rep="expression")
    names = moved.obs_names
    assert adata.obs.loc[names, "c2s_bulk_match_similarity"].equals(moved.obs["c2s_bulk_match_similarity"])


def test_a_cell_without_genes_gets_no_profile(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    adata.X = adata.X.toarray()
    adata.X[3] = 0
    scc2s.tl.match_bulk(adata, bulk_of(cells(200, 1)), use_rep="expression", pairs_by="kind")
    assert adata.obs["c2s_bulk_match"].isna().sum() == 1
    assert np.isnan(adata.obs["c2s_bulk_match_margin"].iloc[3])
    assert "1 of 40 cells are like no profile" in caplog.text
    assert adata.uns["c2s"]["bulk_match"]["table"].loc[0, "accuracy"] == 39 / 40


def test_one_profile_has_no_margin_and_one_cell_is_matched() -> None:
    adata, bulk = cells()[:1].copy(), bulk_of(cells(200, 1))[:1].copy()
    scc2s.tl.match_bulk(adata, bulk, use_rep="expression")
    assert adata.obs["c2s_bulk_match"].tolist() == [bulk.obs_names[0]]
    assert adata.obs["c2s_bulk_match_margin"].isna().all()


def test_many_profiles_are_matched_without_keeping_all_similarities() -> None:
    adata, bulk = cells(), cells(1001, 1)
    scc2s.tl.match_bulk(adata, bulk, use_rep="expression")
    assert "c2s_bulk_match_similarities" not in adata.obsm
    assert adata.obs["c2s_bulk_match"].notna().all()


def test_kernels_by_hand() -> None:
    found = nearest(np.array([[0.5, 0.5], [np.nan, 0.2], [np.nan, np.nan]]))
    assert found.profile.tolist() == [0, 1, -1]
    np.testing.assert_array_equal(found.margin, [0, np.nan, np.nan])
    dense = np.array([[1.0, 2], [0, 0]])
    rng = np.random.default_rng(0)
    Q, R = rng.poisson(1.0, (20, 8)).astype(float), rng.poisson(1.0, (5, 8)).astype(float)
    found = centred_cosine(sparse.csr_matrix(Q), sparse.csr_matrix(R))
    np.testing.assert_allclose(found, cosine_similarity(Q - Q.mean(0), R - R.mean(0)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(cosine(sparse.csr_matrix(dense), sparse.csr_matrix(dense)), cosine(dense, dense))


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"use_rep": "X_c2s"}, KeyError, r"adata.obsm has no 'X_c2s'; call sc.tl.c2s_embed\(adata\) first"),
        ({"use_rep": "sentence"}, KeyError, "sentences"),
        ({"pairs_by": "nope"}, KeyError, "of adata: .*pass pairs_by="),
        ({"pairs_by": ["donor"]}, KeyError, "of bulk: .*pass pairs_by="),
        ({"bulk_layer": "nope"}, KeyError, "no layer"),
        ({"target_sum": 0}, ValueError, "target_sum"),
        ({"random_state": "x"}, TypeError, "random_state"),
        ({"key_added": "a/b"}, ValueError, "key_added"),
    ],
)
def test_bad_arguments_are_named_and_nothing_is_changed(wrong: dict[str, Any], error: Any, text: str) -> None:
    adata = cells()
    before = adata.copy()
    with pytest.raises(error, match=text):
        scc2s.tl.match_bulk(adata, bulk_of(cells(200, 1)), **{"use_rep": "expression", **wrong})
    assert adata.obs.equals(before.obs)
    assert "c2s" not in adata.uns


def test_profiles_that_are_not_one_cells_own_are_refused() -> None:
    bulk = scc2s.pp.pseudobulk(cells(200, 1), by=["kind", "donor"])
    with pytest.raises(ValueError, match=r"two profiles of bulk .* more columns"):
        scc2s.tl.match_bulk(cells(), bulk, use_rep="expression", pairs_by="kind")
    other = bulk_of(cells(200, 1))
    other.obs["kind"] = ["x", "y"]
    with pytest.raises(ValueError, match="no cell has a profile"):
        scc2s.tl.match_bulk(cells(), other, use_rep="expression", pairs_by="kind")
    with pytest.raises(ValueError, match=r"pass bulk= of the same organism"):
        other.var_names = [f"OTHER{i}" for i in range(60)]
        scc2s.tl.match_bulk(cells(), other, use_rep="expression")
    bulk.obs.index = ["a"] * bulk.n_obs
    with pytest.raises(ValueError, match="same name"):
        scc2s.tl.match_bulk(cells(), bulk, use_rep="expression")
    with pytest.raises(ValueError, match="no profiles"):
        scc2s.tl.match_bulk(cells(), other[:0].copy(), use_rep="expression")


def test_embeddings_of_different_models_are_not_compared() -> None:
    adata, bulk = cells(), bulk_of(cells(200, 1))
    for each, name in ((adata, "one"), (bulk, "two")):
        scc2s.pp.sentences(each, n_genes=20)
        each.obsm["X_c2s"] = np.ones((each.n_obs, 4), dtype=np.float32)
        each.uns["c2s"]["embed"] = {"params": {}, "model": {"id": name, "weights_hash": "1"}}
    with pytest.raises(ValueError, match=r"different models \(one 1 and two 1\)"):
        scc2s.tl.match_bulk(adata, bulk)
    bulk.obsm["X_c2s"][0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        scc2s.tl.match_bulk(adata, bulk)


@pytest.mark.parametrize("how", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_the_result_survives_files_and_a_mudata(how: str, tmp_path: Path) -> None:
    data = MuData({"rna": cells()})
    out = scc2s.tl.match_bulk(data, bulk_of(cells(200, 1)), use_rep="expression", pairs_by="kind", copy=True)
    assert "c2s" not in data["rna"].uns
    adata = out["rna"]
    getattr(adata, f"write_{how}")(tmp_path / "a")
    again = ad.read_h5ad(tmp_path / "a") if how == "h5ad" else ad.read_zarr(tmp_path / "a")
    pd.testing.assert_frame_equal(
        again.uns["c2s"]["bulk_match"]["table"], adata.uns["c2s"]["bulk_match"]["table"], check_dtype=False,
        check_index_type=False,
    )  # fmt: skip
    assert again.obs["c2s_bulk_match"].tolist() == adata.obs["c2s_bulk_match"].tolist()


def test_kang_floors_are_those_of_the_definition(shared_data: Path) -> None:
    """Definitions 2.11: 20 groups, 10 cells of each: log-expression 0.084, bag of the top 100 0.092, random 0.517."""
    adata = ad.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    by = ["donor", "condition", "cell_type"]
    bulk = scc2s.pp.pseudobulk(adata, by=by)
    groups = adata.obs[by].astype(str).agg("_".join, axis=1)
    drawn = adata[groups.groupby(groups).sample(10, random_state=0).index].copy()
    for each in (drawn, bulk):
        scc2s.pp.sentences(each, n_genes=100)
    scc2s.tl.match_bulk(drawn, bulk, use_rep="expression", pairs_by=by)
    found = drawn.uns["c2s"]["bulk_match"]["table"].set_index("rep")["foscttm"]
    assert found["expression"] == pytest.approx(0.084, abs=0.02)
    assert found["sentence"] == pytest.approx(0.092, abs=0.03)
    assert found["random"] == pytest.approx(0.5, abs=0.05)
    assert (drawn.uns["c2s"]["bulk_match"]["table"]["n_pairs"] == 200).all()


@pytest.mark.parametrize(
    ("file", "kind", "label"),
    [
        ("bulk_immune_signature_abis", "B cell", "B "),
        ("bulk_hematopoiesis_dmap", "B cell", "B-cell"),
        ("bulk_sorted_immune_fantom5", "NK cell", "NK"),
    ],
)
def test_real_cells_find_their_sorted_population_on_another_platform(
    shared_data: Path, file: str, kind: str, label: str
) -> None:
    adata = ad.read_h5ad(shared_data / "pbmc3k.h5ad")[::6].copy()
    bulk = ad.read_h5ad(shared_data / f"{file}.h5ad")
    scc2s.tl.match_bulk(adata, bulk, use_rep="relative")
    labels = adata.obs["c2s_bulk_match"].astype(str).map(bulk.obs["cell_type"].astype(str))
    assert labels[adata.obs["cell_type"] == kind].str.contains(label).mean() > 0.6


def test_nothing_is_relative_to_one_profile() -> None:
    adata, bulk = cells(), bulk_of(cells(200, 1))
    with pytest.raises(ValueError, match="pass use_rep='expression'"):
        scc2s.tl.match_bulk(adata, bulk[:1].copy(), use_rep="relative")
