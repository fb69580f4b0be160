from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from mudata import MuData

import scc2s

GENES = [f"GENE{i}A" for i in range(60)]


def cells(n: int, seed: int, genes: list[str] = GENES) -> ad.AnnData:
    """Cells of two types that differ in the first 20 genes."""
    rng = np.random.default_rng(seed)
    kind = np.array(["a", "b/c"])[np.arange(n) % 2]
    rate = np.full((n, 60), 2.0)
    rate[kind == "a", :10] = 8
    rate[kind != "a", 10:20] = 8
    out = ad.AnnData(rng.poisson(rate).astype("float32"), var=pd.DataFrame(index=GENES))
    out.obs["kind"] = pd.Categorical(kind)
    out.obs_names = [f"cell{seed}_{i}" for i in range(n)]
    return out[:, genes].copy()


@pytest.mark.parametrize("features", ["genes", "sentence"])
@pytest.mark.parametrize("method", ["logreg", "knn"])
def test_cells_get_the_label_of_cells_like_them(method, features):
    adata, reference = cells(20, 0), cells(60, 1)
    for each in (adata, reference):
        scc2s.pp.sentences(each, n_genes=30)
    scc2s.tl.transfer_labels(adata, reference, label_key="kind", method=method, features=features)
    assert (adata.obs["c2s_transfer_label"].astype(str) == adata.obs["kind"].astype(str)).all()
    probs = adata.obsm["c2s_transfer_label_probs"]
    assert probs.columns.tolist() == ["a", "b|c"]
    np.testing.assert_allclose(probs.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(adata.obs["c2s_transfer_label_prob"], probs.max(axis=1))
    record = adata.uns["c2s"]["transfer_labels"]
    assert record["accuracy_within_reference"] > 0.9
    assert 0.3 < record["majority_within_reference"] < 0.7
    assert record["n_held_out"] == 12


def test_a_panel_and_log_normalised_values_are_labelled_as_counts_of_all_genes_are():
    reference = cells(60, 1)
    panel = cells(20, 0, genes=GENES[5:40])
    logged = panel.copy()
    sc.pp.normalize_total(logged, target_sum=1e4)
    sc.pp.log1p(logged)
    for each in (panel, logged):
        scc2s.tl.transfer_labels(each, reference, label_key="kind")
    np.testing.assert_allclose(
        panel.obsm["c2s_transfer_label_probs"], logged.obsm["c2s_transfer_label_probs"], atol=1e-4
    )
    assert (panel.obs["c2s_transfer_label"].astype(str) == panel.obs["kind"].astype(str)).all()
    assert panel.uns["c2s"]["transfer_labels"]["params"]["n_shared_genes"] == 35


@pytest.mark.parametrize("method", ["logreg", "knn"])
def test_the_order_of_the_cells_changes_nothing(method):
    adata, reference = cells(20, 0), cells(60, 1)
    other, shuffled = adata[::-1].copy(), reference[::-1].copy()
    kwargs = {"label_key": "kind", "method": method, "n_cells": 20, "n_comps": 5}
    scc2s.tl.transfer_labels(adata, reference, **kwargs)
    scc2s.tl.transfer_labels(other, shuffled, **kwargs)
    a, b = adata.obsm["c2s_transfer_label_probs"], other.obsm["c2s_transfer_label_probs"]
    np.testing.assert_allclose(a, b.loc[a.index], atol=1e-5)
    assert adata.uns["c2s"]["transfer_labels"]["params"]["n_reference"] == 40


def test_empty_cells_have_no_label_and_unlabelled_ones_teach_nothing(caplog):
    adata, reference = cells(20, 0), cells(60, 1)
    adata.X[3] = 0
    reference.obs["kind"] = reference.obs["kind"].astype(object)
    reference.obs.iloc[:6, 0] = [None, "unassigned", np.nan] * 2
    scc2s.tl.transfer_labels(adata, reference, label_key="kind", groupby="kind", min_prob=0.999999)
    assert adata.obs["c2s_transfer_label"].isna().tolist() == [i == 3 for i in range(20)]
    assert "6 of 60 cells of the reference have no label" in caplog.text
    assert adata.uns["c2s"]["transfer_labels"]["params"]["labels"].tolist() == ["a", "b/c"]
    assert "unassigned" in set(adata.obs["c2s_transfer_label"])
    assert adata.obs["c2s_transfer_label_kind"].notna().all()


def test_one_cell_and_few_labelled_ones_are_enough():
    adata, reference = cells(1, 0), cells(4, 1)
    out = scc2s.tl.transfer_labels(
        MuData({"rna": adata}), MuData({"rna": reference}), label_key="kind", method="knn", copy=True
    )
    assert out["rna"].obs["c2s_transfer_label"].notna().all()
    assert "c2s" not in adata.uns
    assert np.isnan(out["rna"].uns["c2s"]["transfer_labels"]["accuracy_within_reference"])


def test_other_names_of_genes_are_refused_and_nothing_is_changed():
    adata, reference = cells(20, 0), cells(60, 1)
    reference.var_names = [f"OTHER{i}" for i in range(60)]
    with pytest.raises(ValueError, match=r"0 of 60 genes .* pass reference="):
        scc2s.tl.transfer_labels(adata, reference, label_key="kind")
    assert "c2s" not in adata.uns
    assert "c2s_transfer_label" not in adata.obs


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"label_key": "x"}, KeyError, "the reference: adata.obs has no column 'x'; pass label_key="),
        ({"label_key": "one"}, ValueError, "at least two"),
        ({"method": "svm"}, ValueError, "method='logreg'"),
        ({"features": "x"}, ValueError, "features='genes'"),
        ({"features": "sentence"}, KeyError, "c2s_sentences"),
        ({"n_neighbors": 0}, ValueError, "n_neighbors"),
        ({"n_genes": 0}, ValueError, "n_genes"),
        ({"n_cells": 1.5}, TypeError, "n_cells"),
        ({"min_prob": 2}, ValueError, "min_prob"),
        ({"layer": "x"}, KeyError, "no layer"),
        ({"reference_layer": "x"}, KeyError, "no layer"),
        ({"groupby": "leiden"}, KeyError, "leiden"),
        ({"key_added": "a/b"}, ValueError, "without '/'"),
    ],
    ids=str,
)
def test_arguments_that_mean_nothing_are_refused(kwargs, error, message):
    adata, reference = cells(6, 0), cells(8, 1)
    reference.obs["one"] = "x"
    with pytest.raises(error, match=message):
        scc2s.tl.transfer_labels(adata, reference, **{"label_key": "kind", **kwargs})
    assert "c2s" not in adata.uns


def test_a_reference_without_sentences_is_named():
    adata, reference = cells(6, 0), cells(8, 1)
    scc2s.pp.sentences(adata)
    with pytest.raises(KeyError, match=r"c2s_sentences\(reference\)"):
        scc2s.tl.transfer_labels(adata, reference, label_key="kind", features="sentence")
