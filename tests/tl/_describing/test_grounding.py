"""Flags of captions, and why."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from scc2s._cells.access import expression
from scc2s._cells.groups import Groups
from scc2s.programs import as_markers
from scc2s.tl._describing.grounding import grounding

MARKERS = as_markers({"T cell": ["CD3D", "CD3E"], "B cell": ["CD79A", "MS4A1"], "mast cell": ["KIT", "CPA3"]})


N = 60


@pytest.fixture
def adata() -> ad.AnnData:
    """As many cells of "t" as of "b", with their own two markers; B2M everywhere, KIT in none."""
    rng = np.random.default_rng(0)
    X = rng.poisson([0.2, 0.2, 0.2, 0.2, 5, 0], (2 * N, 6)).astype(np.float32)
    X[:N, :2] += rng.poisson(4.0, (N, 2))
    X[N:, 2:4] += rng.poisson(4.0, (N, 2))
    obs = pd.DataFrame({"group": ["t"] * N + ["b"] * N}, index=[f"c{i}" for i in range(2 * N)])
    names = ["CD3D", "CD3E", "CD79A", "MS4A1", "B2M", "KIT"]
    return ad.AnnData(sparse.csr_matrix(X), obs=obs, var=pd.DataFrame(index=names))


def check(adata: ad.AnnData, text: str, group: str = "t", **kwargs: object) -> pd.Series:
    chosen = {"min_share": 0.1, "min_auroc": 0.65, "markers": MARKERS, "ignore": (), **kwargs}
    return grounding([text], [group], expression(adata), Groups.of(adata, "group"), **chosen).iloc[0]


def test_a_right_caption_is_supported_and_not_flagged(adata: ad.AnnData) -> None:
    row = check(adata, "A T cell from blood, marked by CD3D and CD3E.")
    assert (row["type"], row["type_supported"], row["type_markers"]) == ("T cell", "yes", "CD3D, CD3E")
    assert row["share_specific"] == row["share_grounded"] == 1
    assert not row["flagged"]
    assert row["why"] == ""


def test_a_wrong_type_is_flagged_though_all_its_genes_are_expressed(adata: ad.AnnData) -> None:
    row = check(adata, "A B cell from blood, marked by B2M.")
    assert row["share_grounded"] == 1
    assert (row["type_supported"], row["type_rival"]) == ("no", "T cell")
    assert row["why"] == "no higher here than elsewhere: B2M; markers of B cell: those of T cell stand out more"


def test_genes_alone_can_flag_a_caption(adata: ad.AnnData) -> None:
    row = check(adata, "Cells with much B2M.")
    assert (row["share_specific"], row["type_supported"]) == (0, "")
    assert row["flagged"]
    half = check(adata, "Cells with B2M and CD3D.")
    assert half["genes_not_specific"] == "B2M"
    assert not half["flagged"]


def test_invented_genes_and_those_hardly_expressed_flag_a_caption(adata: ad.AnnData) -> None:
    row = check(adata, "A T cell with CD3D, KIT and QXZ7.")
    assert row["flagged"]
    assert row["why"] == "hardly expressed here: KIT; not genes of the data: QXZ7"


def test_what_cannot_be_judged_is_said_and_not_flagged(adata: ad.AnnData) -> None:
    assert check(adata, "A mast cell.")["why"] == "type not judged: under 2 markers of mast cell are in the data"
    assert check(adata, "A neuron.")["why"] == "type not judged: no type of the markers is named"
    assert check(adata, "")["why"] == "no caption"
    adata.obs["group"] = "t"
    row = check(adata, "A B cell with B2M.")
    assert row["why"] == "not judged: it takes two cells in the group and two elsewhere"
    assert not row["flagged"]
    assert np.isnan(row["share_specific"])
    assert np.isnan(row["type_auroc"])


def test_where_all_cells_are_of_a_type_no_group_is_flagged_for_being_like_the_others(adata: ad.AnnData) -> None:
    sorted_cells = adata[:N].copy()
    sorted_cells.obs["group"] = np.resize(["t", "b"], N)
    row = check(sorted_cells, "A T cell with CD3D and CD3E.")
    assert row["why"] == "type not judged: most cells elsewhere have the markers of T cell too"
    assert (row["flagged"], row["type_supported"]) == (False, "")
    assert check(sorted_cells, "A B cell.")["flagged"]


def test_names_of_types_are_no_genes(adata: ad.AnnData) -> None:
    adata.var_names = ["CD3D", "CD3E", "CD79A", "MS4A1", "CD4", "KIT"]
    named = as_markers({"CD4 T cell": ["CD3D", "CD3E"]})
    assert check(adata, "A CD4 T cell.", markers=named)["genes_named"] == ""


def test_cells_of_chance_are_no_type(adata: ad.AnnData) -> None:
    adata.obs["group"] = np.resize(["t", "b"], adata.n_obs)
    row = check(adata, "A T cell with CD3D.")
    assert row["why"] == "no higher here than elsewhere: CD3D; markers of T cell: no higher here than elsewhere"
