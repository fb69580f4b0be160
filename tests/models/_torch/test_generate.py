from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import CONFIGS, OTHERS, greedy_tokens, naive_greedy, prompts


@pytest.mark.parametrize("kind", sorted(CONFIGS | OTHERS))
def test_answers_are_the_most_likely_tokens_of_each_prompt_alone(tiny, kind):
    model = tiny(kind)
    texts = prompts(5, 1)
    assert model.generate(texts, max_new_tokens=6) == [naive_greedy(model, text, 6) for text in texts]


def test_an_answer_ends_at_the_end_token(tiny, monkeypatch):
    model = tiny("gpt_neox")
    text = prompts(1, 2)[0]
    tokens = greedy_tokens(model, text, 5)
    assert tokens[2] not in tokens[:2]
    monkeypatch.setattr(model._decoder.lm.generation_config, "eos_token_id", [0, tokens[2]])
    assert model.generate([text], max_new_tokens=5) == [model.tokenizer.decode(tokens[:2])]


@pytest.mark.parametrize("kind", ["gpt_neox", "gpt2"])
def test_what_a_model_says_of_its_sampling_does_not_matter(tiny, monkeypatch, kind):
    model = tiny(kind)
    texts = prompts(3, 3)
    expected = model.generate(texts, max_new_tokens=6)
    said = model._decoder.lm.generation_config
    rules = {"do_sample": True, "temperature": 5.0, "top_k": 50, "repetition_penalty": 9.0, "no_repeat_ngram_size": 1}
    for name, value in {**rules, "suppress_tokens": list(range(30, 400)), "min_new_tokens": 6, "num_beams": 2}.items():
        monkeypatch.setattr(said, name, value)
    assert model.generate(texts, max_new_tokens=6) == expected
    assert model._decoder.lm.generation_config is said


def test_scores_that_are_no_numbers_are_refused(tiny, monkeypatch):
    model = tiny("gpt_neox")
    monkeypatch.setattr(model._decoder.lm.get_output_embeddings().weight, "data", torch.full((400, 32), torch.nan))
    with pytest.raises(ValueError, match='dtype="bfloat16"'):
        model.generate(prompts(2, 0), max_new_tokens=2)


def test_order_and_batches_do_not_matter(tiny, monkeypatch):
    model = tiny("gemma2")
    texts = prompts(9, 4)
    expected = model.generate(texts, max_new_tokens=4)
    for budget in (1, 40):
        monkeypatch.setattr(model, "token_budget", budget)
        order = np.random.default_rng(budget).permutation(len(texts))
        assert model.generate([texts[i] for i in order], max_new_tokens=4) == [expected[i] for i in order]


def test_wrong_arguments_say_what_is_right(tiny):
    model = tiny("gpt_neox")
    with pytest.raises(ValueError, match="use a number from 1"):
        model.generate(prompts(1, 0), max_new_tokens=0)
    with pytest.raises(ValueError, match="do not fit the context of 512 tokens .* and 500 of the answer"):
        model.generate(prompts(1, 0), max_new_tokens=500)
    assert model.generate([], max_new_tokens=3) == []
