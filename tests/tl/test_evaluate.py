"""A score of predicted cells comes with what real cells and what nothing at all would reach."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from mudata import MuData
from scipy import sparse

import scc2s
from scc2s.metrics import delta_pearson, energy_distance, mmd, pearson, scfid, wasserstein

DISTANCES = ["scfid", "mmd", "wasserstein", "energy_distance"]


def cells(n=60, shift=0.0, seed=0, *, groups=("a", "b")):
    rng = np.random.default_rng(seed)
    kind = np.repeat(groups, n // len(groups))
    levels = np.random.default_rng(5).gamma(1.0, 1.0, (len(groups), 12))
    X = np.repeat(levels, n // len(groups), axis=0) + rng.normal(0, 0.2, (n, 12)) + shift * (np.arange(12) < 3)
    adata = ad.AnnData(X.astype(np.float32), obs=pd.DataFrame({"kind": kind}, index=[f"c{seed}_{i}" for i in range(n)]))
    adata.var_names = [f"G{i}" for i in range(12)]
    return adata


def test_values_are_those_of_the_plain_functions():
    pred, true, control = cells(40, 0.8, 1), cells(60, 1.0, 2), cells(60, 0.0, 3)
    names = [*DISTANCES, "pearson", "delta_pearson"]
    table = scc2s.tl.evaluate(pred, true, metrics=names, rep="X", control=control)
    found = table.set_index("metric")["value"]
    for name, function in zip(DISTANCES, (scfid, mmd, wasserstein, energy_distance), strict=True):
        assert found[name] == pytest.approx(function(pred.X, true.X), rel=1e-6), name
    assert found["pearson"] == pytest.approx(pearson(pred.X, true.X), abs=1e-6)
    assert found["delta_pearson"] == pytest.approx(delta_pearson(pred.X, true.X, control.X), abs=1e-6)


def test_a_good_prediction_lies_between_floor_and_ceiling_at_the_same_number_of_cells():
    pred, true, control = cells(80, 0.8, 1), cells(160, 1.0, 2), cells(80, 0.0, 3)
    table = scc2s.tl.evaluate(pred, true, metrics=DISTANCES, groupby="kind", control=control)
    rows = table[table["group"].isin(["a", "b"])]
    assert (rows["n"] == 40).all()
    assert (rows["ceiling"] < rows["value_at_n"]).all()
    assert (rows["value_at_n"] < rows["floor_control"]).all()
    assert (rows["value_at_n"] < rows["floor_shuffled"]).all()
    mean = table[table["group"] == "mean over groups"].set_index("metric")["value"]
    assert mean["scfid"] == pytest.approx(rows.loc[rows["metric"] == "scfid", "value"].mean())


def test_real_cells_as_prediction_reach_the_ceiling():
    table = scc2s.tl.evaluate(cells(200, 1.0, 1), cells(400, 1.0, 2), metrics=["energy_distance", "pearson"])
    assert table["value_at_n"].to_numpy() == pytest.approx(table["ceiling"].to_numpy(), rel=0.5)


def test_scores_over_groups_have_floors_and_ceiling_too():
    pred, true, control = cells(60, 0.8, 1), cells(90, 1.0, 2, groups=("a", "b", "c")), cells(60, 0.0, 3)
    pred.obs["kind"] = np.repeat(["a", "b"], 30)
    table = scc2s.tl.evaluate(
        pred, true, metrics=["knn_condition_accuracy", "discrimination"], groupby="kind", control=control, n_repeats=40
    ).set_index("metric")
    assert (table["value"] == 1).all()
    assert (table["ceiling"] == 1).all()
    assert (table["floor_shuffled"] < 0.75).all()


def test_sentences_are_compared_with_real_ones_of_the_group():
    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.sentences(adata, n_genes=60)
    half = np.arange(adata.n_obs) % 2 == 0
    table = scc2s.tl.evaluate(adata[half], adata[~half], metrics="gene_overlap", groupby="bulk_labels", layer=None)
    rows = table[table["n"] > 10]
    assert (rows["value_at_n"] > rows["floor_shuffled"]).all()
    assert rows["value_at_n"].to_numpy() == pytest.approx(rows["ceiling"].to_numpy(), rel=0.15)
    assert rows["value"].between(0, 100).all()


def test_no_group_is_left_out():
    pred, true = cells(40, 0, 1), cells(40, 0, 2)
    pred.obs["kind"] = ["a"] * 39 + ["only predicted"]
    table = scc2s.tl.evaluate(pred, true, metrics=["scfid", "delta_pearson"], groupby="kind").set_index(
        ["metric", "group"]
    )
    assert "2 cells" in table.loc[("scfid", "b"), "note"]
    assert np.isnan(table.loc[("scfid", "only predicted"), "value"])
    assert "control=" in table.loc[("delta_pearson", "a"), "note"]
    assert table.loc[("scfid", "mean over groups"), "note"] == "1 of 3 groups"


def test_genes_are_matched_by_name_and_sparse_mudata_and_layers_are_the_same():
    pred, true = cells(40, 0.5, 1), cells(60, 1.0, 2)
    expected = scc2s.tl.evaluate(pred, true, metrics=["scfid", "pearson"])
    turned = true[:, ::-1].copy()
    turned.X = sparse.csr_matrix(turned.X)
    pd.testing.assert_frame_equal(scc2s.tl.evaluate(pred, turned, metrics=["scfid", "pearson"]), expected)
    pred.layers["written"], pred.X = pred.X.copy(), np.zeros_like(pred.X)
    found = scc2s.tl.evaluate(MuData({"rna": pred}), true, metrics=["scfid", "pearson"], layer="written")
    pd.testing.assert_frame_equal(found, expected)


def test_the_seed_decides_the_draws():
    pred, true = cells(40, 0.5, 1), cells(60, 1.0, 2)
    first, again, other = (scc2s.tl.evaluate(pred, true, random_state=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert not first["ceiling"].equals(other["ceiling"])


def test_bad_input_names_the_mend():
    pred, true = cells(40, 0.5, 1), cells(60, 1.0, 2)
    with pytest.raises(ValueError, match="pass some of scfid"):
        scc2s.tl.evaluate(pred, true, metrics="fid")
    with pytest.raises(KeyError, match="take the same from both"):
        scc2s.tl.evaluate(pred, true[:, :5])
    with pytest.raises(KeyError, match=r"obsm\['X_c2s'\]"):
        scc2s.tl.evaluate(pred, true, rep="X_c2s")
    with pytest.raises(KeyError, match="no column 'donor'"):
        scc2s.tl.evaluate(pred, true, groupby="donor")
    pred.obsm["X_e"], true.obsm["X_e"] = np.ones((40, 3)), np.ones((60, 4))
    with pytest.raises(ValueError, match="for all cells together"):
        scc2s.tl.evaluate(pred, true, rep="X_e")
