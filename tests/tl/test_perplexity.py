from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from cell_writers import cells

import scc2s
from scc2s.models import CallableModel, TextScores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import anndata as ad


class Uniform(CallableModel):
    """Finds `v` genes equally likely at each place, and remembers what it read."""

    def __init__(self, v: int, **kwargs: object) -> None:
        super().__init__(generate=list, **kwargs)
        self.v, self.read = v, []

    def log_likelihood(self, prompts: Sequence[str], answers: Sequence[str], *, progress: bool = True) -> TextScores:
        self.read += list(zip(prompts, answers, strict=True))
        n = np.array([len(answer.split()) for answer in answers])
        return TextScores(-n * np.log(self.v), n)


def test_a_uniform_model_gives_its_number_of_genes() -> None:
    adata = cells()
    scc2s.tl.perplexity(adata, model=Uniform(40))
    np.testing.assert_allclose(adata.obs["c2s_perplexity"], 40)
    np.testing.assert_allclose(adata.obs["c2s_perplexity_shuffled"], 40)
    n = adata.obs["c2s_n_genes"].to_numpy()
    np.testing.assert_allclose(adata.obs["c2s_perplexity_log_likelihood"], -n * np.log(40))
    assert adata.uns["c2s"]["perplexity"]["params"]["perplexity"] == pytest.approx(40)


def test_the_model_reads_the_sentence_behind_a_prompt_that_does_not_show_it() -> None:
    adata = cells()
    model = Uniform(40)
    scc2s.tl.perplexity(adata, model=model)
    prompt, answer = model.read[0]
    assert prompt == scc2s.prompts.get("generate_unconditional").render(
        [""], {"organism": "Homo sapiens", "n_genes": "20"}
    ).texts[0]  # fmt: skip
    assert answer == " " + adata.obs["c2s_sentence"].iloc[0]


def test_the_reference_is_the_same_genes_in_an_order_that_any_subset_keeps() -> None:
    adata, models = cells(), [Uniform(40), Uniform(40)]
    scc2s.tl.perplexity(adata, model=models[0])
    scc2s.tl.perplexity(adata[5:6].copy(), model=models[1])
    real, shuffled = models[0].read[5][1], models[0].read[12 + 5][1]
    assert real != shuffled
    assert sorted(real.split()) == sorted(shuffled.split())
    assert models[1].read[1][1] == shuffled


def test_the_packaged_model_finds_cells_more_likely_than_their_shuffled_genes(blood: ad.AnnData) -> None:
    scc2s.tl.perplexity(blood)
    assert (blood.obs["c2s_perplexity"] < blood.obs["c2s_perplexity_shuffled"]).mean() > 0.9


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
def test_a_sentence_too_long_for_the_model_loses_genes_and_a_cell_alone_scores_the_same(
    kind: str, blood: ad.AnnData, pieces: Callable[[str], object]
) -> None:
    blood.obs["c2s_sentence"] = [" ".join([s] * (5 if i == 0 else 1)) for i, s in enumerate(blood.obs["c2s_sentence"])]
    model = pieces(kind)
    scc2s.tl.perplexity(blood, model=model)
    assert blood.uns["c2s"]["perplexity"]["params"]["n_shortened"] >= 1
    alone = blood[3:4].copy()
    scc2s.tl.perplexity(alone, model=model)
    assert alone.obs["c2s_perplexity"].iloc[0] == pytest.approx(blood.obs["c2s_perplexity"].iloc[3], rel=1e-4)


def test_a_cell_without_a_sentence_has_none(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    adata.obs["c2s_sentence"] = ["", *adata.obs["c2s_sentence"][1:]]
    out = scc2s.tl.perplexity(adata, model=Uniform(40), copy=True, key_added="surprise")
    assert np.isnan(out.obs["surprise"].iloc[0])
    assert "surprise" not in adata.obs
    assert "perplexity_surprise" in out.uns["c2s"]
    assert "1 of 12 cells have an empty sentence" in caplog.text


def test_conditions_come_from_obs_and_a_prompt_that_shows_the_cell_is_refused() -> None:
    adata, model = cells(), Uniform(40)
    scc2s.tl.perplexity(adata, model=model, prompt="{n_genes} genes of a {type} cell:")
    assert model.read[1][0] == "20 genes of a T cell:"
    with pytest.raises(ValueError, match="does not ask for a cell"):
        scc2s.tl.perplexity(adata, model=model, prompt="{cell_sentence}")
    with pytest.raises(TypeError, match="cannot log_likelihood"):
        scc2s.tl.perplexity(adata, model=CallableModel(generate=list))
