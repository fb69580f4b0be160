"""Architectures that are not known to be exact otherwise are left to transformers' `generate`, with rules of ours."""

from __future__ import annotations

import torch
from tiny_models import prompts


def test_an_answer_that_repeats_the_prompt_is_kept(tiny, monkeypatch):
    model = tiny("gpt2")
    text = "CD1 CD2"
    echo = model.tokenizer(text).input_ids

    def repeat(input_ids, **_):
        return torch.cat([input_ids, torch.tensor([echo + [model.tokenizer.eos_token_id]] * len(input_ids))], dim=1)

    monkeypatch.setattr(model._decoder.lm, "generate", repeat)
    assert model.generate([text, "a much longer prompt: CD1 CD2"], max_new_tokens=4) == [text, text]


def test_what_a_model_says_of_its_sampling_does_not_matter(tiny, monkeypatch):
    model = tiny("gpt2")
    texts = prompts(3, 3)
    expected = model.generate(texts, max_new_tokens=6)
    said = model._decoder.lm.generation_config
    rules = {"do_sample": True, "temperature": 5.0, "top_k": 50, "repetition_penalty": 9.0, "no_repeat_ngram_size": 1}
    for name, value in {**rules, "suppress_tokens": list(range(30, 400)), "min_new_tokens": 6, "num_beams": 2}.items():
        monkeypatch.setattr(said, name, value)
    assert model.generate(texts, max_new_tokens=6) == expected
    assert model._decoder.lm.generation_config is said
