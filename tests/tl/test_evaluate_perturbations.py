from __future__ import annotations

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from panels import hashed_panel
from scipy import sparse

from scc2s.metrics import perturbation_yardsticks
from scc2s.tl import evaluate_perturbations

FAST = {"n_repeats": 1, "n_boot": 0}


def cells(X, groups, **obs):
    n = X.shape[1]
    names = pd.DataFrame({"drug": pd.Categorical(groups)} | obs, index=[f"c{i}" for i in range(len(X))])
    return ad.AnnData(sparse.csr_matrix(X), obs=names, var=pd.DataFrame(index=[f"g{i}" for i in range(n)]))


@pytest.fixture
def sides():
    """Predicted and real cells; both have control cells, those of the prediction are nonsense."""
    pred, true, control, groups = hashed_panel()
    both = ["ctrl"] * len(control) + groups
    nonsense = control[:, ::-1]
    return cells(np.concatenate([nonsense, pred]), both), cells(np.concatenate([control, true]), both)


def panel(table, column="value"):
    return table[table["perturbation"] == "mean over perturbations"].set_index("metric")[column]


def evaluated(pred, true, **more):
    return evaluate_perturbations(
        pred, true, **({"groupby": "drug", "control": "ctrl", "units": "counts"} | FAST | more)
    )


def test_it_is_the_metric_with_the_real_control_and_the_genes_that_perturbations_are_named_after(sides, caplog):
    found = evaluated(*sides)
    pred, true, control, groups = hashed_panel()
    asked = perturbation_yardsticks(
        pred,
        true,
        control,
        pred_groups=groups,
        true_groups=groups,
        units="counts",
        targets={f"g{i}": [i] for i in range(6)},
        names=[f"g{i}" for i in range(60)],
        **FAST,
    )
    pd.testing.assert_frame_equal(found, asked)
    assert panel(evaluated(*sides, targets={}))["sig_jaccard"] != panel(found)["sig_jaccard"]
    assert panel(evaluated(*sides, targets={"g1": ["g2", "g1"]}))["sig_jaccard"] != panel(found)["sig_jaccard"]


def test_control_cells_of_the_prediction_are_never_used(sides):
    pred, true = sides
    without = pred[pred.obs["drug"] != "ctrl"]
    apart = true[true.obs["drug"] == "ctrl"].copy()
    real = true[true.obs["drug"] != "ctrl"]
    first = evaluated(pred, true)
    pd.testing.assert_frame_equal(first, evaluated(without, true))
    pd.testing.assert_frame_equal(first, evaluated(without, real, control=apart))


def test_genes_are_matched_by_name_and_the_order_of_cells_does_not_count(sides):
    pred, true = sides
    order = np.random.default_rng(0).permutation(pred.n_vars)
    turned = pred[::-1, order].copy()
    columns = ["value", "floor", "floor_control", "ceiling"]
    first, second = evaluated(pred, true)[columns], evaluated(turned, true[::-1].copy())[columns]
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_contexts_are_scored_each_with_its_own_control(sides):
    pred, true = sides
    for side in sides:
        side.obs["cell_type"] = np.where(np.arange(side.n_obs) % 2, "B cell", "T cell")
    table = evaluated(pred, true, contexts="cell_type")
    assert list(table["context"].unique()) == ["B cell", "T cell"]
    some = [side[side.obs["cell_type"] == "B cell"] for side in sides]
    alone = evaluated(*some)
    there = table[table["context"] == "B cell"].drop(columns="context").reset_index(drop=True)
    pd.testing.assert_frame_equal(there, alone)


def test_layers_modalities_and_units_of_each_side(sides):
    pred, true = sides
    logged = pred.copy()
    sc.pp.normalize_total(logged, target_sum=1e4)
    sc.pp.log1p(logged)
    pred.layers["logged"] = logged.X
    given = {"units": "log1p_cp10k", "true_units": "counts"}
    first = evaluated(logged, true, **given)
    pd.testing.assert_frame_equal(first, evaluated(pred, true, layer="logged", **given))
    pair = mudata.MuData({"rna": logged})
    pd.testing.assert_frame_equal(first, evaluated(pair, true, **given))
    assert panel(first)["direction_reach"] > 0.9


def test_units_that_the_values_contradict_are_refused(sides):
    pred, true = sides
    others = {}
    for name, base in (("e", None), ("ten", 10)):
        others[name] = pred.copy()
        sc.pp.normalize_total(others[name], target_sum=1e4)
        sc.pp.log1p(others[name], base=base)
    for given, said in (("ten", "log1p_cp10k"), ("e", "log10_cp10k")):
        with pytest.raises(ValueError, match=r"base|in total"):
            evaluated(others[given], true, units=said, true_units="counts")
    with pytest.raises(ValueError, match="pass units='log1p_cp10k'"):
        evaluated(others["e"], true, units="log10_cp10k", true_units="counts")
    with pytest.raises(ValueError, match="not whole numbers"):
        evaluated(others["e"], true)
    flat = pred.copy()
    sc.pp.normalize_total(flat, target_sum=10)
    with pytest.raises(ValueError, match="not logarithms"):
        evaluated(flat, true, units="log1p_cp10k", true_units="counts")


def test_nothing_is_changed(sides):
    before = [side.copy() for side in sides]
    evaluated(*sides)
    for side, copy in zip(sides, before, strict=True):
        np.testing.assert_array_equal(side.X.toarray(), copy.X.toarray())
        pd.testing.assert_frame_equal(side.obs, copy.obs)


def test_what_is_missing_is_named(sides):
    pred, true = sides
    with pytest.raises(ValueError, match="no cell of true has 'vehicle'"):
        evaluated(pred, true, control="vehicle")
    with pytest.raises(KeyError, match="pass groupby="):
        evaluated(pred, true, groupby="perturbation")
    with pytest.raises(KeyError, match="pass contexts="):
        evaluated(pred, true, contexts="cell_type")
    with pytest.raises(ValueError, match="lacks 1; the genes are part of the question"):
        evaluated(pred[:, 1:].copy(), true)
    with pytest.raises(KeyError, match="not a gene of true"):
        evaluated(pred, true, targets={"g1": "ABC"})
    with pytest.raises(ValueError, match=r"no cells of 1 of 6 perturbations of true, e\.g\. 'g3'"):
        evaluated(pred[pred.obs["drug"] != "g3"], true)
    with pytest.raises(ValueError, match="missing for 40 cells"):
        pred.obs["drug"] = pred.obs["drug"].cat.remove_categories("ctrl")
        evaluated(pred, true)
    with pytest.raises(ValueError, match="n_repeats="):
        evaluated(pred, true, n_repeats=-1)
    with pytest.raises(ValueError, match="has no cells"):
        evaluated(pred[:0], true)
    pred.var_names = ["g0"] * pred.n_vars
    with pytest.raises(ValueError, match="var_names_make_unique"):
        evaluated(pred, true)
