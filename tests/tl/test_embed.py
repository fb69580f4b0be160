from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GENES = ["CD3D", "CD79A", "LYZ", "NKG7"]
SENTENCES = ["CD3D LYZ", "CD79A CD3D NKG7", "LYZ", "NKG7 CD3D"]


@pytest.fixture
def adata() -> ad.AnnData:
    out = ad.AnnData(np.ones((4, 4), dtype="float32"), var=pd.DataFrame(index=GENES))
    out.obs["c2s_sentence"] = SENTENCES
    out.obs["c2s_n_genes"] = [len(s.split()) for s in SENTENCES]
    return out


class Echo(CallableModel):
    """Embeds a prompt as the number of times each gene is in it, and remembers the prompts."""

    def __init__(self, **kwargs: object) -> None:
        self.prompts: list[str] = []
        super().__init__(embed=self._count, **kwargs)

    def _count(self, prompts: list[str]) -> np.ndarray:
        self.prompts = prompts
        return np.array([[p.split().count(g) for g in GENES] for p in prompts])


def test_each_cell_gets_the_embedding_of_its_own_prompt(adata: ad.AnnData) -> None:
    scc2s.tl.embed(adata, model=Echo(), prompt="{cell_sentence}")
    assert adata.obsm["X_c2s"].dtype == np.float32
    assert adata.obsm["X_c2s"].tolist() == [[s.split().count(g) for g in GENES] for s in SENTENCES]


def test_default_prompt_is_the_cell_type_task_of_the_models_family(adata: ad.AnnData) -> None:
    model = Echo()
    scc2s.tl.embed(adata, model=model)
    task = scc2s.prompts.get("cell_type", family="scc2s")
    assert model.prompts == task.render(SENTENCES, {"organism": "Homo sapiens"}).texts


def test_model_of_another_family_is_asked_in_our_words_and_the_log_names_the_way_out(
    adata: ad.AnnData, caplog: pytest.LogCaptureFixture
) -> None:
    model = Echo(family="cell2sentence")
    scc2s.tl.embed(adata, model=model)
    assert "prompts.from_cell2sentence()" in caplog.text
    assert adata.uns["c2s"]["embed"]["params"]["prompt_family"] == "scc2s"


def test_published_model_is_not_fed_mouse_symbols_without_a_word(
    adata: ad.AnnData, caplog: pytest.LogCaptureFixture
) -> None:
    prompt, hint = "{cell_sentence}", "upper=True"
    scc2s.tl.embed(adata, model=Echo(family="cell2sentence"), prompt=prompt)
    assert hint not in caplog.text
    adata.obs["c2s_sentence"] = [s.title() for s in SENTENCES]
    scc2s.tl.embed(adata, model=Echo(), prompt=prompt)
    assert hint not in caplog.text
    scc2s.tl.embed(adata, model=Echo(family="cell2sentence"), prompt=prompt)
    assert hint in caplog.text


def test_given_prompt_gives_no_warning(adata: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    scc2s.tl.embed(adata, model=Echo(family="cell2sentence"), prompt="{organism}: {cell_sentence}")
    assert not [r for r in caplog.records if r.levelname == "WARNING"]


def test_scope_sentence_pools_over_the_sentence_alone(adata: ad.AnnData) -> None:
    prompt = "LYZ LYZ LYZ {cell_sentence} LYZ"
    scc2s.tl.embed(adata, model=Echo(), prompt=prompt, scope="sentence")
    assert adata.obsm["X_c2s"][:, 2].tolist() == [1, 0, 1, 0]
    scc2s.tl.embed(adata, model=Echo(), prompt=prompt, scope="all")
    assert adata.obsm["X_c2s"][:, 2].tolist() == [5, 4, 5, 4]


def test_fields_of_the_prompt_come_from_obs(adata: ad.AnnData) -> None:
    adata.obs["tissue"] = pd.Categorical(["blood", "lung", "blood", "lung"])
    adata.obs["age"] = [1, 2, 3, 4]
    model = Echo()
    scc2s.tl.embed(adata, model=model, prompt="{tissue} {age}: {cell_sentence}")
    assert model.prompts[:2] == ["blood 1: CD3D LYZ", "lung 2: CD79A CD3D NKG7"]


def test_field_that_is_no_column_is_named(adata: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="tissue"):
        scc2s.tl.embed(adata, model=Echo(), prompt="{tissue}: {cell_sentence}")


def test_missing_value_never_reaches_a_prompt(adata: ad.AnnData) -> None:
    adata.obs["tissue"] = ["blood", None, "blood", np.nan]
    with pytest.raises(ValueError, match="missing for 2 cells.*fillna"):
        scc2s.tl.embed(adata, model=Echo(), prompt="{tissue}: {cell_sentence}")


def test_prompt_without_the_sentence_is_refused(adata: ad.AnnData) -> None:
    with pytest.raises(ValueError, match="no {cell_sentence}"):
        scc2s.tl.embed(adata, model=Echo(), prompt="{organism}")


class TestOrganism:
    def prompts(self, adata: ad.AnnData, **kwargs: object) -> list[str]:
        model = Echo()
        scc2s.tl.embed(adata, model=model, prompt="{organism}|{cell_sentence}", **kwargs)
        return [p.split("|")[0] for p in model.prompts]

    def test_argument_wins_over_everything(self, adata: ad.AnnData) -> None:
        adata.obs["organism"] = "Mus musculus"
        adata.uns["organism"] = "Danio rerio"
        assert self.prompts(adata, organism="Rattus norvegicus") == ["Rattus norvegicus"] * 4

    def test_column_is_read_cell_by_cell(self, adata: ad.AnnData) -> None:
        adata.obs["organism"] = pd.Categorical(["Homo sapiens", "Mus musculus", "Homo sapiens", "mouse"])
        adata.uns["organism"] = "Danio rerio"
        assert self.prompts(adata) == ["Homo sapiens", "Mus musculus", "Homo sapiens", "Mus musculus"]
        recorded = adata.uns["c2s"]["embed"]["params"]["organism"]
        assert recorded.tolist() == ["Homo sapiens", "Mus musculus"]

    def test_then_uns(self, adata: ad.AnnData) -> None:
        adata.uns["organism"] = "Danio rerio"
        assert self.prompts(adata) == ["Danio rerio"] * 4

    def test_then_the_case_of_the_gene_names(self, adata: ad.AnnData) -> None:
        assert self.prompts(adata) == ["Homo sapiens"] * 4
        adata.var_names = ["Cd3d", "Cd79a", "Lyz2", "Nkg7"]
        assert self.prompts(adata) == ["Mus musculus"] * 4

    def test_a_guess_without_ground_is_a_warning(self, adata: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
        adata.var_names = ["hlh-16", "msa-1", "ins-2", "odr-7"]
        assert self.prompts(adata) == ["Homo sapiens"] * 4
        assert "pass organism=" in caplog.text


def test_sentences_over_the_context_lose_whole_genes_and_the_count_is_told_and_kept(
    adata: ad.AnnData, caplog: pytest.LogCaptureFixture
) -> None:
    model = Echo(max_tokens=4)  # words
    scc2s.tl.embed(adata, model=model, prompt="{n_genes} genes: {cell_sentence}")
    assert model.prompts == ["2 genes: CD3D LYZ", "2 genes: CD79A CD3D", "1 genes: LYZ", "2 genes: NKG7 CD3D"]
    assert "1 of 4 cell sentences were shortened" in caplog.text
    assert adata.uns["c2s"]["embed"]["params"]["n_shortened"] == 1


def test_empty_cells_are_refused_with_the_call_that_leaves_them_out(adata: ad.AnnData) -> None:
    adata.obs["c2s_sentence"] = ["CD3D", "", "LYZ", " "]
    adata.obs["c2s_n_genes"] = [1, 0, 1, 0]
    model = Echo()
    with pytest.raises(ValueError, match="2 of 4 cells have an empty sentence") as error:
        scc2s.tl.embed(adata, model=model, prompt="{cell_sentence}")
    assert model.prompts == []
    assert "X_c2s" not in adata.obsm
    fix = str(error.value).split("adata = ")[1]
    kept = eval(fix, {"adata": adata})
    scc2s.tl.embed(kept, model=model, prompt="{cell_sentence}")
    assert kept.obsm["X_c2s"].shape == (2, 4)


def test_copy_leaves_the_original_alone(adata: ad.AnnData) -> None:
    out = scc2s.tl.embed(adata, model=Echo(), copy=True)
    assert "X_c2s" in out.obsm
    assert "X_c2s" not in adata.obsm
    assert "c2s" not in adata.uns
    assert scc2s.tl.embed(adata, model=Echo()) is None


def test_another_name_keeps_both_results_and_both_records(adata: ad.AnnData) -> None:
    scc2s.tl.embed(adata, model=Echo(id="one"))
    scc2s.tl.embed(adata, model=Echo(id="org/two"), key_added="X_other")
    assert {"X_c2s", "X_other"} <= set(adata.obsm)
    assert adata.uns["c2s"]["embed"]["model"]["id"] == "one"
    assert adata.uns["c2s"]["embed_X_other"]["model"]["id"] == "org/two"


def test_modality_of_a_mudata_gets_the_result(adata: ad.AnnData) -> None:
    from mudata import MuData

    mdata = MuData({"gex": adata, "prot": ad.AnnData(np.ones((4, 2), dtype="float32"))})
    scc2s.tl.embed(mdata, model=Echo(), mod="gex")
    assert mdata["gex"].obsm["X_c2s"].shape == (4, 4)
    out = scc2s.tl.embed(mdata, model=Echo(), mod="gex", key_added="X_new", copy=True)
    assert "X_new" in out["gex"].obsm
    assert "X_new" not in mdata["gex"].obsm


def test_result_and_record_survive_h5ad(adata: ad.AnnData, tmp_path: Path) -> None:
    adata.obs["organism"] = ["Homo sapiens", "Mus musculus"] * 2
    scc2s.tl.embed(adata, model=Echo(id="org/model"))
    adata.write_h5ad(tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(back.obsm["X_c2s"], adata.obsm["X_c2s"])
    params = back.uns["c2s"]["embed"]["params"]
    assert params["pooling"] == "mean"
    assert "{cell_sentence}" in params["prompt"]
    assert back.uns["c2s"]["embed"]["model"]["id"] == "org/model"


def test_categorical_sentences_as_h5ad_gives_them_back_are_the_same(adata: ad.AnnData) -> None:
    plain = scc2s.tl.embed(adata, model=Echo(), copy=True)
    adata.obs["c2s_sentence"] = adata.obs["c2s_sentence"].astype("category")
    scc2s.tl.embed(adata, model=Echo())
    np.testing.assert_array_equal(adata.obsm["X_c2s"], plain.obsm["X_c2s"])


@pytest.mark.parametrize(("name", "value"), [("pooling", "max"), ("scope", "genes")])
def test_unknown_choice_names_the_known_ones(adata: ad.AnnData, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"pass {name}="):
        scc2s.tl.embed(adata, model=Echo(), **{name: value})


def test_missing_sentences_name_the_call_that_makes_them() -> None:
    with pytest.raises(KeyError, match=r"sc\.pp\.c2s_sentences\(adata\)"):
        scc2s.tl.embed(ad.AnnData(np.ones((2, 2), dtype="float32")), model=Echo())


def test_model_that_cannot_embed_is_named(adata: ad.AnnData) -> None:
    with pytest.raises(TypeError, match="writer cannot embed"):
        scc2s.tl.embed(adata, model=CallableModel(generate=lambda p: p, id="writer"))


def test_global_random_state_is_untouched(adata: ad.AnnData) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    scc2s.tl.embed(adata, model=Echo())
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.slow
def test_neighbors_and_umap_take_the_result() -> None:
    adata = sc.datasets.pbmc68k_reduced()[:60].copy()
    sc.pp.c2s_sentences(adata)
    sc.tl.c2s_embed(adata, model=Echo(), prompt="{cell_sentence}")
    sc.pp.neighbors(adata, use_rep="X_c2s", n_neighbors=5)
    sc.tl.umap(adata, maxiter=5)
    assert adata.obsm["X_umap"].shape == (60, 2)


class TestRealModel:
    def test_a_cell_has_one_embedding_alone_or_in_any_company(
        self, blood: ad.AnnData, tiny: Callable[..., object]
    ) -> None:
        blood.obs["c2s_sentence"] = [" ".join(s.split()[: 5 + 2 * i]) for i, s in enumerate(blood.obs["c2s_sentence"])]
        scc2s.tl.embed(blood, model=tiny())
        order = np.random.default_rng(0).permutation(blood.n_obs)
        shuffled = blood[order].copy()
        scc2s.tl.embed(shuffled, model=tiny())
        np.testing.assert_allclose(shuffled.obsm["X_c2s"], blood.obsm["X_c2s"][order], atol=1e-5)
        alone = blood[[7]].copy()
        scc2s.tl.embed(alone, model=tiny())
        np.testing.assert_allclose(alone.obsm["X_c2s"][0], blood.obsm["X_c2s"][7], atol=1e-5)

    def test_pooling_layer_and_scope_reach_the_model(self, blood: ad.AnnData, tiny: Callable[..., object]) -> None:
        results = []
        for kwargs in ({}, {"pooling": "last"}, {"model_layer": 1}, {"scope": "sentence"}):
            scc2s.tl.embed(blood, model=tiny(), **kwargs)
            results.append(blood.obsm["X_c2s"].copy())
        for i, one in enumerate(results):
            assert one.shape == (24, 16)
            assert not any(np.allclose(one, other, atol=1e-3) for other in results[:i])

    def test_prompts_over_the_context_are_shortened_and_their_embedding_is_that_of_what_is_left(
        self, blood: ad.AnnData, tiny: Callable[..., object], caplog: pytest.LogCaptureFixture
    ) -> None:
        model, task = tiny(context=40), scc2s.prompts.custom("Genes: {cell_sentence}")
        scc2s.tl.embed(blood, model=model, prompt=task)
        assert "24 of 24 cell sentences were shortened" in caplog.text
        sentences = blood.obs["c2s_sentence"].tolist()
        kept = task.render(sentences, count_tokens=model.count_tokens, max_tokens=40)
        assert all(full.startswith(f"{text[7:]} ") for text, full in zip(kept.texts, sentences, strict=True))
        np.testing.assert_allclose(blood.obsm["X_c2s"], model.embed(kept.texts), atol=1e-5)

    def test_record_names_model_weights_and_versions(self, blood: ad.AnnData, tiny: Callable[..., object]) -> None:
        scc2s.tl.embed(blood, model=tiny())
        entry = blood.uns["c2s"]["embed"]
        assert {"id", "weights_hash", "backend", "device", "dtype"} <= set(entry["model"])
        assert {"scc2s", "torch", "transformers"} <= set(entry["versions"])


def test_default_model_puts_cells_beside_cells_of_their_type() -> None:
    adata = sc.datasets.pbmc68k_reduced()[:120].copy()
    sc.pp.c2s_sentences(adata)
    sc.tl.c2s_embed(adata)
    vectors = adata.obsm["X_c2s"]
    assert np.isfinite(vectors).all()
    distance = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    truth = adata.obs["bulk_labels"].to_numpy()
    assert (truth[distance.argmin(axis=1)] == truth).mean() > 0.6  # by chance 0.2


class TestRawWithFewerGenes:
    """scanpy's usual layout: all genes in ``.raw``, highly variable ones in the cells."""

    @pytest.fixture
    def raw_and_few(self) -> ad.AnnData:
        adata = sc.datasets.pbmc68k_reduced()[:20].raw.to_adata()
        adata.raw = adata
        return adata[:, ::8].copy()

    def test_prompts_hold_the_genes_that_the_log_names(
        self, raw_and_few: ad.AnnData, caplog: pytest.LogCaptureFixture
    ) -> None:
        asked: list[str] = []
        model = CallableModel(
            embed=lambda prompts: asked.extend(prompts) or np.ones((len(prompts), 2)),
            score=lambda prompts, choices: asked.extend(prompts) or np.zeros((len(prompts), len(choices))),
        )
        tools = (
            lambda: scc2s.tl.embed(raw_and_few, model=model, prompt="{cell_sentence}"),
            lambda: scc2s.tl.annotate(raw_and_few, model=model, prompt="{cell_sentence}", labels=["B", "T"]),
        )
        for use_raw, said in (
            (None, "are of the 765 genes of adata.raw, not of the 96 of adata"),
            (False, "come from X"),
        ):
            scc2s.pp.sentences(raw_and_few, use_raw=use_raw)
            for tool in tools:
                asked.clear()
                caplog.clear()
                with caplog.at_level("INFO", logger="scc2s"):
                    tool()
                assert said in caplog.text
                genes = {gene for prompt in asked for gene in prompt.split()}
                assert (genes <= set(raw_and_few.var_names)) == (use_raw is False)
                assert genes <= set(raw_and_few.raw.var_names)
