"""Planted generators: each is told by the score that is meant for it, beside floors and ceiling in the same table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import scc2s
from scc2s.metrics import marginal_cells

if TYPE_CHECKING:
    from collections.abc import Callable

METRICS = ["energy_distance", "classifier_auroc", "spread", "gene_correlation", "knn_condition_accuracy"]
LOADS = np.random.default_rng(3).normal(size=(2, 4, 30))
LEVELS = 3 + np.random.default_rng(4).random((2, 30))


def real(n: int, seed: int) -> ad.AnnData:
    """`n` cells of each of two types; genes vary together, in each type in their own way."""
    rng = np.random.default_rng(seed)
    kinds = np.repeat([0, 1], n)
    X = LEVELS[kinds] + 0.4 * np.einsum("nk,nkg->ng", rng.normal(size=(2 * n, 4)), LOADS[kinds])
    return as_cells((X + 0.2 * rng.normal(size=X.shape)).clip(0.01), kinds, f"s{seed}")


def as_cells(X: np.ndarray, kinds: np.ndarray, name: str) -> ad.AnnData:
    obs = pd.DataFrame({"kind": [f"type {kind}" for kind in kinds]}, index=[f"{name}_{i}" for i in range(len(X))])
    return ad.AnnData(X.astype(np.float32), obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(X.shape[1])]))


def copies(train: ad.AnnData) -> ad.AnnData:
    return train[::2].copy()


def ignores_the_type(train: ad.AnnData) -> ad.AnnData:
    """New real cells, of the other type as often as not."""
    new = real(train.n_obs // 2, 8)
    new.obs["kind"] = np.random.default_rng(0).permutation(new.obs["kind"].to_numpy())
    return new


def sampler(train: ad.AnnData) -> ad.AnnData:
    half = train.n_obs // 2
    X = [marginal_cells(train.X[part], half, random_state=5).toarray() for part in (slice(half), slice(half, None))]
    return as_cells(np.concatenate(X), np.repeat([0, 1], half), "sampler")


def one_cell(train: ad.AnnData) -> ad.AnnData:
    """The mean cell of each type, again and again."""
    half = train.n_obs // 2
    X = [np.tile(train.X[part].mean(axis=0), (half, 1)) for part in (slice(half), slice(half, None))]
    return as_cells(np.concatenate(X), np.repeat([0, 1], half), "mean")


def scores(generator: Callable[[ad.AnnData], ad.AnnData]) -> pd.DataFrame:
    train, held_out = real(80, 1), real(80, 2)
    table = scc2s.tl.evaluate(
        generator(train),
        held_out,
        metrics=[*METRICS, "nearest_training"],
        groupby="kind",
        train=train,
        n_boot=0,
        n_repeats=3,
    )
    return table[table["group"].isin(["all", "mean over groups"])].set_index("metric")


def test_real_cells_are_at_the_ceiling_and_above_the_sampler() -> None:
    found = scores(lambda train: real(train.n_obs // 2, 8))
    assert found.loc["energy_distance", "value_at_n"] == pytest.approx(found.loc["energy_distance", "ceiling"], rel=0.5)
    for name, margin in (("classifier_auroc", 0.12), ("nearest_training", 0.12), ("spread", 0.15)):
        assert found.loc[name, "value_at_n"] == pytest.approx(found.loc[name, "ceiling"], abs=margin), name
    correlation = found.loc["gene_correlation"]
    assert correlation["value_at_n"] == pytest.approx(correlation["ceiling"], abs=0.1)
    assert correlation["value_at_n"] > 0.8
    assert abs(correlation["floor_marginal"]) < 0.2
    assert found.loc["knn_condition_accuracy", "value"] > 0.9


def test_a_generator_that_copies_training_cells_is_caught_by_their_nearness_alone() -> None:
    found = scores(copies)
    assert found.loc["nearest_training", "value_at_n"] == 1
    assert found.loc["nearest_training", "ceiling"] == pytest.approx(0.5, abs=0.1)
    assert found.loc["energy_distance", "value_at_n"] < 1.5 * found.loc["energy_distance", "ceiling"]


@pytest.mark.slow
def test_a_generator_that_ignores_the_type_is_caught_by_its_own_type() -> None:
    found = scores(ignores_the_type)
    assert found.loc["knn_condition_accuracy", "value"] == pytest.approx(0.5, abs=0.1)
    assert found.loc["knn_condition_accuracy", "ceiling"] > 0.95
    assert found.loc["energy_distance", "value_at_n"] > 2 * found.loc["energy_distance", "ceiling"]


def test_the_sampler_as_generator_has_no_correlation_of_genes_and_is_as_good_as_the_floor() -> None:
    found = scores(sampler)
    assert abs(found.loc["gene_correlation", "value_at_n"]) < 0.2
    assert found.loc["gene_correlation", "ceiling"] > 0.9
    for name in ("energy_distance", "spread"):
        assert found.loc[name, "value_at_n"] == pytest.approx(found.loc[name, "floor_marginal"], rel=0.3), name
    assert found.loc["energy_distance", "value_at_n"] > found.loc["energy_distance", "ceiling"]


@pytest.mark.slow
def test_one_cell_again_and_again_has_no_spread() -> None:
    found = scores(one_cell)
    assert found.loc["spread", "value_at_n"] < 1e-6
    assert np.isnan(found.loc["gene_correlation", "value_at_n"])
    assert found.loc["classifier_auroc", "value_at_n"] < 0.7  # a linear classifier does not see spread


def test_the_default_table_has_all_of_it() -> None:
    train, held_out, new = real(20, 1), real(20, 2), real(10, 3)
    table = scc2s.tl.evaluate(new, held_out, groupby="kind", train=train, n_boot=0, n_repeats=1)
    assert {*METRICS, "nearest_training", "scfid", "mmd", "pearson", "kendall_tau"} == set(table["metric"])
    assert {"floor_marginal", "floor_thinned"} <= set(table)
    assert table.loc[table["group"] != "all", ["floor_marginal", "floor_thinned"]].notna().all(axis=None)
    alone = scc2s.tl.evaluate(new, held_out, n_boot=0, n_repeats=1)
    assert not {"knn_condition_accuracy", "nearest_training"} & set(alone["metric"])
    row = scc2s.tl.evaluate(new, held_out, metrics="nearest_training").iloc[0]
    assert row["note"].endswith("pass train=")


def test_without_floors_no_cells_are_made() -> None:
    table = scc2s.tl.evaluate(real(10, 3), real(20, 2), metrics="scfid", floor=False)
    assert table[["floor_marginal", "floor_thinned"]].isna().all(axis=None)
    assert table["ceiling"].notna().all()


@pytest.mark.slow
def test_floors_need_no_training_cells_and_stand_beside_cells_that_they_were_not_made_of() -> None:
    kept = {"metrics": METRICS[:4], "groupby": "kind", "n_boot": 0}
    table = scc2s.tl.evaluate(real(40, 3), real(80, 2), **kept)
    assert table[["floor_marginal", "floor_thinned"]].notna().all(axis=None)
    near = table.set_index(["metric", "group"]).loc["energy_distance"]
    # a thinned copy of the very cells would be far below the ceiling
    assert (near["floor_thinned"] > near["ceiling"]).all()
    assert (near["floor_marginal"] > near["ceiling"]).all()


@pytest.mark.slow
def test_neither_the_order_of_cells_nor_other_groups_change_the_floors() -> None:
    pred, true = real(20, 3), real(40, 2)
    kept = {"metrics": ["classifier_auroc"], "groupby": "kind", "n_boot": 0, "n_repeats": 2}
    first = scc2s.tl.evaluate(pred, true, **kept)
    turned = [side[np.random.default_rng(0).permutation(side.n_obs)] for side in (pred, true)]
    pd.testing.assert_frame_equal(scc2s.tl.evaluate(*turned, **kept), first)
    one = [side[side.obs["kind"] == "type 1"] for side in (pred, true)]
    alone = scc2s.tl.evaluate(*one, **kept)
    assert alone["floor_marginal"][0] == first.loc[first["group"] == "type 1", "floor_marginal"].iloc[0]


@pytest.mark.parametrize("kind", ["counts", "logarithms", "scaled", "sparse"])
def test_floors_are_made_of_any_kind_of_values(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(0)
    sides = []
    for name in ("pred", "true"):
        counts = rng.poisson(np.exp(rng.normal(size=(40, 1)) * 0.3 + np.linspace(-1, 2, 30)), (40, 30)).astype(float)
        X = counts if kind == "counts" else np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
        X = (X - X.mean(axis=0)) / X.std(axis=0) if kind == "scaled" else X
        side = as_cells(X, np.zeros(40, dtype=int), name)
        side.X = sparse.csr_matrix(side.X) if kind == "sparse" else side.X
        sides.append(side)
    row = scc2s.tl.evaluate(*sides, metrics="energy_distance").iloc[0]
    assert np.isfinite(row["floor_marginal"])
    if kind == "scaled":
        assert np.isnan(row["floor_thinned"])  # there is nothing to take away from scaled values
    else:
        assert np.isfinite(row["floor_thinned"])
        assert row["floor_thinned"] < 3 * row["ceiling"]


def test_training_cells_among_the_real_ones_are_said(caplog: pytest.LogCaptureFixture) -> None:
    train = real(20, 1)
    scc2s.tl.evaluate(real(10, 3), train, train=train, metrics="nearest_training")
    assert "40 of 40 cells of true have names that train has too" in caplog.text


def test_an_embedding_has_no_made_cells_and_scores_of_genes_still_do() -> None:
    sides = [real(20, seed) for seed in (3, 2)]
    for side in sides:
        side.obsm["X_e"] = side.X[:, :5]
    table = scc2s.tl.evaluate(*sides, metrics=["scfid", "spread"], rep="X_e").set_index("metric")
    assert np.isnan(table.loc["scfid", "floor_marginal"])
    assert np.isfinite(table.loc["spread", "floor_marginal"])


def test_training_cells_need_the_column_and_the_genes() -> None:
    pred, true, train = real(10, 3), real(20, 2), real(20, 1)
    with pytest.raises(KeyError, match="genes of pred are not in train"):
        scc2s.tl.evaluate(pred, true, train=train[:, :5])
    del train.obs["kind"]
    with pytest.raises(KeyError, match="train has no column 'kind'"):
        scc2s.tl.evaluate(pred, true, train=train, groupby="kind")
    with pytest.raises(ValueError, match="adata has no cells"):
        scc2s.tl.evaluate(pred, true, train=train[:0])


def test_sentences_of_the_sampler_stand_beside_those_of_real_cells() -> None:
    sides = [real(20, seed) for seed in (3, 2)]
    for side in sides:
        scc2s.pp.sentences(side, n_genes=10)
    row = scc2s.tl.evaluate(*sides, metrics="gene_overlap", groupby="kind", n_boot=0).iloc[0]
    assert 0 < row["floor_thinned"] < row["ceiling"]
    assert row["floor_marginal"] > 0
