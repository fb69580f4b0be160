from __future__ import annotations

import hashlib
from importlib.metadata import version

import numpy as np
import pytest
from tiny_models import ANSWERS, prompts

from scc2s.models import Embeds, Generates, Scores


def test_a_model_can_embed_score_and_generate(tiny):
    assert isinstance(tiny("gpt_neox"), Embeds)
    assert isinstance(tiny("gpt_neox"), Scores)
    assert isinstance(tiny("gpt_neox"), Generates)


def test_info_names_weights_hardware_and_versions(tiny, model_folder):
    info = tiny("gpt_neox").info()
    weights = model_folder("gpt_neox") / "model.safetensors"
    assert info["weights_hash"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert info["id"] == str(model_folder("gpt_neox"))
    assert (info["architecture"], info["device"], info["dtype"]) == ("gpt_neox", "cpu", "float32")
    assert info["transformers"] == version("transformers")
    assert info["n_parameters"] == sum(p.numel() for p in tiny("gpt_neox")._decoder.lm.parameters())


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
def test_counted_tokens_are_those_that_are_embedded(tiny, kind):
    model = tiny(kind)
    texts = prompts(4, 1)
    assert model.count_tokens(texts).tolist() == [len(model.tokenizer(text).input_ids) for text in texts]
    assert model.count_tokens([]).shape == (0,)


def test_the_context_is_that_of_the_model(tiny):
    assert tiny("gpt_neox").max_tokens == 512
    assert tiny("bloom").max_tokens is None  # by its kind of positions it has no end


def test_prompts_may_be_any_sequence(tiny):
    model = tiny("gpt_neox")
    texts = prompts(3, 2)
    expected = model.embed(texts), model.score(texts, ANSWERS).logprob
    array = np.array(texts, dtype=object)
    assert np.array_equal(model.embed(array), expected[0])
    assert np.array_equal(model.score(array, list(ANSWERS)).logprob, expected[1])


def test_the_progress_bar_comes_late_and_can_be_silenced(tiny, capsys, monkeypatch):
    import scanpy as sc

    model = tiny("gpt_neox")
    monkeypatch.setenv("TQDM_DISABLE", "0")  # else there is none in a log
    monkeypatch.setattr("tqdm.std.time", lambda: 0.0)
    model.embed(prompts(2, 1))
    assert "embed" not in capsys.readouterr().err
    monkeypatch.setattr("tqdm.std.time", iter(np.arange(0, 1e6, 5.0)).__next__)
    model.embed(prompts(2, 1))
    assert "embed" in capsys.readouterr().err
    model.embed(prompts(2, 1), progress=False)
    before = sc.settings.verbosity
    try:
        sc.settings.verbosity = 0
        model.embed(prompts(2, 1))
    finally:
        sc.settings.verbosity = before
    assert "embed" not in capsys.readouterr().err
