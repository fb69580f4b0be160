"""Quantised and placed models answer as the plain one does, and say what they are."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import ANSWERS, prompts

from scc2s import models

TEXTS = prompts(5, 11)


def load(folder, **arguments):
    return models.load(folder, dtype="float32", **arguments)


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
@pytest.mark.parametrize("quantization", ["4bit", "8bit"])
def test_quantised_weights_are_smaller_and_near(model_folder, kind, quantization):
    pytest.importorskip("bitsandbytes")
    # The kernels take matrices of no fewer rows.
    wide = {"head_dim": 32} if kind == "gemma2" else {}
    folder = model_folder(kind, hidden_size=64, intermediate_size=128, **wide)
    plain, small = load(folder, device="cpu"), load(folder, device="cpu", quantization=quantization)
    a, b = (model.embed(TEXTS, progress=False) for model in (plain, small))
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert cosine.min() > 0.9
    assert np.abs(a - b).max() > 0
    assert small._decoder.lm.get_memory_footprint() < plain._decoder.lm.get_memory_footprint()
    assert small.info()["quantization"] == quantization
    assert plain.info()["quantization"] is None
    assert np.isfinite(small.score(TEXTS, ANSWERS, progress=False).logprob).all()
    genes = models.GeneVocabulary(["CD1", "CD2", "CD3", "IL1"], 3)
    assert all(len(set(text.split())) == 3 for text in small.generate(TEXTS, genes=genes, progress=False))


@pytest.mark.parametrize("device_map", ["auto", {"": "cpu"}])
def test_a_map_of_devices_changes_nothing_but_the_place(model_folder, device_map):
    plain, placed = load(model_folder("gpt_neox"), device="cpu"), load(model_folder("gpt_neox"), device_map=device_map)
    assert np.allclose(plain.embed(TEXTS, progress=False), placed.embed(TEXTS, progress=False), atol=1e-5)
    a, b = (model.score(TEXTS, ANSWERS, progress=False).logprob for model in (plain, placed))
    assert np.allclose(a, b, atol=1e-4)
    assert placed.info()["devices"]


def test_the_kernel_of_attention_is_recorded_and_changes_nothing(model_folder):
    found = {}
    for kernel in ("eager", "sdpa"):
        model = load(model_folder("gpt_neox"), device="cpu", attention=kernel)
        assert model.info()["attention"] == kernel
        found[kernel] = model.embed(TEXTS, progress=False)
    assert np.allclose(found["eager"], found["sdpa"], atol=1e-5)
    assert load(model_folder("gemma2"), device="cpu").info()["attention"] == "eager"
    with pytest.raises(ValueError, match='caps the logits of attention.*use attention="eager"'):
        load(model_folder("gemma2"), device="cpu", attention="sdpa")


def test_options_that_make_no_sense_are_refused(model_folder, monkeypatch):
    folder = model_folder("gpt_neox")
    with pytest.raises(ValueError, match='use quantization="4bit", "8bit" or None'):
        load(folder, quantization="2bit")
    with pytest.raises(ValueError, match='use attention="auto" or one of'):
        load(folder, attention="magic")
    with pytest.raises(ValueError, match="give one of them"):
        load(folder, device="cpu", device_map="auto")
    with pytest.raises(ValueError, match='needs a CUDA GPU .* use attention="auto"'):
        load(folder, device="cpu", attention="flash_attention_2")
    monkeypatch.setattr("scc2s.models._torch._placement.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'scc2s\[quant\]'"):
        load(folder, quantization="4bit")


def test_each_way_of_loading_is_kept_apart(model_folder):
    pytest.importorskip("bitsandbytes")
    plain, small = (
        load(model_folder("gpt_neox"), device="cpu"),
        load(model_folder("gpt_neox"), device="cpu", quantization="8bit"),
    )
    assert plain is not small
    assert load(model_folder("gpt_neox"), device="cpu", quantization="8bit") is small
