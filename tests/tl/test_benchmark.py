"""Several models asked the same about the same cells: ranked right, beside floors, and none takes the others down."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from mudata import MuData
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score, f1_score
from sklearn.neighbors import KNeighborsClassifier
from talking_cells import MARKERS, talking_cells

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from pathlib import Path

HOW: dict[str, Any] = {"label_key": "kind", "n_boot": 50, "markers": MARKERS}


def cells(n: int = 12) -> ad.AnnData:
    """Cells of two types, none of which expresses a marker of the other."""
    adata = talking_cells(n)
    for kind, others in (("T", MARKERS["B cell"]), ("B", MARKERS["T cell"])):
        adata.X[np.ix_(np.flatnonzero(adata.obs["type"] == kind), adata.var_names.get_indexer(others))] = 0
    scc2s.pp.sentences(adata)
    adata.obs["kind"] = adata.obs["type"].map({"T": "T cell", "B": "B cell"})
    return adata


def scorer(share: float, id: str, asked: list[str] | None = None, **kwargs: Any) -> CallableModel:
    """Right about that share of the prompts, by a hash of each; else it says the other label."""

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        if asked is not None:
            asked.extend(prompts)
        t = np.array(["CD3" in prompt for prompt in prompts])
        wrong = np.array([zlib.crc32((id + prompt).encode()) % 1000 >= 1000 * share for prompt in prompts])
        place = [next((i for i, choice in enumerate(choices) if name in choice), 0) for name in ("B cell", "T cell")]
        out = np.zeros((len(prompts), len(choices)))
        out[np.arange(len(prompts)), np.array(place)[(t ^ wrong).astype(int)]] = 5.0
        return out

    return CallableModel(score=score, id=id, **kwargs)


def table_of(adata: ad.AnnData, key: str = "benchmark") -> pd.DataFrame:
    return adata.uns["c2s"][key].set_index("name")


def test_models_are_ranked_by_how_often_they_are_right_beside_the_floors() -> None:
    adata = cells()
    models = [scorer(0.5, "coin"), scorer(1.0, "oracle"), scorer(0.85, "good")]
    scc2s.tl.benchmark(adata, models=models, **HOW)
    table = table_of(adata)
    assert [name for name in table.index if table.loc[name, "kind"] == "model"] == ["oracle", "good", "coin"]
    assert table.loc["oracle", "accuracy"] == 1
    assert table.loc["majority", "accuracy"] == 0.5
    assert table.loc["marker genes", "accuracy"] == 1
    assert table["accuracy"].is_monotonic_decreasing
    assert (table["status"] == "done").all()
    assert table.loc["coin", "gain_high"] < 0
    assert table.loc["oracle", "chance"] == pytest.approx(0.5)
    assert set(table.loc[table["kind"] == "model", "best_floor"]) == {"marker genes"}
    assert table.loc["oracle", "mode"] == "score"


def test_scores_are_those_of_scikit_learn() -> None:
    adata = cells()
    scc2s.tl.benchmark(adata, models={"m": scorer(0.8, "good")}, **HOW)
    said = adata.uns["c2s"]["benchmark_answers"]
    row = table_of(adata).loc["m"]
    true, found = said["label"], said["m"]
    assert (true == adata.obs.loc[said.index, "kind"].astype(str)).all()
    assert row["accuracy"] == pytest.approx(accuracy_score(true, found))
    assert row["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(true, found))
    assert row["macro_f1"] == pytest.approx(f1_score(true, found, average="macro"))
    assert row["kappa"] == pytest.approx(cohen_kappa_score(true, found))
    best = row["best_floor"]
    assert row["gain"] == pytest.approx(row["accuracy"] - table_of(adata).loc[best, "accuracy"])
    rng = np.random.default_rng(0)
    dealt = [np.mean(rng.permutation(found.to_numpy()) == true) for _ in range(2000)]
    assert row["chance"] == pytest.approx(np.mean(dealt), abs=0.01)


def test_labels_are_those_of_annotate() -> None:
    adata = cells()
    model = scorer(0.8, "good")
    scc2s.tl.benchmark(adata, models=[model], **HOW)
    scc2s.tl.annotate(adata, labels=["B cell", "T cell"], model=model, controls=False)
    said = adata.uns["c2s"]["benchmark_answers"]
    assert (said["good"] == adata.obs.loc[said.index, "c2s_cell_type"].astype(str)).all()


def test_a_model_that_fails_is_a_row_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    def broken(prompts: list[str], choices: list[str]) -> np.ndarray:
        msg = "out of memory\nin a long trace"
        raise RuntimeError(msg)

    adata = cells()
    models = {
        "broken": CallableModel(score=broken),
        "absent": "/there/is/no/such/model",
        "embeds alone": CallableModel(embed=lambda prompts: np.ones((len(prompts), 2))),
        "not a number": CallableModel(score=lambda prompts, choices: np.full((len(prompts), len(choices)), np.nan)),
        "not a model": object(),
        "oracle": scorer(1.0, "oracle"),
    }
    scc2s.tl.benchmark(adata, models=models, **HOW)
    table = table_of(adata)
    assert table.loc["oracle", ["status", "accuracy"]].tolist() == ["done", 1.0]
    reasons = table.loc[table["status"] == "failed", "reason"]
    assert set(reasons.index) == set(models) - {"oracle"}
    assert reasons["broken"] == "RuntimeError: out of memory"
    assert reasons["absent"].startswith("FileNotFoundError")
    assert "cannot generate" in reasons["embeds alone"]
    assert reasons["not a number"].startswith("FloatingPointError")
    assert reasons["not a model"].startswith("TypeError: a object is not a model")
    assert table.loc["broken", "accuracy"] != table.loc["broken", "accuracy"]
    assert "broken gives no result: RuntimeError: out of memory" in caplog.text


def test_where_all_models_fail_there_is_a_table_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    scc2s.tl.benchmark(adata, models=["/no/such/model"], **HOW)
    assert table_of(adata)["status"].to_dict() == {
        "marker genes": "done", "majority": "done", "/no/such/model": "failed",
    }  # fmt: skip
    assert "no model gave a result" in caplog.text


def test_all_models_see_the_same_cells_which_their_names_decide() -> None:
    adata = cells()
    seen: dict[str, list[str]] = {"a": [], "b": []}
    models = [scorer(1.0, name, asked) for name, asked in seen.items()]
    scc2s.tl.benchmark(adata, models=models, n_cells=20, controls=False, **HOW)
    assert len(adata.uns["c2s"]["benchmark_answers"]) == 20
    assert 0 < len(seen["a"]) <= 20
    assert sorted(seen["a"]) == sorted(seen["b"])
    turned = adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()
    scc2s.tl.benchmark(turned, models=models, n_cells=20, controls=False, **HOW)
    one, other = adata.uns["c2s"], turned.uns["c2s"]
    pd.testing.assert_frame_equal(one["benchmark_answers"], other["benchmark_answers"])
    timed = ["seconds", "seconds_to_load", "cells_per_second"]
    pd.testing.assert_frame_equal(one["benchmark"].drop(columns=timed), other["benchmark"].drop(columns=timed))


def test_a_model_that_only_writes_is_asked_to_write() -> None:
    def generate(prompts: list[str]) -> list[str]:
        return [" T cells" if "CD3" in prompt else " no idea" for prompt in prompts]

    adata = cells()
    scc2s.tl.benchmark(adata, models={"writes": CallableModel(generate=generate)}, **HOW)
    row = table_of(adata).loc["writes"]
    assert row["mode"] == "generate"
    assert row["accuracy"] == pytest.approx(0.5, abs=0.1)
    assert row["unmapped"] == pytest.approx(0.5, abs=0.1)


def test_cost_is_what_was_asked_and_what_a_cache_has_costs_nothing(tmp_path: Path) -> None:
    asked: list[str] = []
    adata = cells()
    how = {"models": [scorer(1.0, "oracle", asked)], "cache": tmp_path / "c.sqlite", **HOW}
    scc2s.tl.benchmark(adata, controls=False, **how)
    first = table_of(adata).loc["oracle"]
    n_different = len(set(asked))
    assert first["n_asked"] == n_different == len(asked)
    assert first["n_tokens"] == sum(len(prompt.split()) for prompt in asked)
    assert first["seconds"] > 0
    assert first["cells_per_second"] == pytest.approx(first["n_asked"] / first["seconds"])
    scc2s.tl.benchmark(adata, controls=False, **how)
    again = table_of(adata).loc["oracle"]
    assert len(asked) == n_different
    assert again[["n_asked", "seconds"]].tolist() == [0, 0]
    assert np.isnan(again["cells_per_second"])
    assert again["accuracy"] == first["accuracy"]


def test_controls_say_whether_the_genes_matter() -> None:
    blind = CallableModel(score=lambda prompts, choices: np.tile([3.0, 0.0], (len(prompts), 1)), id="blind")
    adata = cells(20)
    scc2s.tl.benchmark(adata, models=[scorer(1.0, "oracle"), blind], **HOW)
    table = table_of(adata)
    assert table.loc["blind", "verdict"] == "as without genes"
    assert table.loc["blind", ["same_label, genes shuffled", "same_label, no genes"]].tolist() == [1, 1]
    assert table.loc["oracle", "same_label, genes shuffled"] == 1
    assert table.loc["oracle", "same_label, another cell's genes"] < 0.8
    assert table.loc["oracle", "verdict"] != "as without genes"


def test_intervals_draw_donors_and_need_three_of_them() -> None:
    adata = cells()
    adata.obs["donor"] = [f"d{i % 4}" for i in range(adata.n_obs)]
    scc2s.tl.benchmark(adata, models=[scorer(0.8, "good")], donor_key="donor", **HOW)
    row = table_of(adata).loc["good"]
    assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]
    adata.obs["donor"] = [f"d{i % 2}" for i in range(adata.n_obs)]
    scc2s.tl.benchmark(adata, models=[scorer(0.8, "good")], donor_key="donor", **HOW)
    assert np.isnan(table_of(adata).loc["good", ["accuracy_low", "gain_low"]].astype(float)).all()
    scc2s.tl.benchmark(adata, models=[scorer(0.8, "good")], **{**HOW, "n_boot": 0})
    assert np.isnan(table_of(adata).loc["good", ["accuracy_low", "gain_low"]].astype(float)).all()


def test_markers_that_are_not_there_are_a_floor_that_failed() -> None:
    adata = cells()
    adata.obs["kind"] = adata.obs["kind"].map({"T cell": "my T", "B cell": "my B"})
    scc2s.tl.benchmark(adata, models=[scorer(1.0, "oracle")], label_key="kind", n_boot=0)
    row = table_of(adata).loc["marker genes"]
    assert row["status"] == "failed"
    assert "markers of 0 of the 2 labels" in row["reason"]
    assert table_of(adata).loc["oracle", "best_floor"] == "majority"


def letters(asked: list[str] | None = None, **kwargs: Any) -> CallableModel:
    """Embeds a prompt by which markers it names."""
    genes = ["CD3D", "CD3E", "CD79A", "MS4A1"]

    def embed(prompts: list[str]) -> np.ndarray:
        if asked is not None:
            asked.extend(prompts)
        return np.array([[1.0 + prompt.count(gene) for gene in genes] for prompt in prompts])

    return CallableModel(embed=embed, **kwargs)


def test_embeddings_are_ranked_by_the_labels_of_their_neighbors() -> None:
    adata = cells()
    noise = CallableModel(
        embed=lambda prompts: np.array(
            [np.random.default_rng(zlib.crc32(prompt.encode())).normal(size=4) for prompt in prompts]
        ),
        id="noise",
    )
    scc2s.tl.benchmark(
        adata, "embed", models=[noise, letters(id="letters")], label_key="kind", n_neighbors=5, n_boot=50
    )
    table = table_of(adata)
    assert table.loc["letters", "accuracy"] > 0.95
    assert table.loc["noise", "accuracy"] < 0.75
    assert table.loc["words of the sentences", "accuracy"] > 0.8
    assert table.loc["letters", "width"] == 4
    assert table.loc["noise", "gain_high"] < 0


def test_neighbors_are_cells_of_other_donors() -> None:
    """With donors as labels, no neighbor of another donor has the right label."""
    adata = cells()
    how = {"models": [letters(id="letters")], "label_key": "donor", "n_boot": 0}
    scc2s.tl.benchmark(adata, "embed", donor_key="donor", **how)
    assert table_of(adata).loc["letters", "accuracy"] == 0
    scc2s.tl.benchmark(adata, "embed", **how)
    assert table_of(adata).loc["letters", "accuracy"] > 0


def test_neighbors_vote_as_in_scikit_learn() -> None:
    adata = cells()
    scc2s.tl.benchmark(adata, "embed", models={"m": letters()}, label_key="kind", donor_key="donor", n_neighbors=3)
    said = adata.uns["c2s"]["benchmark_answers"]
    genes = ["CD3D", "CD3E", "CD79A", "MS4A1"]
    text = adata.obs.loc[said.index, "c2s_sentence"]
    X = np.array([[1.0 + (gene in one.split()) for gene in genes] for one in text])
    donor = adata.obs.loc[said.index, "donor"].to_numpy()
    near = KNeighborsClassifier(3, metric="cosine").fit(X[donor == "d1"], said["label"][donor == "d1"])
    assert (near.predict(X[donor == "d2"]) == said["m"][donor == "d2"]).all()


def reader(per_gene: float, id: str) -> CallableModel:
    """Finds every gene as likely; a sentence in its own order a little more so."""

    def log_likelihood(prompts: list[str], answers: list[str]) -> list[float]:
        return [per_gene * len(answer.split()) for answer in answers]

    return CallableModel(log_likelihood=log_likelihood, id=id)


def test_perplexity_is_ranked_from_the_lowest_beside_genes_that_are_all_alike() -> None:
    adata = cells()
    models = [reader(-3.0, "poor"), reader(-1.0, "good")]
    scc2s.tl.benchmark(adata, "perplexity", models=models, n_boot=50)
    table = table_of(adata)
    assert table.loc["good", "perplexity"] == pytest.approx(np.e)
    assert table.loc["good", "perplexity_shuffled"] == pytest.approx(np.e)
    assert table.loc["poor", "perplexity"] == pytest.approx(np.e**3)
    assert table.index[-1] == "poor"
    n = adata.obs["c2s_sentence"].str.split().map(len)
    total = sum(np.log(9 - i) for one in n for i in range(one))
    assert table.loc["all genes alike", "perplexity"] == pytest.approx(np.exp(total / n.sum()))
    good = table.loc["good"]
    assert good["perplexity_low"] == pytest.approx(good["perplexity_high"]) == pytest.approx(np.e)
    assert good["gain"] == pytest.approx(-1 + np.mean([sum(np.log(9 - i) for i in range(k)) / k for k in n]))
    assert good["n_asked"] == pytest.approx(2 * adata.n_obs, rel=0.6)


def test_perplexity_is_that_of_the_tool() -> None:
    adata = cells()

    def log_likelihood(prompts: list[str], answers: list[str]) -> list[float]:
        return [-float(zlib.crc32(answer.encode()) % 50) - 1 for answer in answers]

    model = CallableModel(log_likelihood=log_likelihood, id="odd")
    scc2s.tl.benchmark(adata, "perplexity", models=[model], n_boot=50)
    scc2s.tl.perplexity(adata, model=model)
    params = adata.uns["c2s"]["perplexity"]["params"]
    row = table_of(adata).loc["odd"]
    assert row["perplexity"] == pytest.approx(params["perplexity"])
    assert row["perplexity_shuffled"] == pytest.approx(params["perplexity_shuffled"])
    assert row["perplexity_low"] < row["perplexity"] < row["perplexity_high"]


@pytest.mark.parametrize("form", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_the_result_survives_a_file(form: str, tmp_path: Path) -> None:
    adata = cells()
    scc2s.tl.benchmark(adata, models={"a/b": scorer(0.8, "good"), "gone": "/no/such/model"}, **HOW)
    scc2s.tl.benchmark(adata, "perplexity", models=[reader(-1.0, "x")], key_added="c2s_likely", n_boot=0)
    getattr(adata, f"write_{form}")(tmp_path / f"cells.{form}")
    again = getattr(ad, f"read_{form}")(tmp_path / f"cells.{form}")
    for key in ("benchmark", "benchmark_answers", "likely", "likely_answers"):
        pd.testing.assert_frame_equal(
            pd.DataFrame(again.uns["c2s"][key]), adata.uns["c2s"][key], check_dtype=False, check_categorical=False
        )


def test_cells_without_label_or_sentence_are_left_out_and_copies_and_mudata_work() -> None:
    adata = cells()
    adata.obs["kind"] = adata.obs["kind"].astype(object)
    adata.obs.iloc[:5, adata.obs.columns.get_loc("kind")] = None
    adata.obs.iloc[5:8, adata.obs.columns.get_loc("c2s_sentence")] = ""
    out = scc2s.tl.benchmark(adata, models=[scorer(1.0, "oracle")], copy=True, **HOW)
    assert "benchmark" not in adata.uns["c2s"]
    assert table_of(out).loc["oracle", "n_cells"] == adata.n_obs - 8
    mdata = MuData({"rna": adata})
    scc2s.tl.benchmark(mdata, models=[scorer(1.0, "oracle")], **HOW)
    assert table_of(mdata["rna"]).loc["oracle", "accuracy"] == 1


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"task": "chat"}, ValueError, "task='chat' is not known"),
        ({"models": "scc2s-mini"}, TypeError, "pass a list"),
        ({"models": []}, ValueError, "models has none"),
        ({"models": {"majority": "x"}}, ValueError, "name of a floor"),
        ({"label_key": None}, ValueError, "pass label_key="),
        ({"task": "perplexity"}, ValueError, "leave label_key= out"),
        ({"label_key": "sort"}, KeyError, "no column 'sort'"),
        ({"label_key": "one"}, ValueError, "have one label"),
        ({"labels": ["T cell", "T cell"]}, ValueError, "labels repeat"),
        ({"donor_key": "patient"}, KeyError, "no column 'patient'"),
        ({"task": "embed", "donor_key": "one"}, ValueError, "all cells are of one donor"),
        ({"task": "embed", "labels": ["a", "b"]}, ValueError, "labels= is for task='annotate'"),
        ({"task": "embed", "markers": MARKERS}, ValueError, "markers= is for task='annotate'"),
        ({"n_cells": 1}, ValueError, "n_cells=1 is too small"),
        ({"n_cells": 1.5}, TypeError, "n_cells=1.5 is not a whole number"),
        ({"n_boot": -1}, ValueError, "n_boot=-1 is too small"),
        ({"prompt": "no cell"}, ValueError, "no {cell_sentence}"),
        ({"prompt": "{cell_sentence} {age}"}, KeyError, "age"),
        ({"sentence_key": "words"}, KeyError, "words"),
        ({"key_added": "a/b"}, ValueError, "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(
    given: dict[str, Any], kind: type[Exception], said: str
) -> None:
    adata = cells()
    adata.obs["one"] = "T cell"
    asked: list[str] = []
    before = dict(adata.uns["c2s"])
    with pytest.raises(kind, match=said):
        scc2s.tl.benchmark(adata, **{"models": [scorer(1.0, "oracle", asked)], "label_key": "kind", **given})
    assert not asked
    assert adata.uns["c2s"].keys() == before.keys()


def test_names_tell_models_of_one_name_apart() -> None:
    adata = cells()
    scc2s.tl.benchmark(adata, models=[scorer(1.0, "same"), scorer(0.5, "same")], **HOW)
    table = table_of(adata)
    assert table.loc["same", "accuracy"] > table.loc["same (2)", "accuracy"]


@pytest.mark.slow
def test_the_model_of_the_package_on_real_blood(shared_data: Path) -> None:
    """scc2s-mini knows these types: it is above the most frequent label, and its embedding tells them apart."""
    adata = ad.read_h5ad(shared_data / "pbmc3k.h5ad")
    adata = adata[np.random.default_rng(0).choice(adata.n_obs, 400, replace=False)].copy()
    scc2s.pp.sentences(adata, n_genes=100)
    scc2s.tl.benchmark(adata, models=["scc2s-mini"], label_key="cell_type", n_cells=100, controls=False, n_boot=200)
    table = table_of(adata)
    assert table.loc["scc2s-mini", "accuracy_low"] > table.loc["majority", "accuracy"]
    assert table.loc["marker genes", "accuracy"] > table.loc["majority", "accuracy"]
    assert table.loc["scc2s-mini", "cells_per_second"] > 0
    assert table.loc["scc2s-mini", "n_asked"] == 100
