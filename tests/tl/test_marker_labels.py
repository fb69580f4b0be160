from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from mudata import MuData

import scc2s

B, T = ["CD79A", "CD79B", "MS4A1"], ["CD3D", "CD3E", "CD3G"]
BROAD = ["B cell", "CD34+ progenitor", "NK cell", "T cell", "dendritic cell", "monocyte"]
MINE = {"B": B, "T": T}


@pytest.fixture
def adata():
    """Six cells: three B cells, two T cells, and one that expresses no marker; counts."""
    X = np.zeros((6, 12), dtype="float32")
    X[:3, :3] = [[5, 3, 4], [2, 6, 1], [3, 3, 3]]
    X[3:5, 3:6] = [[4, 4, 2], [1, 5, 5]]
    X[:, 6:] = np.arange(6) + 1
    out = ad.AnnData(X)
    out.var_names = [*B, *T, *(f"G{i}" for i in range(6))]
    out.obs["cluster"] = pd.Categorical(["x", "x", "x", "y", "y", None])
    return out


def test_each_cell_gets_the_type_whose_markers_it_expresses(adata):
    scc2s.tl.marker_labels(adata, MINE)
    assert adata.obs["c2s_marker_label"].tolist() == ["B", "B", "B", "T", "T", "unassigned"]
    scores = adata.obsm["c2s_marker_label_scores"]
    assert scores.columns.tolist() == ["B", "T"]
    np.testing.assert_allclose(adata.obs["c2s_marker_label_margin"], np.abs(scores["B"] - scores["T"]), rtol=1e-5)
    table = adata.uns["c2s"]["marker_labels"]["table"]
    assert (table["gene"] == table["found_as"]).all()


def test_groups_get_the_label_of_their_mean_score_and_cells_of_none_get_none(adata):
    scc2s.tl.marker_labels(adata, MINE, groupby="cluster")
    assert adata.obs["c2s_marker_label_cluster"].tolist()[:5] == ["B"] * 3 + ["T"] * 2
    assert adata.obs["c2s_marker_label_cluster"].isna().tolist() == [False] * 5 + [True]


def test_what_is_not_clear_is_unassigned(adata):
    adata.X[0, 3:6] = [5, 3, 4]
    scc2s.tl.marker_labels(adata, MINE, min_margin=0.3)
    assert adata.obs["c2s_marker_label"].tolist()[0] == "unassigned"
    scc2s.tl.marker_labels(adata, MINE, min_score=0.99)
    assert set(adata.obs["c2s_marker_label"]) == {"unassigned"}


def test_the_order_and_the_kind_of_values_change_nothing_and_the_data_stays(adata):
    before = adata.X.copy()
    scc2s.tl.marker_labels(adata, MINE)
    logged = adata[::-1].copy()
    sc.pp.normalize_total(logged, target_sum=1e4)
    sc.pp.log1p(logged)
    scc2s.tl.marker_labels(logged, MINE)
    np.testing.assert_allclose(
        logged.obsm["c2s_marker_label_scores"].iloc[::-1], adata.obsm["c2s_marker_label_scores"], atol=1e-6
    )
    np.testing.assert_array_equal(adata.X, before)


def test_absent_genes_count_against_a_type(adata):
    own = {"T": scc2s.programs.Markers("T", T, absent=["G5"]), "other": ["G0", "G5"]}
    scc2s.tl.marker_labels(adata, own)
    assert (adata.obsm["c2s_marker_label_scores"]["T"] < 0).sum() >= 4


def test_types_without_markers_in_the_data_are_named_and_mouse_symbols_found_with_a_warning(adata, caplog):
    adata.var_names = [name.capitalize() for name in adata.var_names]
    out = scc2s.tl.marker_labels(MuData({"rna": adata}), labels=["B cell", "T cell", "mast cell"], copy=True)
    found = out["rna"].obs["c2s_marker_label"]
    assert found.tolist()[:5] == ["B cell"] * 3 + ["T cell"] * 2
    assert "mast cell: no cell can get this label" in caplog.text
    assert "other capitals" in caplog.text
    assert "c2s_marker_label" not in adata.obs


def test_hardly_any_marker_is_refused_and_nothing_is_changed(adata):
    adata.var_names = [f"G{i}" for i in range(12)]
    with pytest.raises(ValueError, match=r"nothing to choose from; pass markers="):
        scc2s.tl.marker_labels(adata)
    assert "c2s" not in adata.uns


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"labels": ["T"]}, KeyError, "no markers of 'T'"),
        ({"markers": MINE, "labels": ["X"]}, KeyError, "pass labels= some of 'B', 'T'"),
        ({"markers": MINE, "labels": "B"}, TypeError, "pass a list"),
        ({"markers": MINE, "groupby": "leiden"}, KeyError, "leiden"),
        ({"markers": MINE, "min_score": "x"}, TypeError, "min_score"),
        ({"markers": MINE, "min_margin": np.nan}, ValueError, "min_margin"),
        ({"markers": MINE, "key_added": "a/b"}, ValueError, "without '/'"),
        ({"markers": {"unassigned": B, "T": T}}, ValueError, "leave it out"),
        ({"markers": MINE, "layer": "x"}, KeyError, "no layer"),
    ],
    ids=str,
)
def test_arguments_that_mean_nothing_are_refused(adata, kwargs, error, message):
    with pytest.raises(error, match=message):
        scc2s.tl.marker_labels(adata, **kwargs)
    assert "c2s" not in adata.uns


def test_no_cells_are_refused_and_one_is_labelled(adata):
    with pytest.raises(ValueError, match="no cells"):
        scc2s.tl.marker_labels(adata[:0].copy(), MINE)
    one = adata[:1].copy()
    scc2s.tl.marker_labels(one, MINE)
    assert one.obs["c2s_marker_label"].tolist() == ["B"]


def test_scaled_values_are_refused(adata):
    adata.X = adata.X - 1
    with pytest.raises(ValueError, match="negative values"):
        scc2s.tl.marker_labels(adata, MINE)


def test_real_cells_of_blood_get_their_type():
    """Broad types of FACS-sorted and clustered PBMC; always the commonest label is right in 0.34."""
    cells = sc.datasets.pbmc68k_reduced()
    scc2s.tl.marker_labels(cells, labels=BROAD)
    truth = cells.obs["bulk_labels"].astype(str)
    for there, label, least in (
        ("CD19+ B", "B cell", 0.85),
        ("CD14+ Monocyte", "monocyte", 0.9),
        ("CD34+", "CD34+ progenitor", 0.9),
        ("CD8+ Cytotoxic T", "T cell", 0.7),
    ):
        assert (cells.obs.loc[truth == there, "c2s_marker_label"] == label).mean() > least


@pytest.mark.slow
def test_cells_labelled_by_their_surface_proteins_get_their_type(shared_data):
    import mudata as md

    rna = md.read_h5mu(shared_data / "pbmc_citeseq.h5mu")["rna"]
    rna = rna[rna.obs["cell_type"] != "unassigned"].copy()
    scc2s.tl.marker_labels(rna, labels=sorted(rna.obs["cell_type"].unique()))
    assert (rna.obs["c2s_marker_label"].astype(str) == rna.obs["cell_type"].astype(str)).mean() > 0.9
