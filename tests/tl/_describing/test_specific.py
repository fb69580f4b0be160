"""What is higher in a group of cells than elsewhere."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score

from scc2s._cells.access import expression
from scc2s._cells.groups import Groups
from scc2s.programs import as_markers
from scc2s.programs._type_names import TypeNames
from scc2s.tl._describing.specific import Specific, rival, specific

MARKERS = as_markers({"T cell": ["CD3D", "CD3E"], "B cell": ["CD79A", "MS4A1"], "NK cell": ["NKG7", "GNLY"]})
GENES = ["CD3D", "CD3E", "CD79A", "Ms4a1", "NKG7", "ACTB"]


@pytest.fixture
def adata() -> ad.AnnData:
    rng = np.random.default_rng(0)
    group = np.array(["t"] * 20 + ["b"] * 20 + ["lone"])
    X = rng.poisson(1.0, (41, 6)).astype(np.float32)
    X[:20, :2] += rng.poisson(3.0, (20, 2))
    X[20:40, 2:4] += rng.poisson(3.0, (20, 2))
    obs = pd.DataFrame({"group": group}, index=[f"c{i}" for i in range(41)])
    return ad.AnnData(sparse.csr_matrix(X), obs=obs, var=pd.DataFrame(index=GENES))


def test_genes_and_the_mean_of_scaled_markers_are_compared_on_log_normalised_values(adata: ad.AnnData) -> None:
    found = specific(expression(adata), Groups.of(adata, "group"), ["ACTB"], MARKERS)
    X = adata.X.toarray()
    logged = np.log1p(1e4 * X / X.sum(axis=1, keepdims=True))
    is_t = (adata.obs["group"] == "t").to_numpy()
    assert found.genes.loc["t", "ACTB"] == pytest.approx(roc_auc_score(is_t, logged[:, 5]))
    means = (logged[:, :2] / logged[:, :2].std(axis=0)).mean(axis=1)
    assert found.types.loc["t", "T cell"] == pytest.approx(roc_auc_score(is_t, means))
    assert found.types.loc["b", "B cell"] > 0.9


def test_types_with_one_gene_in_the_data_are_left_out_and_capitals_make_no_difference(adata: ad.AnnData) -> None:
    found = specific(expression(adata), Groups.of(adata, "group"), [], MARKERS)
    assert list(found.types) == ["T cell", "B cell"]
    assert found.markers["B cell"] == ["CD79A", "Ms4a1"]


def test_groups_of_one_cell_and_single_groups_are_not_compared(adata: ad.AnnData) -> None:
    assert specific(expression(adata), Groups.of(adata, "group"), [], MARKERS).types.loc["lone"].isna().all()
    adata.obs["one"] = "all"
    assert specific(expression(adata), Groups.of(adata, "one"), ["ACTB"], MARKERS).genes.isna().all(axis=None)


def test_cells_without_a_group_are_among_the_others(adata: ad.AnnData) -> None:
    adata.obs.loc[adata.obs["group"] == "b", "group"] = np.nan
    assert specific(expression(adata), Groups.of(adata, "group"), [], MARKERS).types.loc["t", "T cell"] > 0.9


def test_genes_that_sentences_leave_out_are_compared_too(adata: ad.AnnData) -> None:
    whole = specific(expression(adata), Groups.of(adata, "group"), [], MARKERS)
    part = specific(expression(adata, exclude=["CD3D"]), Groups.of(adata, "group"), [], MARKERS)
    pd.testing.assert_frame_equal(part.types, whole.types)


def test_share_of_other_cells_that_have_two_markers(adata: ad.AnnData) -> None:
    found = specific(expression(adata), Groups.of(adata, "group"), [], MARKERS)
    has = (adata.X[:, :2] > 0).sum(axis=1) == 2
    assert found.elsewhere.loc["b", "T cell"] == pytest.approx(has[(adata.obs["group"] != "b").to_numpy()].mean())
    assert found.elsewhere.loc["t", "T cell"] == pytest.approx(has[20:].mean())
    assert not found.is_all_over("t", "T cell")


def test_a_rival_is_higher_by_more_than_chance_and_not_wider_or_narrower() -> None:
    types = TypeNames(as_markers({"T cell": ["A"], "naive CD4 T cell": ["B"], "B cell": ["C"]}))
    row = pd.DataFrame({"T cell": [0.80], "naive CD4 T cell": [0.99], "B cell": [0.90]}, index=["g"])

    def found(n: int, **changed: float) -> str | None:
        return rival(Specific(row, row.assign(**changed), row, {}, {"g": n}), "g", "T cell", types)

    assert found(100) == "B cell"
    assert found(4) is None  # within the standard error
    assert found(10**6, **{"B cell": 0.81}) is None  # within the margin
    assert found(100, **{"B cell": 0.5}) is None
