from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc

import scc2s
from scc2s.models import CallableModel, LabelScores
from scc2s.train import split

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = ["T cell", "B cell/plasma", "Monocyte"]
MARKERS = {"T cell": "CD3D", "B cell/plasma": "CD79A", "Monocyte": "LYZ"}
SENTENCES = ["CD3D LYZ", "CD79A CD3D NKG7", "LYZ", "NKG7"]


@pytest.fixture
def adata() -> ad.AnnData:
    out = ad.AnnData(np.ones((4, 4), dtype="float32"), var=pd.DataFrame(index=["CD3D", "CD79A", "LYZ", "NKG7"]))
    out.obs["c2s_sentence"] = SENTENCES
    return out


def marker_model(**kwargs: object) -> CallableModel:
    """Scores a label by the place of its marker in the prompt: 4 for the first word, 3 for the second, ..."""

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        words = [p.split() for p in prompts]
        genes = [MARKERS[c.strip()] for c in choices]
        return np.array([[4.0 - w.index(g) if g in w else 0.0 for g in genes] for w in words])

    return CallableModel(score=score, **{"id": "markers", **kwargs})


def annotate(adata: ad.AnnData, **kwargs: object) -> ad.AnnData | None:
    return scc2s.tl.annotate(
        adata, **{"labels": LABELS, "model": marker_model(), "prompt": "{cell_sentence}", **kwargs}
    )


def softmax(values: list[float]) -> np.ndarray:
    weights = np.exp(values)
    return weights / weights.sum()


class TestScore:
    def test_label_is_the_most_probable_one(self, adata: ad.AnnData) -> None:
        annotate(adata)
        assert adata.obs["c2s_cell_type"].tolist()[:3] == ["T cell", "B cell/plasma", "Monocyte"]

    def test_probabilities_are_the_models_own_renormalised_over_the_labels(self, adata: ad.AnnData) -> None:
        annotate(adata)
        probs = adata.obsm["c2s_cell_type_probs"]
        assert probs.to_numpy()[0] == pytest.approx(softmax([4, 0, 3]))
        assert adata.obs["c2s_cell_type_prob"].to_numpy() == pytest.approx(probs.max(axis=1).to_numpy())
        assert adata.obs["c2s_cell_type_entropy"].iloc[3] == pytest.approx(np.log(3))

    def test_categories_keep_the_order_of_the_labels_and_hold_no_unused_one(self, adata: ad.AnnData) -> None:
        annotate(adata, labels=["Monocyte", "T cell", "B cell/plasma"])
        assert adata.obs["c2s_cell_type"].cat.categories.tolist() == ["Monocyte", "T cell", "B cell/plasma"]
        annotate(adata[:2].copy(), labels=LABELS)
        two = adata[:2].copy()
        annotate(two)
        assert two.obs["c2s_cell_type"].cat.categories.tolist() == ["T cell", "B cell/plasma"]

    def test_cells_below_min_prob_are_unassigned_but_keep_their_probability(self, adata: ad.AnnData) -> None:
        annotate(adata, min_prob=0.5)
        assert adata.obs["c2s_cell_type"].tolist() == [*LABELS, "unassigned"]
        assert adata.obs["c2s_cell_type_prob"].iloc[3] == pytest.approx(1 / 3)

    def test_empty_cells_get_missing_values(self, adata: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
        adata.obs["c2s_sentence"] = ["CD3D", "", "LYZ", " "]
        annotate(adata)
        assert adata.obs["c2s_cell_type"].isna().tolist() == [False, True, False, True]
        assert adata.obs["c2s_cell_type_prob"].isna().tolist() == [False, True, False, True]
        assert adata.obsm["c2s_cell_type_probs"].isna().all(axis=1).tolist() == [False, True, False, True]
        assert "2 of 4 cells have an empty sentence" in caplog.text

    def test_labels_default_to_those_of_the_model(self, adata: ad.AnnData) -> None:
        annotate(adata, labels=None, model=marker_model(labels=LABELS))
        assert adata.obsm["c2s_cell_type_probs"].shape == (4, 3)

    def test_error_names_labels_where_the_model_declares_none(self, adata: ad.AnnData) -> None:
        with pytest.raises(ValueError, match=r"markers declares none.*pass labels=\[\.\.\.\]"):
            annotate(adata, labels=None)

    def test_declared_cell_types_are_no_labels_for_another_target(self, adata: ad.AnnData) -> None:
        with pytest.raises(ValueError, match=r"for 'tissue'; pass labels="):
            annotate(adata, labels=None, model=marker_model(labels=LABELS), target="tissue")

    def test_mean_divides_by_the_tokens_of_each_label(self, adata: ad.AnnData) -> None:
        scores = LabelScores(np.tile([-2.0, -3.0], (4, 1)), np.array([1, 3]))
        model = CallableModel(score=lambda prompts, choices: scores)
        annotate(adata, model=model, labels=["a", "b"], controls=False)
        assert adata.obs["c2s_cell_type"].unique().tolist() == ["a"]
        annotate(adata, model=model, labels=["a", "b"], normalize="mean", controls=False)
        assert adata.obs["c2s_cell_type"].unique().tolist() == ["b"]
        assert adata.obsm["c2s_cell_type_probs"].to_numpy()[0] == pytest.approx(softmax([-2, -1]))

    def test_prior_correction_takes_away_what_the_empty_prompt_gives(self, adata: ad.AnnData) -> None:
        seen: list[list[str]] = []

        def biased(prompts: list[str], choices: list[str]) -> np.ndarray:
            seen.append(prompts)
            prior = np.array([10.0 if p.startswith("old") else 0.0 for p in prompts])[:, None] * [0, 1, 0]
            return marker_model().score([p.split(":")[1] for p in prompts], choices).logprob + prior

        adata.obs["age"] = ["old", "old", "young", "young"]
        model = CallableModel(score=biased)
        annotate(adata, model=model, prompt="{age}:{cell_sentence}")
        assert adata.obs["c2s_cell_type"].iloc[0] == "B cell/plasma"
        plain = adata.obsm["c2s_cell_type_probs"].to_numpy()
        seen.clear()
        annotate(adata, model=model, prompt="{age}:{cell_sentence}", prior_correction=True)
        corrected = adata.obsm["c2s_cell_type_probs"].to_numpy()
        assert seen[1] == ["old:", "young:"]  # each once, however many cells
        assert corrected[0] == pytest.approx(softmax([4, 0, 3]))
        assert corrected[2:] == pytest.approx(plain[2:])

    def test_prompt_leaves_room_for_the_answer(self, adata: ad.AnnData) -> None:
        prompts = []
        model = CallableModel(
            score=lambda p, c: prompts.extend(p) or np.zeros((len(p), len(c))),
            max_tokens=5,  # words: two for the label, one for its end
        )
        annotate(adata, model=model, prompt="{cell_sentence}")
        assert prompts == ["CD3D LYZ", "CD79A CD3D", "LYZ", "NKG7"]
        assert adata.uns["c2s"]["annotate"]["params"]["n_shortened"] == 1

    def test_choices_are_written_as_the_task_says(self, adata: ad.AnnData) -> None:
        choices = []
        model = CallableModel(score=lambda p, c: choices.extend(c) or np.zeros((len(p), len(c))))
        prompt = scc2s.prompts.custom("{cell_sentence}", response=" It is a {what}.")
        annotate(adata, model=model, prompt=prompt, labels=["x", "y"], controls=False)
        assert choices == [" It is a x.", " It is a y."]


def writer(answers: list[str]) -> CallableModel:
    return CallableModel(generate=lambda prompts: answers[: len(prompts)], id="writer")


class TestGenerate:
    def test_answers_are_mapped_to_labels_and_kept(self, adata: ad.AnnData) -> None:
        raw = [" t cells.", " MONOCYTE", " CD3D LYZ NKG7", " plasmablast"]
        annotate(adata, model=writer(raw), mode="generate", synonyms={"plasmablast": "B cell/plasma"})
        assert adata.obs["c2s_cell_type"].tolist() == ["T cell", "Monocyte", "unmapped", "B cell/plasma"]
        assert adata.obs["c2s_cell_type"].cat.categories.tolist() == [*LABELS, "unmapped"]
        assert adata.obs["c2s_cell_type_raw"].tolist() == raw

    def test_without_labels_the_tidied_answers_are_the_labels(self, adata: ad.AnnData) -> None:
        annotate(adata, labels=None, model=writer([" NK cell.", " B cell", "", " NK cell"]), mode="generate")
        assert adata.obs["c2s_cell_type"].tolist() == ["NK cell", "B cell", "unmapped", "NK cell"]

    def test_empty_cells_are_not_asked(self, adata: ad.AnnData) -> None:
        adata.obs["c2s_sentence"] = ["", "CD3D", "", ""]
        annotate(adata, model=writer([" T cell"]), mode="generate")
        assert adata.obs["c2s_cell_type"].tolist()[1] == "T cell"
        assert adata.obs["c2s_cell_type"].isna().sum() == 3
        assert adata.obs["c2s_cell_type_raw"].tolist() == ["", " T cell", "", ""]

    @pytest.mark.parametrize("option", [{"min_prob": 0.5}, {"prior_correction": True}])
    def test_options_that_need_probabilities_are_refused(self, adata: ad.AnnData, option: dict[str, object]) -> None:
        with pytest.raises(ValueError, match="pass mode='score'"):
            annotate(adata, model=writer([]), mode="generate", **option)

    def test_results_of_the_other_mode_do_not_stay_behind(self, adata: ad.AnnData) -> None:
        annotate(adata)
        annotate(adata, model=writer([" T cell"] * 4), mode="generate")
        assert "c2s_cell_type_prob" not in adata.obs
        assert "c2s_cell_type_probs" not in adata.obsm
        annotate(adata)
        assert "c2s_cell_type_raw" not in adata.obs


KINDS = {"T cell": "CD3D", "B cell": "CD79A", "NK cell": "NKG7", "Monocyte": "LYZ"}


def many(n: int = 200) -> ad.AnnData:
    """Cells of four types, each with its marker somewhere among other genes."""
    rng = np.random.default_rng(0)
    truth = np.array(list(KINDS))[rng.integers(0, 4, n)]
    sentences = [" ".join(rng.permutation([KINDS[kind], "B2M", "ACTB", f"G{i}"])) for i, kind in enumerate(truth)]
    obs = pd.DataFrame({"c2s_sentence": sentences, "truth": truth}, index=[f"cell{i}" for i in range(n)])
    out = ad.AnnData(np.ones((n, 1), dtype="float32"), obs=obs)
    out.uns["organism"] = "human"
    return out


def knows(*kinds: str, prior: str | None = None) -> CallableModel:
    """Knows the markers of some types; of all else it says what it says without genes."""

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        names = [choice.strip() for choice in choices]
        known = [{kind for kind in kinds if KINDS[kind] in prompt.split()} or {prior} for prompt in prompts]
        return np.array([[0.0 if name in one else -4.0 for name in names] for one in known])

    return CallableModel(score=score, labels=list(KINDS), id="planted")


PLANTED = {
    "ignores the cell": (knows(), "as without genes"),
    "ignores the cell, sure of it": (knows(prior="T cell"), "as without genes"),
    "knows": (knows(*KINDS), "beats the nulls"),
    "knows half": (knows("T cell", "B cell"), "partly as without genes"),
}


class TestControls:
    @pytest.mark.parametrize("name", PLANTED)
    def test_planted_models_are_told_apart(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        model, verdict = PLANTED[name]
        adata = many()
        scc2s.tl.annotate(adata, model=model)
        record = adata.uns["c2s"]["annotate"]
        assert record["verdict"] == verdict
        assert record["controls"].index.tolist() == ["own genes", "genes shuffled", "another cell's genes", "no genes"]
        warned = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
        assert len(warned) == (verdict != "beats the nulls")
        assert all("as it does without any genes" in text for text in warned)

    def test_one_that_says_the_same_of_every_cell_is_told_though_it_reads_them(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        adata = many()
        model = CallableModel(score=lambda p, c: np.array([[9.0 * ("B2M" in x), 0, 0, 0] for x in p]))
        scc2s.tl.annotate(adata, labels=list(KINDS), model=model)
        assert adata.uns["c2s"]["annotate"]["verdict"] == "all alike"
        assert "hardly tells the cells apart: genes add 0.00 bits" in caplog.text

    def test_information_is_that_of_the_types_it_knows(self) -> None:
        adata = many()
        found = {}
        for name, (model, _) in PLANTED.items():
            scc2s.tl.annotate(adata, model=model)
            found[name] = adata.uns["c2s"]["annotate"]["controls"].loc["no genes", "gain"]
        assert found["knows"] > 1.3 > found["knows half"] > 0.4 > found["ignores the cell"] == 0

    def test_trust_is_high_where_the_model_knows_the_type_and_0_elsewhere(self) -> None:
        adata = many()
        scc2s.tl.annotate(adata, model=knows("T cell", "B cell"))
        known = adata.obs["truth"].isin(["T cell", "B cell"])
        trust = adata.obs["c2s_cell_type_trust"]
        assert trust.dtype == np.float32
        assert trust[known].min() > 0.9
        assert trust[~known].max() == pytest.approx(0, abs=1e-6)

    def test_cost_a_tenth_of_the_questions_at_most(self) -> None:
        asked: list[str] = []
        model = knows(*KINDS)
        inner = model.score
        model.score = lambda prompts, choices, **kwargs: asked.extend(prompts) or inner(prompts, choices, **kwargs)
        adata = many(1000)
        scc2s.tl.annotate(adata, model=model, controls=False)
        assert len(asked) == 1000
        asked.clear()
        scc2s.tl.annotate(adata, model=model)
        assert 1000 < len(asked) <= 1100
        assert len(asked) - 1000 == adata.uns["c2s"]["annotate"]["n_control_prompts"]

    def test_answers_are_the_same_to_the_bit_with_and_without(
        self, blood: ad.AnnData, tiny: Callable[..., object]
    ) -> None:
        scc2s.tl.annotate(blood, model=tiny())
        plain = scc2s.tl.annotate(blood, model=tiny(), controls=False, copy=True)
        pd.testing.assert_frame_equal(
            plain.obsm["c2s_cell_type_probs"], blood.obsm["c2s_cell_type_probs"], check_exact=True
        )
        assert "c2s_cell_type_trust" not in plain.obs
        assert not {"controls", "verdict"} & set(plain.uns["c2s"]["annotate"])

    def test_rows_may_come_in_any_order(self) -> None:
        adata = many()
        turned = adata[::-1].copy()
        for data in (adata, turned):
            scc2s.tl.annotate(data, model=knows("T cell"))
        tables = [data.uns["c2s"]["annotate"]["controls"] for data in (adata, turned)]
        pd.testing.assert_frame_equal(*tables)
        assert adata.obs["c2s_cell_type_trust"].equals(turned.obs["c2s_cell_type_trust"][adata.obs_names])

    def test_corrected_probabilities_have_level_answers_without_genes(self) -> None:
        adata = many()
        scc2s.tl.annotate(adata, model=knows(*KINDS, prior="T cell"), prior_correction=True)
        record = adata.uns["c2s"]["annotate"]
        assert record["controls"].loc["no genes", "information"] == 0
        assert record["controls"].loc["no genes", "gain"] > 0.5
        assert adata.obs["c2s_cell_type_trust"][adata.obs["truth"] == "T cell"].max() == pytest.approx(0)  # the prior

    def test_written_answers_have_them_too(self) -> None:
        adata = many()
        by_marker = {marker: kind for kind, marker in KINDS.items()}
        model = CallableModel(
            generate=lambda prompts: [
                f" {next((by_marker[w] for w in p.split() if w in by_marker), '?')}" for p in prompts
            ]
        )
        scc2s.tl.annotate(adata, labels=list(KINDS), mode="generate", model=model)
        record = adata.uns["c2s"]["annotate"]
        assert record["verdict"] == "beats the nulls"
        assert record["controls"].loc["no genes", "same_label"] == 0
        assert "c2s_cell_type_trust" not in adata.obs
        model = CallableModel(generate=lambda prompts: [" T cell" for _ in prompts])
        scc2s.tl.annotate(adata, labels=list(KINDS), mode="generate", model=model)
        assert adata.uns["c2s"]["annotate"]["verdict"] == "as without genes"

    def test_labels_that_were_not_taught_are_said_before_the_work(self, caplog: pytest.LogCaptureFixture) -> None:
        adata = many(30)
        scc2s.tl.annotate(adata, labels=["T cell", "neuron"], model=knows(*KINDS), controls=False)
        assert adata.uns["c2s"]["annotate"]["taught"]["labels_not_taught"].tolist() == ["neuron"]
        assert "planted was not taught 1 of 2 labels: 'neuron'" in caplog.text


class TestGroups:
    def test_group_gets_the_label_with_the_highest_mean_probability(self, adata: ad.AnnData) -> None:
        # one sure monocyte outweighs two cells that are barely T cells
        adata.obs["leiden"] = pd.Categorical(["0", "0", "0", "1"])
        logits = np.array([[1.0, 0.0, 0.9], [1.0, 0.0, 0.9], [0.0, 0.0, 9.0], [0.0, 9.0, 0.0]])
        annotate(adata, model=CallableModel(score=lambda p, c: logits), groupby="leiden", controls=False)
        assert adata.obs["c2s_cell_type"].tolist()[:2] == ["T cell", "T cell"]
        assert adata.obs["c2s_cell_type_leiden"].tolist() == ["Monocyte"] * 3 + ["B cell/plasma"]

    def test_unsure_group_is_unassigned(self, adata: ad.AnnData) -> None:
        adata.obs["leiden"] = pd.Categorical(["0", "0", "1", "2"])
        annotate(adata, groupby="leiden", min_prob=0.6)
        assert adata.obs["c2s_cell_type_leiden"].tolist() == ["unassigned", "unassigned", "Monocyte", "unassigned"]

    def test_written_labels_are_counted(self, adata: ad.AnnData) -> None:
        adata.obs["leiden"] = pd.Categorical(["0", "0", "0", "1"])
        answers = [" T cell", " Monocyte", " T cell", " gibberish"]
        annotate(adata, model=writer(answers), mode="generate", groupby="leiden")
        assert adata.obs["c2s_cell_type_leiden"].tolist()[:3] == ["T cell"] * 3
        assert adata.obs["c2s_cell_type_leiden"].isna().tolist()[3]

    def test_cells_in_no_group_or_without_a_sentence_do_not_vote(self, adata: ad.AnnData) -> None:
        adata.obs["c2s_sentence"] = ["", "CD79A", "CD79A", "LYZ"]
        adata.obs["leiden"] = pd.Categorical(["0", "0", None, "1"])
        annotate(adata, groupby="leiden")
        assert adata.obs["c2s_cell_type_leiden"].astype(object).where(lambda x: x.notna(), None).tolist() == [
            "B cell/plasma",
            "B cell/plasma",
            None,
            "Monocyte",
        ]

    def test_missing_column_is_named_before_the_model_runs(self, adata: ad.AnnData) -> None:
        def fail(prompts: list[str], choices: list[str]) -> np.ndarray:
            raise RuntimeError

        with pytest.raises(KeyError, match=r"'leiden'.*sc\.tl\.leiden"):
            annotate(adata, groupby="leiden", model=CallableModel(score=fail))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"labels": ["a", "a"]}, "pass each once"),
        ({"labels": ["a", "unassigned"]}, "'unassigned'"),
        ({"labels": []}, r"pass labels=\[\.\.\.\]"),
        ({"mode": "guess"}, "pass mode='score'"),
        ({"normalize": "max"}, "pass normalize='sum'"),
        ({"synonyms": {"x": "T cell"}}, "pass mode='generate'"),
        ({"prompt": scc2s.prompts.custom("{cell_sentence}", response=" {a} {b}")}, "fills one field"),
    ],
)
def test_wrong_arguments_are_refused_with_what_to_pass(
    adata: ad.AnnData, kwargs: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        annotate(adata, **kwargs)
    assert "c2s_cell_type" not in adata.obs


def test_one_text_as_labels_is_refused(adata: ad.AnnData) -> None:
    with pytest.raises(TypeError, match="pass a list"):
        annotate(adata, labels="T cell")


@pytest.mark.parametrize(("model", "mode"), [(writer([]), "score"), (marker_model(), "generate")])
def test_model_that_cannot_do_it_is_named(adata: ad.AnnData, model: CallableModel, mode: str) -> None:
    with pytest.raises(TypeError, match=f"{model.id} cannot {mode}"):
        annotate(adata, model=model, mode=mode)


def test_unknown_target_without_a_prompt_names_the_known_tasks(adata: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="no task 'tissue'.*prompts.custom"):
        annotate(adata, target="tissue", prompt=None)


def test_target_and_key_added_name_the_results(adata: ad.AnnData) -> None:
    annotate(adata, target="lineage")
    assert "c2s_lineage" in adata.obs
    assert "c2s_lineage_probs" in adata.obsm
    annotate(adata, key_added="mine")
    assert "mine_prob" in adata.obs
    assert {"annotate_c2s_lineage", "annotate_mine"} <= set(adata.uns["c2s"])


def test_copy_leaves_the_original_alone(adata: ad.AnnData) -> None:
    out = annotate(adata, copy=True)
    assert "c2s_cell_type" in out.obs
    assert list(adata.obs) == ["c2s_sentence"]
    assert not adata.obsm
    assert annotate(adata) is None


def test_modality_of_a_mudata_gets_the_result(adata: ad.AnnData) -> None:
    from mudata import MuData

    mdata = MuData({"rna": adata, "prot": ad.AnnData(np.ones((4, 2), dtype="float32"))})
    annotate(mdata)
    assert "c2s_cell_type" in mdata["rna"].obs


@pytest.mark.parametrize("how", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_everything_survives_a_write(adata: ad.AnnData, tmp_path: Path, how: str) -> None:
    adata.obs["c2s_sentence"] = ["CD3D", "CD79A", "LYZ", ""]
    adata.obs["leiden"] = pd.Categorical(["0", "0", "1", "1"])
    annotate(adata, groupby="leiden", min_prob=0.4)
    write: dict[str, Callable] = {"h5ad": adata.write_h5ad, "zarr": adata.write_zarr}
    read = {"h5ad": ad.read_h5ad, "zarr": ad.read_zarr}
    write[how](tmp_path / "a")
    back = read[how](tmp_path / "a")
    for column in ("c2s_cell_type", "c2s_cell_type_prob", "c2s_cell_type_entropy", "c2s_cell_type_leiden"):
        pd.testing.assert_series_equal(back.obs[column], adata.obs[column])
    pd.testing.assert_frame_equal(back.obsm["c2s_cell_type_probs"], adata.obsm["c2s_cell_type_probs"])
    assert back.obsm["c2s_cell_type_probs"].columns.tolist() == ["T cell", "B cell|plasma", "Monocyte"]
    params = back.uns["c2s"]["annotate"]["params"]
    assert params["labels"].tolist() == LABELS
    assert params["n_empty"] == 1
    assert back.uns["c2s"]["annotate"]["model"]["id"] == "markers"


def test_scanpy_plots_the_labels_as_they_are() -> None:
    adata = sc.datasets.pbmc68k_reduced()[:40].copy()
    sc.pp.c2s_sentences(adata, n_genes=50)
    model = CallableModel(
        score=lambda p, c: np.array([["CD79A" in x, "CST3" in x, "CD3D" in x] for x in p], dtype=float)
    )
    sc.tl.c2s_annotate(adata, labels=["B", "M", "T"], model=model, min_prob=0.4)
    axes = sc.pl.umap(adata, color=["bulk_labels", "c2s_cell_type", "c2s_cell_type_prob"], show=False)
    assert len(axes) == 3
    assert len(adata.uns["c2s_cell_type_colors"]) == len(adata.obs["c2s_cell_type"].cat.categories)


class TestRealModel:
    def test_probabilities_are_those_of_the_whole_answers(self, blood: ad.AnnData, tiny: Callable[..., object]) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        scc2s.tl.annotate(blood, model=tiny())
        folder = tiny().id
        plain, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
        task = scc2s.prompts.get("cell_type")
        labels = blood.uns["c2s"]["annotate"]["params"]["labels"].tolist()
        for cell in (0, 11):
            text = task.render([blood.obs["c2s_sentence"].iloc[cell]], {"organism": "Homo sapiens"}).texts[0]
            start = tokenizer(text, return_tensors="pt").input_ids
            sums = []
            for label in labels:
                answer = tokenizer(task.complete(cell_type=label)).input_ids + [tokenizer.eos_token_id]
                ids = torch.cat([start, torch.tensor([answer])], dim=1)
                with torch.no_grad():
                    logprob = plain(ids).logits[0, start.shape[1] - 1 : -1].log_softmax(-1)
                sums.append(float(logprob[torch.arange(len(answer)), answer].sum()))
            assert blood.obsm["c2s_cell_type_probs"].to_numpy()[cell] == pytest.approx(softmax(sums), abs=1e-4)

    def test_declared_labels_are_the_default(self, blood: ad.AnnData, tiny: Callable[..., object]) -> None:
        scc2s.tl.annotate(blood, model=tiny())
        assert blood.obsm["c2s_cell_type_probs"].columns.tolist() == tiny().labels

    def test_free_text_of_an_untrained_model_is_unmapped_not_an_error(
        self, blood: ad.AnnData, tiny: Callable[..., object]
    ) -> None:
        scc2s.tl.annotate(blood, model=tiny(), mode="generate", max_new_tokens=4)
        assert set(blood.obs["c2s_cell_type"]) <= {*tiny().labels, "unmapped"}
        assert blood.obs["c2s_cell_type_raw"].str.len().gt(0).any()

    def test_a_prompt_that_fills_the_context_leaves_room_for_the_longest_label(
        self, blood: ad.AnnData, tiny: Callable[..., object]
    ) -> None:
        scc2s.tl.annotate(blood, model=tiny(context=40), prompt="{cell_sentence}")
        assert blood.uns["c2s"]["annotate"]["params"]["n_shortened"] == 24
        assert np.isfinite(blood.obs["c2s_cell_type_prob"]).all()

    @pytest.mark.parametrize("mode", ["score", "generate"])
    @pytest.mark.parametrize("n_cells", [0, 3])
    def test_nothing_to_ask_is_no_error(
        self, blood: ad.AnnData, tiny: Callable[..., object], tmp_path: Path, mode: str, n_cells: int
    ) -> None:
        none = blood[:n_cells].copy()
        none.obs["c2s_sentence"] = ""
        scc2s.tl.annotate(none, model=tiny(), mode=mode, groupby="louvain")
        assert none.obs["c2s_cell_type"].isna().sum() == n_cells
        none.write_h5ad(tmp_path / "a.h5ad")
        assert ad.read_h5ad(tmp_path / "a.h5ad").obs["c2s_cell_type"].isna().sum() == n_cells


@pytest.fixture(scope="module")
def held_out() -> ad.AnnData:
    """Cells that scc2s-mini was not trained on."""
    adata = sc.datasets.pbmc68k_reduced()
    adata = adata[split(adata.obs_names) == "test"].copy()
    sc.pp.c2s_sentences(adata)
    return adata


class TestDefaultModel:
    def test_held_out_blood_cells_get_their_label(self, held_out: ad.AnnData) -> None:
        truth = held_out.obs["bulk_labels"].astype(str)
        sc.tl.c2s_annotate(held_out, labels=sorted(truth.unique()))
        right = (held_out.obs["c2s_cell_type"].astype(str) == truth).mean()
        assert right > 0.65  # a third is the most frequent type; a linear model on the same sentences has 0.82

    @pytest.mark.slow
    def test_less_probable_labels_are_more_often_wrong(self, held_out: ad.AnnData) -> None:
        truth = held_out.obs["bulk_labels"].astype(str)
        sc.tl.c2s_annotate(held_out, labels=sorted(truth.unique()))
        right = held_out.obs["c2s_cell_type"].astype(str) == truth
        prob = held_out.obs["c2s_cell_type_prob"]
        assert right[prob > prob.median()].mean() > right[prob <= prob.median()].mean() + 0.1

    def test_declared_labels_work_without_an_argument(self, held_out: ad.AnnData) -> None:
        few = held_out[:8].copy()
        sc.tl.c2s_annotate(few)
        assert few.obsm["c2s_cell_type_probs"].shape[1] == len(scc2s.models.load().labels)

    def test_written_answers_are_labels_in_one_of_the_wordings_it_learned(self, held_out: ad.AnnData) -> None:
        few = held_out[:40].copy()
        known = [*scc2s.models.load().labels, *few.obs["bulk_labels"].cat.categories]
        sc.tl.c2s_annotate(few, labels=known, mode="generate")
        assert (few.obs["c2s_cell_type"] != "unmapped").mean() > 0.9
