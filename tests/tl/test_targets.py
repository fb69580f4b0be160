"""tl.annotate with several targets of one prompt."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s.models import CallableModel
from scc2s.prompts._joint import joint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = {"cell_type": ["B cell", "T cell"], "perturbation": ["none", "IFN-beta", "TNF"]}
TARGETS = list(LABELS)


def cells() -> ad.AnnData:
    sentences = ["CD79A LYZ", "CD79A ISG15", "CD3D LYZ", "CD3D ISG15", "CD3D TNFAIP3", ""] * 5
    obs = pd.DataFrame(
        {"c2s_sentence": sentences, "c2s_n_genes": [len(s.split()) for s in sentences], "donor": ["a", "b"] * 15},
        index=[f"c{i}" for i in range(len(sentences))],
    )
    genes = ["CD79A", "CD3D", "LYZ", "ISG15", "TNFAIP3"]
    return ad.AnnData(np.ones((len(obs), len(genes)), dtype="float32"), obs=obs, var=pd.DataFrame(index=genes))


WANT = [("B cell", "none"), ("B cell", "IFN-beta"), ("T cell", "none"), ("T cell", "IFN-beta"), ("T cell", "TNF")]


def truth(prompt: str) -> tuple[str, str]:
    words = set(prompt.split())
    kind = "B cell" if "CD79A" in words else "T cell"
    return kind, "IFN-beta" if "ISG15" in words else "TNF" if "TNFAIP3" in words else "none"


def scores(prompts: list[str], choices: list[str]) -> np.ndarray:
    """3 for each part of a choice that is right."""
    return np.array([[3.0 * sum(part in c for part in truth(p)) for c in choices] for p in prompts])


def test_one_prompt_asks_for_all_and_each_target_gets_its_probabilities() -> None:
    adata = cells()
    asked: list[tuple[list[str], list[str]]] = []

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        asked.append((prompts, choices))
        return scores(prompts, choices)

    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, model=CallableModel(score=score))
    prompts, choices = asked[0]
    assert len(prompts) == 5  # the same question is asked once, and nothing about empty cells
    assert prompts[0].endswith("Genes: CD79A LYZ\nCell type; perturbation:")
    assert choices == [f" {a}; {b}" for a, b in product(*LABELS.values())]
    for place, name in enumerate(TARGETS):
        want = [pair[place] for pair in WANT] + [np.nan]
        assert adata.obs[f"c2s_{name}"].astype(object).tolist()[:5] == want[:5]
        assert adata.obs[f"c2s_{name}"].isna().tolist()[:6] == [False] * 5 + [True]
        probs = adata.obsm[f"c2s_{name}_probs"]
        assert list(probs.columns) == LABELS[name]
        assert np.allclose(probs.iloc[:5].sum(axis=1), 1)
        right = np.exp(3) / (np.exp(3) + len(LABELS[name]) - 1)  # parts of the answer are independent here
        assert np.allclose(adata.obs[f"c2s_{name}_prob"].iloc[:5], right)
        assert adata.obs[f"c2s_{name}_trust"].iloc[:5].between(0, 1).all()
    record = adata.uns["c2s"]["annotate_c2s_cell_type_and_perturbation"]
    assert record["params"]["targets"].tolist() == TARGETS
    assert record["params"]["labels"]["perturbation"].tolist() == LABELS["perturbation"]
    assert "verdict" in record


def constant_in(target: str, *, wide: float = 3.0) -> CallableModel:
    """Answers one target by the genes and the other one always alike; without genes it knows neither."""

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        fixed = LABELS[target][-1]
        at = TARGETS.index(target)
        rows = []
        for prompt in prompts:
            told = truth(prompt)[1 - at] if any(gene in prompt for gene in cells().var_names) else "?"
            rows.append([wide * ((told in c) + (fixed in c if told != "?" else 0)) for c in choices])
        return np.array(rows)

    return CallableModel(score=score, id="half")


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_that_is_answered_alike_for_all_cells_is_warned_of_by_its_name(
    target: str, caplog: pytest.LogCaptureFixture
) -> None:
    adata, other = cells(), TARGETS[1 - TARGETS.index(target)]
    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, model=constant_in(target))
    assert adata.obs[f"c2s_{target}"].nunique() == 1
    warned = [r.getMessage() for r in caplog.records if r.levelname == "WARNING" and "half" in r.getMessage()]
    assert len(warned) == 1
    assert warned[0].startswith(f"half (target '{target}') hardly tells the cells apart: genes add 0.00 bits")
    record = adata.uns["c2s"]["annotate_c2s_cell_type_and_perturbation"]
    assert record["by_target"][target]["verdict"] == "all alike"
    assert record["by_target"][other]["verdict"] == "beats the nulls"
    assert record["verdict"] == "beats the nulls"


def test_the_controls_of_a_target_are_those_of_asking_for_it_alone() -> None:
    adata, alone = cells(), cells()
    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, model=CallableModel(score=scores))
    for name in TARGETS:
        scc2s.tl.annotate(
            alone, target=name, labels=LABELS[name], prompt="{cell_sentence} ?", model=CallableModel(score=scores)
        )
        both, single = (
            adata.uns["c2s"]["annotate_c2s_cell_type_and_perturbation"]["by_target"][name],
            alone.uns["c2s"]["annotate" if name == "cell_type" else f"annotate_c2s_{name}"],
        )
        assert both["verdict"] == single["verdict"]
        pd.testing.assert_frame_equal(both["controls"], single["controls"])
        np.testing.assert_allclose(adata.obs[f"c2s_{name}_trust"], alone.obs[f"c2s_{name}_trust"], atol=1e-7)


def test_a_model_that_never_changes_its_answer_is_not_trusted_in_any_target(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    always = CallableModel(score=lambda prompts, choices: np.tile(np.arange(6.0), (len(prompts), 1)), id="deaf")
    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, model=always)
    for name in TARGETS:
        assert f"deaf (target '{name}') answers about 100 % of 20 cells as it does without any genes" in caplog.text
        assert (adata.obs[f"c2s_{name}_trust"].iloc[:5] == 0).all()


def test_written_answers_are_held_against_nulls_target_by_target(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()

    def write(prompts: list[str]) -> list[str]:
        return [f" {truth(p)[0] if 'CD' in p else 'T cell'}; {'TNF' if 'CD' in p else 'none'}" for p in prompts]

    model = CallableModel(generate=write, id="half")
    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, mode="generate", model=model)
    found = adata.uns["c2s"]["annotate_c2s_cell_type_and_perturbation"]["by_target"]
    assert {name: one["verdict"] for name, one in found.items()} == {
        "cell_type": "beats the nulls",
        "perturbation": "all alike",
    }
    assert "half (target 'perturbation') hardly tells the cells apart" in caplog.text
    assert not any("'cell_type'" in r.getMessage() for r in caplog.records if r.levelname == "WARNING")


def test_marginals_are_sums_over_the_other_target() -> None:
    adata = cells()
    every = np.random.default_rng(0).normal(size=6)
    model = CallableModel(score=lambda prompts, choices: np.tile(every, (len(prompts), 1)))
    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, model=model, controls=False)
    full = (np.exp(every) / np.exp(every).sum()).reshape(2, 3)
    assert np.allclose(adata.obsm["c2s_cell_type_probs"].iloc[0], full.sum(axis=1))
    assert np.allclose(adata.obsm["c2s_perturbation_probs"].iloc[0], full.sum(axis=0))


@pytest.mark.parametrize(
    ("answer", "want"),
    [
        (" B cell; TNF", ("B cell", "TNF")),
        (" b cells ;tnf.", ("B cell", "TNF")),
        (" B cell", ("B cell", "unmapped")),
        ("; TNF", ("unmapped", "TNF")),
        ("", ("unmapped", "unmapped")),
        (" B cell; TNF; and more", ("B cell", "unmapped")),
    ],
)
def test_written_answers_are_read_part_by_part(answer: str, want: tuple[str, str]) -> None:
    adata = cells()
    model = CallableModel(generate=lambda prompts: [answer] * len(prompts))
    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, mode="generate", model=model)
    assert tuple(adata.obs[f"c2s_{name}"].iloc[0] for name in TARGETS) == want
    assert adata.obs["c2s_cell_type_raw"].iloc[0] == answer
    assert adata.obs["c2s_cell_type"].isna().iloc[5]


def test_without_labels_the_answers_are_the_labels() -> None:
    adata = cells()
    model = CallableModel(generate=lambda prompts: [" " + "; ".join(truth(p)) + "." for p in prompts])
    scc2s.tl.annotate(adata, targets=TARGETS, mode="generate", model=model)
    assert list(zip(adata.obs["c2s_cell_type"], adata.obs["c2s_perturbation"], strict=True))[:5] == WANT


def test_groups_a_name_of_ones_own_and_a_prompt_of_ones_own() -> None:
    adata = cells()
    prompt = "{cell_sentence} of donor {donor} is"
    scc2s.tl.annotate(
        adata, targets=TARGETS, labels=LABELS, model=CallableModel(score=scores), prompt=prompt, groupby="donor",
        key_added="mine",
    )  # fmt: skip
    assert {"mine_cell_type", "mine_perturbation_prob", "mine_cell_type_donor"} <= set(adata.obs)
    assert adata.obs.groupby("donor", observed=True)["mine_cell_type_donor"].nunique().tolist() == [1, 1]
    assert adata.uns["c2s"]["annotate_mine"]["params"]["prompt"] == prompt
    task = scc2s.prompts.custom("{cell_sentence} ?", response=" {perturbation} in a {cell_type}.")
    seen: list[str] = []

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        seen.extend(choices)
        return scores(prompts, choices)

    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, model=CallableModel(score=score), prompt=task)
    assert seen[1] == " IFN-beta in a B cell."
    assert adata.obs["c2s_perturbation"].astype(object).tolist()[:5] == [pair[1] for pair in WANT]


def test_contexts_are_asked_for_several_things_too() -> None:
    adata = cells()
    adata.obs["kind"] = [truth(s)[0] for s in adata.obs["c2s_sentence"]]
    scc2s.pp.contexts(adata, groupby="kind", n_cells=2)
    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, model=CallableModel(score=scores), contexts="contexts")
    samples = scc2s.pp.context_adata(adata)
    assert samples.obs["c2s_cell_type"].tolist() == samples.obs["kind"].tolist()
    assert samples.obsm["c2s_perturbation_probs"].shape == (samples.n_obs, 3)


@pytest.mark.slow
def test_results_survive_files(tmp_path: Path) -> None:
    adata = cells()
    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, model=CallableModel(score=scores))
    adata.write_h5ad(tmp_path / "a.h5ad")
    adata.write_zarr(tmp_path / "a.zarr")
    for back in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        pd.testing.assert_frame_equal(back.obsm["c2s_cell_type_probs"], adata.obsm["c2s_cell_type_probs"])
        one, other = (x.uns["c2s"]["annotate_c2s_cell_type_and_perturbation"]["by_target"] for x in (back, adata))
        pd.testing.assert_frame_equal(one["perturbation"]["controls"], other["perturbation"]["controls"])
        assert one["cell_type"]["verdict"] == other["cell_type"]["verdict"]


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
def test_tiny_models_give_the_joint_probabilities_of_their_own_scores(
    kind: str, pieces: Callable[[str], object]
) -> None:
    adata, model = cells()[:5].copy(), pieces(kind)
    scc2s.tl.annotate(adata, targets=TARGETS, labels=LABELS, model=model, controls=False)
    task = joint(TARGETS)
    prompt = task.render(["CD79A LYZ"], {"organism": "Homo sapiens"}).texts
    choices = [f" {a}; {b}" for a, b in product(*LABELS.values())]
    full = model.score(prompt, choices).probabilities().reshape(2, 3)
    assert np.allclose(adata.obsm["c2s_perturbation_probs"].iloc[0], full.sum(axis=0), atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"targets": "cell_type"}, TypeError, "targets="),
        ({"targets": ["cell_type"]}, ValueError, "two or more"),
        ({"targets": ["cell_type", "cell_type"]}, ValueError, "two or more"),
        ({"targets": ["cell type", "x"]}, ValueError, "plain names"),
        ({"labels": ["B cell"]}, TypeError, "by target"),
        ({"labels": {**LABELS, "dose": ["1"]}}, ValueError, "'dose'"),
        ({"labels": {"cell_type": ["a", "b"]}}, ValueError, "no labels to choose from.*'perturbation'"),
        ({"synonyms": {"x": "B cell"}, "mode": "generate"}, ValueError, "synonyms"),
        ({"targets": None}, TypeError, "targets="),
        ({"prompt": scc2s.prompts.custom("{cell_sentence}")}, ValueError, "response of task"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_a_model_is_loaded(
    arguments: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        scc2s.tl.annotate(cells(), **{"targets": TARGETS, "labels": LABELS, "model": "no such model", **arguments})


def test_too_many_combinations_are_refused() -> None:
    labels = {name: [f"{name} {i}" for i in range(40)] for name in TARGETS}
    with pytest.raises(ValueError, match="1600 combinations"):
        scc2s.tl.annotate(cells(), targets=TARGETS, labels=labels, model=CallableModel(score=scores))
