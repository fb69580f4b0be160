from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

from scc2s._cells.groups import Groups, expressing, top_genes
from scc2s._cells.recorded import recorded_expression


@pytest.fixture
def adata() -> ad.AnnData:
    """60 cells in three groups, each with two genes of its own, counts."""
    rng = np.random.default_rng(0)
    groups = np.repeat(["b", "a", "c"], [30, 20, 10])
    X = rng.poisson(0.5, size=(60, 8))
    for i, group in enumerate("abc"):
        X[groups == group, 2 * i : 2 * i + 2] += 3
    obs = pd.DataFrame({"group": pd.Categorical(groups)}, index=[f"cell{i}" for i in range(60)])
    out = ad.AnnData(sparse.csr_matrix(X.astype("float32")), obs=obs, var=pd.DataFrame(index=list("ABCDEFGH")))
    out.obs["c2s_sentence"] = "A B"
    return out


def test_groups_have_the_order_of_the_categories_and_no_empty_one(adata: ad.AnnData) -> None:
    adata.obs["group"] = adata.obs["group"].cat.reorder_categories(["c", "a", "b"]).cat.add_categories(["none"])
    adata.obs.iloc[0, 0] = np.nan
    groups = Groups.of(adata, "group")
    assert groups.names == ["c", "a", "b"]
    assert groups.sizes.tolist() == [10, 20, 29]
    assert groups.codes[0] == -1


def test_column_without_values_is_refused(adata: ad.AnnData) -> None:
    adata.obs["group"] = pd.Categorical([None] * 60)
    with pytest.raises(ValueError, match="pass groupby="):
        Groups.of(adata, "group")


def test_shuffled_rows_are_all_rows_and_follow_the_names_of_the_cells(adata: ad.AnnData) -> None:
    groups = Groups.of(adata, "group")
    rows = groups.shuffled(adata.obs_names, 0)
    assert sorted(np.concatenate(rows)) == list(range(60))
    assert all((groups.codes[some] == code).all() for code, some in enumerate(rows))
    order = np.random.default_rng(1).permutation(60)
    other = adata[order].copy()
    again = Groups.of(other, "group").shuffled(other.obs_names, 0)
    assert [other.obs_names[some].tolist() for some in again] == [adata.obs_names[some].tolist() for some in rows]
    assert adata.obs_names[groups.shuffled(adata.obs_names, 1)[0]].tolist() != adata.obs_names[rows[0]].tolist()


def test_top_genes_are_those_of_scanpy_on_log_normalised_values(adata: ad.AnnData) -> None:
    copy = adata.copy()
    sc.pp.normalize_total(copy, target_sum=1e4)
    sc.pp.log1p(copy)
    sc.tl.rank_genes_groups(copy, "group", n_genes=2)
    for form in (adata, copy):
        found = top_genes(form, "group", 2, key=None, sentence_key="c2s_sentence")
        for group in "abc":
            assert found[group] == sc.get.rank_genes_groups_df(copy, group)["names"].tolist()
    assert [set(found[group]) for group in "abc"] == [{"A", "B"}, {"C", "D"}, {"E", "F"}]


def test_only_genes_that_are_higher_count(adata: ad.AnnData) -> None:
    found = top_genes(adata, "group", 8, key=None, sentence_key="c2s_sentence")
    assert all(0 < len(genes) < 8 for genes in found.values())
    assert not {"A", "B", "E", "F"} & set(found["b"])


def test_shares_are_of_the_cells_of_each_group(adata: ad.AnnData) -> None:
    adata.obs.iloc[3, 0] = np.nan
    groups = Groups.of(adata, "group")
    shares = expressing(recorded_expression(adata, "sentences"), groups, ["H", "A"])
    for group in "abc":
        cells = (adata.obs["group"] == group).to_numpy()
        for gene in "HA":
            expected = (adata[cells, gene].X.toarray() > 0).mean()
            assert shares[group][gene] == pytest.approx(expected)


def test_no_genes_give_no_shares(adata: ad.AnnData) -> None:
    assert expressing(recorded_expression(adata, "sentences"), Groups.of(adata, "group"), [])["a"] == {}
