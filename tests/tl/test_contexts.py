"""Tools asked about contexts of several cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import scanpy as sc

import scc2s
from scc2s._cells.contexts import get_contexts
from scc2s.models import CallableModel, ReplayModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GENES = ["CD3D", "CD79A", "LYZ", "NKG7", "GNLY", "ALB"]
COUNT = "{multi_cell_sentences}"


def cells(n: int = 24) -> ad.AnnData:
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(
        {"tissue": np.where(np.arange(n) < n // 2, "blood", "liver"), "donor": rng.choice(["d1", "d2"], n)},
        index=[f"cell{i}" for i in range(n)],
    )
    own = ["CD3D CD79A LYZ", "ALB LYZ"]
    obs["c2s_sentence"] = [own[0] if tissue == "blood" else own[1] for tissue in obs["tissue"]]
    obs["c2s_n_genes"] = [len(text.split()) for text in obs["c2s_sentence"]]
    adata = ad.AnnData(np.ones((n, len(GENES)), dtype="float32"), obs=obs, var=pd.DataFrame(index=GENES))
    scc2s.pp.contexts(adata, groupby="tissue", n_cells=(2, 4))
    return adata


class Echo(CallableModel):
    """Embeds a prompt as the number of times each gene is in it, and remembers the prompts."""

    def __init__(self, **kwargs: object) -> None:
        self.prompts: list[str] = []
        super().__init__(embed=self._count, **kwargs)

    def _count(self, prompts: list[str]) -> np.ndarray:
        self.prompts = prompts
        return np.array([[p.split().count(g) for g in GENES] for p in prompts])


def liver_or_blood() -> CallableModel:
    return CallableModel(
        id="by ALB",
        score=lambda prompts, choices: np.array(
            [[4.0 * (("ALB" in p) == ("liver" in c)) for c in choices] for p in prompts]
        ),
    )


class TestEmbed:
    def test_each_context_gets_the_embedding_of_its_own_prompt_and_cells_get_nothing(self) -> None:
        adata = cells()
        before = adata.copy()
        scc2s.tl.embed(adata, model=Echo(), prompt=COUNT, contexts="contexts")
        found = adata.uns["c2s"]["by_contexts"]["X_c2s"]
        contexts = get_contexts(adata)
        assert found["names"].tolist() == contexts.table.index.tolist()
        want = [
            np.sum([[adata.obs.loc[cell, "c2s_sentence"].split().count(g) for g in GENES] for cell in some], axis=0)
            for some in contexts.cells
        ]
        assert found["arrays"]["X_c2s"].dtype == np.float32
        assert found["arrays"]["X_c2s"].tolist() == np.array(want).tolist()
        assert list(adata.obsm) == []
        pd.testing.assert_frame_equal(adata.obs, before.obs)

    def test_prompt_is_the_task_of_the_family_with_headers_in_the_order_of_the_cells(self) -> None:
        adata = cells()
        model = Echo()
        scc2s.tl.embed(adata, model=model, contexts="contexts", organism="human")
        task = scc2s.prompts.get("sample_cell_types")
        sentences = [[adata.obs.loc[cell, "c2s_sentence"] for cell in some] for some in get_contexts(adata).cells]
        texts = task.render(sentences, {"organism": "Homo sapiens"}).texts
        assert model.prompts == list(dict.fromkeys(texts))  # the same question is asked once
        assert "Cell 2: " in model.prompts[0]

    def test_metadata_in_the_prompt_comes_from_the_table_or_from_cells_that_agree(self) -> None:
        adata = cells()
        adata.obs["study"] = adata.obs["tissue"].map({"blood": "NKG7", "liver": "GNLY"})
        model = Echo()
        scc2s.tl.embed(adata, model=model, prompt="{tissue} {study} " + COUNT, contexts="contexts")
        with_study = adata.uns["c2s"]["by_contexts"]["X_c2s"]["arrays"]["X_c2s"]
        assert with_study[:, 3:5].sum(axis=1).tolist() == [1.0] * len(with_study)
        own = with_study[:, 3:5].argmax(axis=1)
        assert own.tolist() == [int(tissue == "liver") for tissue in get_contexts(adata).table["tissue"]]
        assert all(prompt.startswith(("blood NKG7 Cell 1:", "liver GNLY Cell 1:")) for prompt in model.prompts)

    def test_a_field_in_which_cells_differ_or_that_is_not_there_is_named_before_a_model_is_loaded(self) -> None:
        adata = cells()
        for prompt, error, text in (
            ("{donor} " + COUNT, ValueError, r"differ in 'donor'.*groupby=\[..., 'donor'\]"),
            ("{organ} " + COUNT, KeyError, "organ"),
            ("{cell_sentence}", ValueError, "multi_cell_sentences"),
        ):
            with pytest.raises(error, match=text):
                scc2s.tl.embed(adata, model="no such model", prompt=prompt, contexts="contexts")
        with pytest.raises(KeyError, match="scc2s.pp.contexts"):
            scc2s.tl.embed(adata, model="no such model", contexts="others")
        with pytest.raises(KeyError, match="not in the data"):
            scc2s.tl.embed(adata[:5].copy(), model="no such model", contexts="contexts")
        with pytest.raises(ValueError, match="several cells.*pass contexts="):
            scc2s.tl.embed(adata, model="no such model", prompt=scc2s.prompts.get("sample_tissue"))
        with pytest.raises(TypeError, match="contexts="):
            scc2s.tl.embed(adata, model="no such model", contexts=["contexts"])
        assert "by_contexts" not in adata.uns["c2s"]

    def test_genes_of_a_cell_are_as_many_as_the_contexts_say(self) -> None:
        adata = cells()
        scc2s.pp.contexts(adata, groupby="tissue", n_cells=2, n_genes=1)
        model = Echo()
        scc2s.tl.embed(adata, model=model, prompt="{n_genes}: " + COUNT, contexts="contexts")
        assert set(model.prompts) == {"1: Cell 1: CD3D\nCell 2: CD3D", "1: Cell 1: ALB\nCell 2: ALB"}
        assert adata.uns["c2s"]["by_contexts"]["X_c2s"]["params"]["n_genes"] == 1

    def test_contexts_too_long_for_the_model_lose_genes_then_cells_and_both_are_counted(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        adata = cells()
        adata.obs["c2s_sentence"] = " ".join(f"G{i}" for i in range(80))
        scc2s.pp.contexts(adata, groupby="tissue", n_cells=4)
        scc2s.tl.embed(adata, model=Echo(max_tokens=260), prompt=COUNT, contexts="contexts")
        params = adata.uns["c2s"]["by_contexts"]["X_c2s"]["params"]
        n = len(get_contexts(adata))
        assert (params["n_shortened"], params["n_fewer_cells"]) == (n, 0)  # 4 cells of 63 genes
        scc2s.tl.embed(adata, model=Echo(max_tokens=130), prompt=COUNT, contexts="contexts")
        params = adata.uns["c2s"]["by_contexts"]["X_c2s"]["params"]
        assert (params["n_shortened"], params["n_fewer_cells"]) == (n, n)
        assert "now 2 to 2 cells, of at most 63 genes each" in caplog.text

    def test_cells_without_a_sentence_are_left_out_and_counted(self, caplog: pytest.LogCaptureFixture) -> None:
        adata = cells()
        some = get_contexts(adata).cells[0]
        adata.obs.loc[some[0], "c2s_sentence"] = ""
        scc2s.tl.embed(adata, model=Echo(), prompt="{n_cells} " + COUNT, contexts="contexts")
        assert "1 cells of the contexts have an empty sentence" in caplog.text
        assert adata.uns["c2s"]["by_contexts"]["X_c2s"]["params"]["n_empty_cells"] == 1
        adata.obs.loc[some, "c2s_sentence"] = ""
        with pytest.raises(ValueError, match="1 contexts have no cell with a sentence"):
            scc2s.tl.embed(adata, model=Echo(), prompt=COUNT, contexts="contexts")

    def test_scope_sentence_pools_over_the_cells_alone(self) -> None:
        adata = cells()
        model = Echo()
        scc2s.tl.embed(adata, model=model, prompt="CD3D " + COUNT + " CD3D", scope="sentence", contexts="contexts")
        assert all(prompt.startswith("Cell 1:") for prompt in model.prompts)

    def test_the_same_vectors_whatever_the_order_of_rows(self) -> None:
        adata = cells()
        mixed = adata[::-1].copy()
        for some in (adata, mixed):
            scc2s.tl.embed(some, model=Echo(), prompt=COUNT, contexts="contexts")
        a, b = (some.uns["c2s"]["by_contexts"]["X_c2s"]["arrays"]["X_c2s"] for some in (adata, mixed))
        assert np.array_equal(a, b)

    @pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
    def test_tiny_models_embed_contexts_as_they_embed_the_same_text(
        self, kind: str, pieces: Callable[[str], object]
    ) -> None:
        adata, model = cells(), pieces(kind)
        scc2s.tl.embed(adata, model=model, contexts="contexts")
        found = adata.uns["c2s"]["by_contexts"]["X_c2s"]["arrays"]["X_c2s"]
        one = get_contexts(adata).cells[1]
        prompt = scc2s.prompts.get("sample_cell_types").render(
            [[adata.obs.loc[cell, "c2s_sentence"] for cell in one]], {"organism": "Homo sapiens"}
        )
        assert found.shape == (len(get_contexts(adata)), 32)
        assert np.allclose(found[1], model.embed(prompt.texts)[0], atol=1e-5)

    def test_a_model_that_was_taught_other_tasks_is_said_to(self, caplog: pytest.LogCaptureFixture) -> None:
        scc2s.tl.embed(cells(), model=Echo(tasks=["cell_type"]), contexts="contexts")
        assert "not trained on the task 'sample_cell_types'" in caplog.text


class TestAnnotate:
    def test_a_tissue_for_each_context_with_its_probability_and_controls(self) -> None:
        adata = cells(80)
        scc2s.tl.annotate(
            adata, labels=["blood", "liver"], target="tissue", model=liver_or_blood(), contexts="contexts"
        )
        found = adata.uns["c2s"]["by_contexts"]["c2s_tissue"]
        table = found["table"]
        assert table.index.tolist() == get_contexts(adata).table.index.tolist()
        assert table["c2s_tissue"].tolist() == get_contexts(adata).table["tissue"].tolist()
        assert np.allclose(table["c2s_tissue_prob"], 1 / (1 + np.exp(-4)))
        assert found["arrays"]["c2s_tissue_probs"].shape == (len(table), 2)
        assert found["params"]["task"] == "sample_tissue"
        assert {"genes shuffled", "another cell's genes", "no genes"} <= set(found["controls"].index)
        assert found["controls"].loc["genes shuffled", "same_label"] == 1
        assert found["controls"].loc["no genes", "same_label"] < 1
        assert "c2s_tissue" not in adata.obs

    def test_controls_keep_the_cells_apart_when_genes_are_shuffled_and_show_none_without_genes(self) -> None:
        adata = cells()
        asked: list[str] = []

        def score(prompts: list[str], choices: list[str]) -> np.ndarray:
            asked.extend(prompts)
            return np.zeros((len(prompts), len(choices)))

        scc2s.tl.annotate(
            adata, labels=["a", "b"], target="tissue", model=CallableModel(score=score), prompt=COUNT + "?",
            contexts="contexts",
        )  # fmt: skip
        genes = {"CD3D CD79A LYZ": {"CD3D", "CD79A", "LYZ"}, "ALB LYZ": {"ALB", "LYZ"}}.values()
        assert "?" in asked
        blocks = [part for prompt in asked for part in scc2s.sentences.split_cells(prompt.removesuffix("?"))]
        assert all(set(part.split()) in genes for part in blocks)
        assert not set(blocks) <= {"CD3D CD79A LYZ", "ALB LYZ"}

    def test_cell_types_of_a_sample_are_a_list_in_the_order_of_its_cells(self) -> None:
        adata = cells()
        types = {"CD3D": "T cell", "ALB": "hepatocyte"}

        def write(prompts: list[str]) -> list[str]:
            found = [[types[part.split()[0]] for part in scc2s.sentences.split_cells(p) if part.split()[0] in types]
                     for p in prompts]  # fmt: skip
            return [" " + "; ".join(one) + "." for one in found]

        scc2s.tl.annotate(
            adata, target="cell_types", mode="generate", labels=["T cell", "hepatocyte"], contexts="contexts",
            model=CallableModel(generate=write),
        )  # fmt: skip
        found = adata.uns["c2s"]["by_contexts"]["c2s_cell_types"]
        table = get_contexts(adata).table
        want = [
            "; ".join(["T cell" if t == "blood" else "hepatocyte"] * n)
            for t, n in zip(table["tissue"], table["n_cells"], strict=True)
        ]
        assert found["table"]["c2s_cell_types"].tolist() == want
        assert found["table"]["c2s_cell_types_n"].tolist() == table["n_cells"].tolist()
        assert found["table"]["c2s_cell_types_complete"].all()
        scores = scc2s.metrics.label_lists([text.split("; ") for text in found["table"]["c2s_cell_types"]],
                                           [text.split("; ") for text in want])  # fmt: skip
        assert (scores["in_order"] == 1).all()

    @pytest.mark.parametrize(
        ("answer", "want", "complete"),
        [
            (" T cell", "T cell", False),  # one entry for several cells
            (" T cell; no idea; T cell; T cell; T cell", "T cell; unmapped", True),  # more than there are
            ("", "", False),
            (" CD3D CD79A LYZ", "unmapped", False),
        ],
    )
    def test_ragged_lists_are_read_as_far_as_they_go(self, answer: str, want: str, complete: bool) -> None:
        adata = cells()
        scc2s.pp.contexts(adata, groupby="tissue", n_cells=2)
        scc2s.tl.annotate(
            adata, target="cell_types", mode="generate", labels=["T cell"], contexts="contexts",
            model=CallableModel(generate=lambda prompts: [answer] * len(prompts)),
        )  # fmt: skip
        table = adata.uns["c2s"]["by_contexts"]["c2s_cell_types"]["table"]
        assert set(table["c2s_cell_types"]) == {want}
        assert set(table["c2s_cell_types_complete"]) == {complete}

    def test_written_labels_of_samples_are_mapped_and_their_own_without_labels(self) -> None:
        adata = cells()
        model = CallableModel(generate=lambda prompts: [" Liver." if "ALB" in p else " some organ" for p in prompts])
        scc2s.tl.annotate(adata, target="tissue", mode="generate", labels=["liver"], contexts="contexts", model=model)
        found = adata.uns["c2s"]["by_contexts"]["c2s_tissue"]["table"]["c2s_tissue"]
        assert set(found) == {"liver", "unmapped"}
        scc2s.tl.annotate(adata, target="tissue", mode="generate", contexts="contexts", model=model, key_added="t")
        assert set(adata.uns["c2s"]["by_contexts"]["t"]["table"]["t"]) == {"Liver", "some organ"}

    def test_what_contexts_cannot_be_asked_is_refused_before_a_model_is_loaded(self) -> None:
        adata = cells()
        arguments = {"contexts": "contexts", "model": "no such model", "labels": ["a", "b"]}
        with pytest.raises(ValueError, match="mode='generate'"):
            scc2s.tl.annotate(adata, target="cell_types", **arguments)
        with pytest.raises(ValueError, match="groupby"):
            scc2s.tl.annotate(adata, target="tissue", groupby="donor", **arguments)
        with pytest.raises(KeyError, match="no task"):
            scc2s.tl.annotate(adata, target="weather", **arguments)

    @pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
    def test_tiny_models_score_and_write_about_contexts_and_answers_replay_in_another_order(
        self, kind: str, pieces: Callable[[str], object], tmp_path: Path
    ) -> None:
        adata, model = cells(), pieces(kind)
        live = ReplayModel(tmp_path / "a.jsonl", model=model)
        scc2s.tl.annotate(adata, labels=["blood", "liver"], target="tissue", model=live, contexts="contexts")
        mixed = adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()
        del mixed.uns["c2s"]["by_contexts"]
        again = ReplayModel(tmp_path / "a.jsonl")
        scc2s.tl.annotate(mixed, labels=["blood", "liver"], target="tissue", model=again, contexts="contexts")
        a, b = (some.uns["c2s"]["by_contexts"]["c2s_tissue"]["table"] for some in (adata, mixed))
        pd.testing.assert_frame_equal(a, b)
        scc2s.tl.annotate(
            adata, target="cell_types", mode="generate", model=model, contexts="contexts", max_new_tokens=6,
            controls=False,
        )  # fmt: skip
        assert len(adata.uns["c2s"]["by_contexts"]["c2s_cell_types"]["table"]) == len(get_contexts(adata))


class TestContextAdata:
    @pytest.mark.slow
    def test_results_by_context_survive_files_and_become_an_anndata_that_scanpy_takes(self, tmp_path: Path) -> None:
        adata = cells(80)
        scc2s.tl.embed(adata, model=Echo(id="a"), prompt=COUNT, contexts="contexts")
        scc2s.tl.annotate(
            adata, labels=["blood", "liver"], target="tissue", model=liver_or_blood(), contexts="contexts"
        )
        want = scc2s.pp.context_adata(adata)
        adata.write_h5ad(tmp_path / "a.h5ad")
        adata.write_zarr(tmp_path / "a.zarr")
        for back in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
            found = scc2s.pp.context_adata(back)
            assert found.obs_names.tolist() == want.obs_names.tolist()
            assert found.obs["c2s_tissue"].tolist() == found.obs["tissue"].tolist()
            assert np.array_equal(found.obsm["X_c2s"], want.obsm["X_c2s"])
            assert found.obsm["c2s_tissue_probs"].columns.tolist() == ["blood", "liver"]
            assert found.uns["c2s"]["c2s_tissue"]["model"]["id"] == "by ALB"
            found.write_h5ad(tmp_path / "samples.h5ad")
        sc.pp.neighbors(want, use_rep="X_c2s", n_neighbors=3)
        assert "connectivities" in want.obsp

    def test_results_of_contexts_that_were_drawn_anew_are_refused(self) -> None:
        adata = cells()
        scc2s.tl.embed(adata, model=Echo(), prompt=COUNT, contexts="contexts")
        scc2s.pp.contexts(adata, groupby="tissue", n_cells=12)
        with pytest.raises(ValueError, match="'X_c2s' is of other contexts"):
            scc2s.pp.context_adata(adata)

    def test_contexts_of_two_names_have_results_of_their_own_in_a_modality(self) -> None:
        both = md.MuData({"rna": cells()})
        scc2s.pp.contexts(both, groupby="donor", n_cells=3, key_added="people")
        for name in ("contexts", "people"):
            scc2s.tl.embed(both, model=Echo(), prompt=COUNT, contexts=name)
        assert scc2s.pp.context_adata(both, key="people").obs.columns.tolist() == ["donor", "n_cells"]
        assert scc2s.pp.context_adata(both).obs.columns.tolist() == ["tissue", "n_cells"]


class TestPerplexity:
    @staticmethod
    def falls_with_order() -> CallableModel:
        """Finds genes in the order of the alphabet likelier, and headers certain."""

        def likelihood(prompts: list[str], answers: list[str]) -> np.ndarray:
            found = []
            for answer in answers:
                cells = [part.split() for part in scc2s.sentences.split_cells(answer)]
                found.append(-sum(len(c) for c in cells) * np.log(2) - sum(c != sorted(c) for c in cells))
            return np.array(found)

        return CallableModel(log_likelihood=likelihood)

    def test_per_gene_over_all_cells_of_a_context_and_shuffled_within_cells(self) -> None:
        adata = cells()
        genes = " ".join(f"G{i:02d}" for i in range(12))
        adata.obs["c2s_sentence"] = genes
        scc2s.tl.perplexity(adata, model=self.falls_with_order(), contexts="contexts")
        found = adata.uns["c2s"]["by_contexts"]["c2s_perplexity"]
        n_cells = get_contexts(adata).table["n_cells"].to_numpy()
        assert np.allclose(found["table"]["c2s_perplexity"], 2)
        assert np.allclose(found["table"]["c2s_perplexity_log_likelihood"], -n_cells * 12 * np.log(2))
        assert np.allclose(found["table"]["c2s_perplexity_shuffled"], 2 * np.exp(1 / 12))  # every cell out of order
        assert found["params"]["task"] == "generate_sample"
        assert "c2s_perplexity" not in adata.obs

    def test_tiny_models_give_the_likelihood_of_the_text_of_all_cells(self, pieces: Callable[[str], object]) -> None:
        adata, model = cells(), pieces("gpt_neox")
        scc2s.tl.perplexity(adata, model=model, contexts="contexts")
        table = adata.uns["c2s"]["by_contexts"]["c2s_perplexity"]["table"]
        one = [adata.obs.loc[cell, "c2s_sentence"] for cell in get_contexts(adata).cells[0]]
        task = scc2s.prompts.get("generate_sample")
        fields = {"organism": "Homo sapiens", "n_cells": str(len(one)), "n_genes": str(len(one[0].split()))}
        prompt = task.render([""], fields).texts[0]
        answer = task.complete(multi_cell_sentences=scc2s.sentences.join_cells(one))
        want = model.log_likelihood([prompt], [answer]).logprob[0]
        assert table["c2s_perplexity_log_likelihood"].iloc[0] == pytest.approx(want, rel=1e-4)

    def test_a_prompt_that_shows_the_cells_is_refused(self) -> None:
        with pytest.raises(ValueError, match="does not ask for cells"):
            scc2s.tl.perplexity(cells(), model="no such model", prompt=COUNT, contexts="contexts")
