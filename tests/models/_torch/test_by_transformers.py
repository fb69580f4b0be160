"""Architectures that are not known to be exact otherwise are left to transformers' `generate`, with rules of ours."""

from __future__ import annotations

import torch


def test_an_answer_that_repeats_the_prompt_is_kept(tiny, monkeypatch):
    model = tiny("gpt2")
    text = "CD1 CD2"
    echo = model.tokenizer(text).input_ids

    def repeat(input_ids, **_):
        return torch.cat([input_ids, torch.tensor([echo + [model.tokenizer.eos_token_id]] * len(input_ids))], dim=1)

    monkeypatch.setattr(model._decoder.lm, "generate", repeat)
    assert model.generate([text, "a much longer prompt: CD1 CD2"], max_new_tokens=4) == [text, text]
