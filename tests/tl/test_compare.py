from __future__ import annotations

import anndata as ad
import pytest
import scanpy as sc
from talking_cells import MARKERS, saying, talking_cells

import scc2s

SAYS = "CD3D is higher in T, CD79A in B. CD3E is lower in T. QXZ9 is higher in B."


@pytest.fixture
def adata():
    return talking_cells()


def compare(adata, model=SAYS, **kwargs):
    model = saying(model) if isinstance(model, str) else model
    scc2s.tl.compare(adata, "type", "T", "B", **{"model": model, "markers": MARKERS} | kwargs)
    return adata.uns["c2s"]["compare"]


def test_genes_of_both_directions_are_those_of_scanpys_test_of_the_two_groups(adata):
    adata.obs["type"] = adata.obs["type"].cat.add_categories(["X"])
    adata.obs.loc[adata.obs_names[:6], "type"] = "X"
    found = compare(adata)["genes"]
    pair = adata[adata.obs["type"].isin(["T", "B"])].copy()
    sc.pp.normalize_total(pair, target_sum=1e4)
    sc.pp.log1p(pair)
    sc.tl.rank_genes_groups(pair, "type", groups=["T"], reference="B")
    there = sc.get.rank_genes_groups_df(pair, "T").query("pvals_adj < 0.05")
    assert found.query("group == 'T'")["gene"].tolist() == there.query("scores > 0")["names"].head(10).tolist()
    assert found.query("group == 'B'")["gene"].tolist() == there.query("scores < 0")["names"].tolist()[::-1][:10]


def test_each_claim_is_held_against_the_cells_of_both(adata):
    found = compare(adata)
    assert found["claims"][["name", "said", "group", "holds"]].to_numpy().tolist() == [
        ["CD3D", "up", "T", "yes"],
        ["CD79A", "up", "B", "yes"],
        ["CD3E", "down", "T", "no"],
        ["QXZ9", "up", "B", "no"],
    ]
    row = found["table"].loc["T"]
    assert (row["n_claims"], row["n_contradicted"], row["flagged"]) == (4, 2, True)
    assert len(row["cells"].split(", ")) == 10


def test_a_test_of_ones_own_is_taken_in_both_directions(adata):
    copy = adata.copy()
    sc.pp.normalize_total(copy, target_sum=1e4)
    sc.pp.log1p(copy)
    for key, group, other in (("mine", "T", "B"), ("other", "B", "T")):
        sc.tl.rank_genes_groups(copy, "type", groups=[group], reference=other, method="wilcoxon", key_added=key)
        genes = compare(copy, rank_genes_key=key)["genes"]
        assert set(genes.query("group == 'T'")["gene"]) >= {"CD3D", "CD3E"}
        assert set(genes.query("group == 'B'")["gene"]) >= {"CD79A", "MS4A1"}
        assert (genes["score"] > 0).all()
    sc.tl.rank_genes_groups(copy, "type", key_added="rest")
    with pytest.raises(ValueError, match="does not compare 'T' with 'B'"):
        compare(copy, rank_genes_key="rest")
    with pytest.raises(KeyError, match="has no 'gone'"):
        compare(copy, rank_genes_key="gone")


def test_wrong_groups_are_refused_before_a_model_is_loaded(adata):
    for a, b, said in (("T", "T", "both 'T'"), ("T", "X", "no value 'X'")):
        with pytest.raises(ValueError, match=said):
            scc2s.tl.compare(adata, "type", a, b, model="/no/such/model")
    with pytest.raises(KeyError, match="no column 'nope'"):
        scc2s.tl.compare(adata, "nope", "T", "B", model="/no/such/model")


def test_it_survives_a_file(adata, tmp_path):
    compare(adata)
    adata.write_h5ad(tmp_path / "a.h5ad")
    assert ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["compare"]["claims"].shape[0] == 4


def test_real_blood_cells(shared_data):
    adata = ad.read_h5ad(shared_data / "pbmc3k.h5ad")
    column = next(
        (name for name in adata.obs if {"B cells", "NK cells"} <= set(map(str, adata.obs[name].unique()))), None
    )
    if column is None:
        sc.pp.normalize_total(adata)
        sc.pp.log1p(adata)
        level = adata[:, ["MS4A1", "NKG7"]].to_df()
        adata.obs["kind"] = ["B cells" if b > n else "NK cells" if n > b else "none" for b, n in level.to_numpy()]
        column = "kind"
    scc2s.pp.sentences(adata, n_genes=60)
    scc2s.tl.compare(
        adata, column, "B cells", "NK cells", model=saying("CD79A is higher in B cells and NKG7 is higher in B cells.")
    )
    claims = adata.uns["c2s"]["compare"]["claims"].query("kind == 'gene'").set_index("name")
    assert claims["holds"].to_dict() == {"CD79A": "yes", "NKG7": "no"}
