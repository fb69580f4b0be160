"""Facts of clusters: genes of scanpy's test, the value of most cells, texts that are about them."""

from __future__ import annotations

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from talking_cells import talking_cells

import scc2s


@pytest.fixture
def adata():
    out = talking_cells()
    del out.obs["c2s_sentence"]
    del out.uns["c2s"]
    out.obs["tissue"] = "blood"
    return out


def facts(adata, **kwargs):
    return scc2s.pp.cluster_facts(adata, **{"groupby": "type"} | kwargs)


def test_a_row_has_the_genes_of_scanpys_test_and_nothing_is_written(adata):
    before = adata.copy()
    table = facts(adata, n_top=2)
    copy = adata.copy()
    sc.pp.normalize_total(copy, target_sum=1e4)
    sc.pp.log1p(copy)
    sc.tl.rank_genes_groups(copy, "type")
    for row in table.itertuples():
        expected = sc.get.rank_genes_groups_df(copy, row.cluster)["names"].head(2)
        assert row.genes == ", ".join(expected)
    assert table["cluster"].tolist() == table["cell_type"].tolist() == ["B", "T"]
    assert table["n_cells"].tolist() == [48, 48]
    assert table["tissue"].tolist() == ["blood"] * 2
    assert table["disease"].tolist() == table["study"].tolist() == table["text"].tolist() == [""] * 2
    assert table["organism"].tolist() == ["Homo sapiens"] * 2
    pd.testing.assert_frame_equal(adata.obs, before.obs)
    assert set(adata.uns) == set(before.uns)


def test_a_test_of_your_own_is_taken(adata):
    sc.tl.rank_genes_groups(adata, "type", method="wilcoxon", key_added="mine")
    expected = [", ".join(sc.get.rank_genes_groups_df(adata, name, key="mine")["names"].head(2)) for name in ("B", "T")]
    assert facts(adata, rank_genes_key="mine", n_top=2)["genes"].tolist() == expected
    with pytest.raises(KeyError, match="no 'yours'"):
        facts(adata, rank_genes_key="yours")


def test_studies_are_told_apart_and_compared_with_themselves(adata):
    table = facts(adata, groupby="condition", study_key="type", cell_type_key="type")
    assert table[["study", "cluster", "cell_type"]].to_numpy().tolist() == [
        ["B", "ctrl", "B"], ["B", "stim", "B"], ["T", "ctrl", "T"], ["T", "stim", "T"],
    ]  # fmt: skip
    assert {"ISG15", "IFI6"} <= set(table.loc[1, "genes"].split(", "))
    own = facts(adata[adata.obs["type"] == "B"].copy(), groupby="condition")
    assert own["genes"].tolist() == table["genes"].tolist()[:2]


def test_a_value_is_that_of_over_half_of_the_cells(adata, caplog):
    adata.obs["kind"] = np.where(np.arange(adata.n_obs) % 2, "x", "y")
    adata.obs.loc[adata.obs["type"] == "T", "kind"] = "z"
    adata.obs.loc[adata.obs_names[:3], "tissue"] = None
    adata.obs["disease"] = pd.Categorical([None] * adata.n_obs, categories=["flu"])
    table = facts(adata, cell_type_key="kind")
    assert table["cell_type"].tolist() == ["", "z"]
    assert "1 clusters have no cell type: B" in caplog.text
    assert table["tissue"].tolist() == ["blood"] * 2
    assert table["disease"].tolist() == ["", ""]


def test_clusters_without_a_letter_are_no_types(adata):
    adata.obs["leiden"] = np.where(adata.obs["type"] == "T", "0", "1")
    assert facts(adata, groupby="leiden")["cell_type"].tolist() == ["", ""]
    assert facts(adata, groupby="leiden", cell_type_key="type")["cell_type"].tolist() == ["T", "B"]


def test_texts_are_those_about_the_cells(adata):
    scc2s.pp.add_text(adata, "All of it.", source="abstract")
    scc2s.pp.add_text(adata, {"T": "Sorted."}, level="type", source="sorting")
    assert facts(adata)["text"].tolist() == ["All of it.", "All of it.\n\nSorted."]


def test_cells_without_a_group_are_left_out_and_one_cell_has_no_genes(adata, caplog):
    kinds = adata.obs["type"].astype(object)
    kinds.iloc[0], kinds.iloc[1] = None, "single"
    adata.obs["type"] = kinds
    table = facts(adata).set_index("cluster")
    assert table.loc["single", ["n_cells", "genes"]].tolist() == [1, ""]
    assert table["n_cells"].sum() == adata.n_obs - 1
    assert "no genes stand out in single" in caplog.text


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"groupby": "none"}, KeyError, "no column 'none'; pass groupby="),
        ({"tissue_key": "none"}, KeyError, "no column 'none'; pass tissue_key="),
        ({"cell_type_key": "none"}, KeyError, "no column 'none'; pass cell_type_key="),
        ({"n_top": 0}, ValueError, "n_top=0"),
    ],
)
def test_what_is_not_there_is_refused(adata, more, error, said):
    with pytest.raises(error, match=said):
        facts(adata, **more)


def test_no_cells_are_refused_and_a_mudata_is_opened(adata):
    with pytest.raises(ValueError, match="no cells"):
        facts(adata[:0].copy())
    pd.testing.assert_frame_equal(facts(mudata.MuData({"rna": adata})), facts(adata))


def test_real_cells_have_their_markers(shared_data):
    adata = ad.read_h5ad(shared_data / "pbmc3k.h5ad")
    table = facts(adata, groupby="cell_type").set_index("cluster")
    assert table.loc["B cell", ["tissue", "organism"]].tolist() == ["blood", "Homo sapiens"]
    assert {"CD79A", "MS4A1", "CD79B", "CD74"} & set(table.loc["B cell", "genes"].split(", "))
    assert {"NKG7", "GNLY", "GZMB"} & set(table.loc["NK cell", "genes"].split(", "))
