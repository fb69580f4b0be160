from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import ANSWERS, CONFIGS, OTHERS, build_tokenizer, naive_scores, prompts

from scc2s.models._torch import TorchModel, _decoder, _score

ALL = sorted(CONFIGS | OTHERS)
CHOICES = list(ANSWERS)


@pytest.mark.parametrize("kind", ALL)
def test_scores_are_the_exact_log_likelihood_of_choice_and_end(tiny, kind):
    model = tiny(kind)
    texts = prompts(5, 1)
    scores = model.score(texts, CHOICES)
    expected = naive_scores(model, texts, CHOICES)
    assert scores.logprob.dtype == np.float64
    assert np.abs(scores.logprob - expected).max() < 1e-4
    assert expected.std() > 1
    alone = len(model.tokenizer(texts[0]).input_ids)
    assert scores.n_tokens.tolist() == [len(model.tokenizer(texts[0] + c).input_ids) - alone + 1 for c in CHOICES]


@pytest.mark.parametrize("kind", ["gemma2", "gemma3_text", "mistral"])
@pytest.mark.parametrize("genes", [(1, 2), (30, 60)])
def test_scores_are_exact_within_and_beyond_the_sliding_window(tiny, kind, genes):
    model = tiny(kind)
    texts = prompts(4, 2, genes=genes)
    assert (model.count_tokens(texts) > 2 * CONFIGS[kind]["sliding_window"]).all() or genes[0] == 1
    assert np.abs(model.score(texts, CHOICES).logprob - naive_scores(model, texts, CHOICES)).max() < 1e-4


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_the_route_for_any_architecture_gives_the_same_scores(tiny, kind, monkeypatch):
    model = tiny(kind)
    texts = prompts(3, 3)
    by_tree = model.score(texts, CHOICES).logprob
    monkeypatch.setattr(_decoder, "TESTED", frozenset())
    assert np.abs(model.score(texts, CHOICES).logprob - by_tree).max() < 1e-4


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2", "gpt2"])
def test_long_lists_are_scored_in_parts(tiny, kind, monkeypatch):
    model = tiny(kind)
    texts = prompts(3, 4)
    whole = model.score(texts, CHOICES).logprob
    monkeypatch.setattr(_score, "_TREE", 7)
    assert np.abs(model.score(texts, CHOICES).logprob - whole).max() < 1e-4


def test_logits_are_taken_in_blocks(tiny, monkeypatch):
    model = tiny("gemma2")
    texts = prompts(5, 4)
    whole = model.score(texts, CHOICES).logprob
    monkeypatch.setattr(_decoder, "_BLOCK", 400 * 3)
    assert np.abs(model.score(texts, CHOICES).logprob - whole).max() < 1e-5


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
@pytest.mark.parametrize("budget", [1, 200, 10**6])
def test_scores_do_not_depend_on_batches_order_or_neighbours(tiny, kind, budget, monkeypatch):
    model = tiny(kind)
    texts = prompts(7, 5)
    expected = model.score(texts, CHOICES).logprob
    monkeypatch.setattr(model, "token_budget", budget)
    assert np.abs(model.score(texts[::-1], CHOICES[::-1]).logprob - expected[::-1, ::-1]).max() < 1e-4
    assert np.abs(model.score(texts[2:3], CHOICES[1:2]).logprob - expected[2:3, 1:2]).max() < 1e-4


def test_a_choice_may_begin_another_and_stand_twice(tiny):
    model = tiny("gpt_neox")
    texts = prompts(2, 6)
    choices = [" CD4", " CD4 T cell", " CD4"]
    scores = model.score(texts, choices).logprob
    assert np.abs(scores - naive_scores(model, texts, choices)).max() < 1e-4
    assert np.array_equal(scores[:, 0], scores[:, 2])


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_close(tiny, kind, dtype):
    texts = prompts(6, 7)
    exact, half = tiny(kind).score(texts, CHOICES).logprob, tiny(kind, dtype).score(texts, CHOICES).logprob
    assert np.corrcoef(exact.ravel(), half.ravel())[0, 1] > 0.99


def test_softcapping_of_attention_and_logits_is_in_the_scores(tiny):
    texts = prompts(3, 8)
    capped = tiny("gemma2").score(texts, CHOICES).logprob
    for open_ended in ({"attn_logit_softcapping": None}, {"final_logit_softcapping": None}):
        free = tiny("gemma2", **open_ended)
        assert np.abs(free.score(texts, CHOICES).logprob - capped).max() > 0.1
        assert np.abs(free.score(texts, CHOICES).logprob - naive_scores(free, texts, CHOICES)).max() < 1e-4


def test_out_of_memory_goes_on_with_smaller_batches(tiny, monkeypatch):
    model = tiny("gpt_neox")
    texts = prompts(10, 9)
    expected = model.score(texts, CHOICES).logprob
    forward = model._decoder.base.forward

    def small_device(*args, **kwargs):
        if kwargs["input_ids"].numel() > 250:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes.")
        return forward(*args, **kwargs)

    monkeypatch.setattr(model._decoder.base, "forward", small_device)
    assert np.abs(model.score(texts, CHOICES).logprob - expected).max() < 1e-4


def test_no_prompts_give_no_rows(tiny):
    scores = tiny("gpt_neox").score([], CHOICES)
    assert scores.logprob.shape == (0, len(CHOICES))


def test_what_cannot_be_scored_says_why(tiny):
    model = tiny("gpt_neox")
    texts = prompts(2, 0)
    with pytest.raises(ValueError, match="nothing to choose from"):
        model.score(texts, [])
    with pytest.raises(ValueError, match="begin every choice with one"):
        model.score(texts, [""])
    with pytest.raises(ValueError, match="does not start with a token of its own"):
        model.score(["The cell ty"], ["pe is"])
    with pytest.raises(ValueError, match="do not fit the context of 512 tokens .* of the longest choice"):
        model.score(["CD1 " * 250], [" B cell" * 50])
    with pytest.raises(TypeError, match="where a list"):
        model.score(texts, " B cell")
    endless = build_tokenizer(bos=False)
    endless.eos_token = None
    with pytest.raises(ValueError, match="no end token"):
        TorchModel(model._decoder.lm, endless, id="endless").score(texts, CHOICES)


def test_prompts_of_several_templates_are_scored_together(tiny):
    model = tiny("gpt_neox")
    texts = [*prompts(2, 1), "CD4 CD8 is a", "Which cell has CD1?"]
    assert np.abs(model.score(texts, CHOICES).logprob - naive_scores(model, texts, CHOICES)).max() < 1e-4


def test_torch_is_left_without_gradients(tiny):
    model = tiny("gpt_neox")
    model.score(prompts(1, 0), CHOICES)
    assert all(parameter.grad is None for parameter in model._decoder.lm.parameters())
    assert torch.is_grad_enabled()


def test_prompts_that_end_in_the_sentence_are_scored(tiny):
    model = tiny("gemma2")
    texts = [text.removesuffix(". The cell type is") for text in prompts(4, 12)]
    assert len({text.split()[-1] for text in texts}) > 1
    assert np.abs(model.score(texts, CHOICES).logprob - naive_scores(model, texts, CHOICES)).max() < 1e-4
