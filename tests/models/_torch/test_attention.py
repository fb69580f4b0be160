"""Attention between words is what transformers gives between tokens, summed and averaged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import prompts

from scc2s.models._words import merge_attention, word_spans


def by_hand(model, text: str, words, layer: int) -> np.ndarray:
    """The same with loops, from all that transformers gives."""
    found = model.tokenizer(text, return_offsets_mapping=True)
    lm = model._decoder.lm
    before = lm.config._attn_implementation
    lm.set_attn_implementation("eager")
    with torch.no_grad():
        weights = lm(input_ids=torch.tensor([found["input_ids"]]), output_attentions=True).attentions[layer]
    lm.set_attn_implementation(before)
    weights = weights[0].mean(0).double().numpy()
    tokens = [
        [i for i, (a, b) in enumerate(found["offset_mapping"]) if max(a, start) < min(b, end)] for start, end in words
    ]
    out = np.zeros((len(words), len(words)))
    for q, queries in enumerate(tokens):
        for k, keys in enumerate(tokens):
            out[q, k] = np.mean([sum(weights[i, j] for j in keys) for i in queries])
    return out


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2", "llama"])
@pytest.mark.parametrize("layer", [-1, 0])
def test_words_attend_as_their_tokens_do(tiny, kind, layer):
    model = tiny(kind)
    texts = prompts(3, 2, genes=(5, 12))
    words = [word_spans(text, (text.index(":") + 2, text.index(". The"))) for text in texts]
    before = model.info()["attention"]
    hooks = [len(module._forward_hooks) for module in model._decoder.lm.modules()]
    found = model.attention(texts, words, layer=layer, progress=False)
    assert [len(module._forward_hooks) for module in model._decoder.lm.modules()] == hooks
    for text, spans, weights in zip(texts, words, found, strict=True):
        assert np.allclose(weights, by_hand(model, text, spans, layer), atol=1e-5)
        assert (weights >= 0).all()
        assert (weights.sum(1) <= 1 + 1e-5).all()
        assert np.allclose(np.triu(weights, 1), 0)
    assert model.info()["attention"] == before


def test_layers_that_are_not_there_are_refused(tiny):
    with pytest.raises(ValueError, match=r"no layer 3 has attention; use layer=-1 \(last\) or a number from 0 to 2"):
        tiny("gpt_neox").attention(["CD3"], [[(0, 3)]], layer=3)


def test_all_words_of_a_prompt_get_all_of_its_attention():
    rng = np.random.default_rng(0)
    attention = rng.random((6, 6))
    attention /= attention.sum(1, keepdims=True)
    offsets = np.array([[0, 2], [2, 4], [5, 7], [8, 9], [9, 10], [10, 12]])
    merged = merge_attention(attention, offsets, [(0, 4), (5, 7), (8, 12)])
    assert np.allclose(merged.sum(1), 1)
    assert merged[1, 2] == pytest.approx(attention[2, 3:].sum())


def test_random_weights_have_the_shape_of_the_model_and_nothing_of_its_numbers(tiny):
    model = tiny("gpt_neox")
    torch.manual_seed(7)
    state = torch.get_rng_state()
    other, again = model.with_random_weights(1), model.with_random_weights(1)
    assert torch.equal(torch.get_rng_state(), state)
    texts = prompts(2, 3)
    a, b, c = (one.embed(texts, progress=False) for one in (model, other, again))
    assert a.shape == b.shape
    assert np.allclose(b, c)
    assert not np.allclose(a, b, atol=1e-3)
