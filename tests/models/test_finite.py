"""Numbers that are not finite never leave a model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData
from tiny_models import build_model, build_tokenizer, prompts

import scc2s
from scc2s import models
from scc2s.models import GeneVocabulary

PROMPTS = prompts(2, 1)


@pytest.fixture(scope="module")
def overflowing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("overflow")
    lm = build_model("llama")
    lm.model.layers[1].mlp.down_proj.weight.data *= 1e6
    lm.save_pretrained(folder)
    build_tokenizer(bos=False).save_pretrained(folder)
    return folder


CALLS = {
    "score": lambda model: model.score(PROMPTS, [" B cell", " T cell"]),
    "log_likelihood": lambda model: model.log_likelihood(PROMPTS, [" B cell", " T cell"]),
    "embed": lambda model: model.embed(PROMPTS),
    "attention": lambda model: model.attention(PROMPTS, [[(0, 5)]] * 2),
    "generate": lambda model: model.generate(PROMPTS, max_new_tokens=3),
    "genes": lambda model: model.generate(PROMPTS, genes=GeneVocabulary(["CD1", "IL2"], 2)),
}


@pytest.mark.parametrize("name", list(CALLS))
def test_overflow_in_float16_is_refused_with_the_number_format_that_mends_it(overflowing, name):
    with pytest.raises((FloatingPointError, ValueError), match=r'dtype="bfloat16".*dtype="float32"'):
        CALLS[name](models.load(overflowing, device="cpu", dtype="float16"))
    CALLS[name](models.load(overflowing, device="cpu", dtype="float32"))


def test_annotate_leaves_the_data_as_it_was(overflowing):
    adata = AnnData(sp.csr_matrix(np.eye(3, dtype=np.float32)), var=pd.DataFrame(index=["CD3D", "LYZ", "NKG7"]))
    scc2s.pp.sentences(adata)
    before = set(adata.obs)
    model = models.load(overflowing, device="cpu", dtype="float16")
    with pytest.raises(FloatingPointError, match="not finite numbers"):
        scc2s.tl.annotate(adata, model=model, labels=["B cell", "T cell"], prompt="{cell_sentence}. The type is")
    assert set(adata.obs) == before


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_functions_that_give_no_numbers_are_refused(value):
    wrong = models.CallableModel(
        embed=lambda prompts: np.full((len(prompts), 2), value),
        score=lambda prompts, choices: np.full((len(prompts), len(choices)), value),
        log_likelihood=lambda prompts, answers: np.full(len(prompts), value),
    )
    for call in (
        lambda: wrong.embed(["a"]),
        lambda: wrong.score(["a"], ["b"]),
        lambda: wrong.log_likelihood(["a"], ["b"]),
    ):
        with pytest.raises(FloatingPointError, match=r"not finite numbers; see what your function returns"):
            call()


@pytest.mark.parametrize("kind", ["llama", "gpt_neox", "opt"])
@pytest.mark.parametrize("name", ["generate", "genes", "drawn genes"])
def test_scores_that_overflow_after_finite_states_write_nothing(tmp_path, kind, name):
    lm = build_model(kind, tie_word_embeddings=False)
    weight = lm.get_output_embeddings().weight
    weight.data *= 6e4 / weight.abs().max()
    lm.save_pretrained(tmp_path)
    build_tokenizer(bos=False).save_pretrained(tmp_path)
    genes = GeneVocabulary(["CD1", "IL2", "CD3", "RPL5"], 3)
    drawn = {"sampling": models.Sampling(temperature=1.0), "seeds": [1, 2]} if name == "drawn genes" else {}

    def call(dtype):
        model = models.load(tmp_path, device="cpu", dtype=dtype)
        return model.generate(PROMPTS, **({"max_new_tokens": 6} if name == "generate" else {"genes": genes}), **drawn)

    with pytest.raises(ValueError, match=r'not finite numbers; float16 .*dtype="bfloat16".*dtype="float32"'):
        call("float16")
    assert all(call("float32"))


@pytest.mark.parametrize("name", list(CALLS))
def test_damaged_weights_are_not_said_to_be_a_matter_of_the_number_format(tmp_path, name):
    lm = build_model("llama")
    lm.model.layers[1].mlp.down_proj.weight.data[0, 0] = np.nan
    lm.save_pretrained(tmp_path)
    build_tokenizer(bos=False).save_pretrained(tmp_path)
    with pytest.raises((FloatingPointError, ValueError), match="computes in float32.*weights are damaged.*copy them"):
        CALLS[name](models.load(tmp_path, device="cpu", dtype="float32"))
