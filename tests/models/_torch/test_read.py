from __future__ import annotations

import pytest
import torch
from tiny_models import CONFIGS, build_model, build_tokenizer, prompts


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_a_folder_gives_the_tokens_and_logits_that_were_saved(tiny, kind):
    model = tiny(kind)
    saved = build_tokenizer(bos=kind.startswith("gemma"))
    texts = prompts(3, 1)
    assert [model.tokenizer(text).input_ids for text in texts] == [saved(text).input_ids for text in texts]
    ids = torch.tensor([saved(texts[0]).input_ids])
    with torch.no_grad():
        difference = model._decoder.lm(input_ids=ids).logits - build_model(kind)(input_ids=ids).logits
    assert difference.abs().max() < 1e-4


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_weights_have_the_number_format_asked_for(tiny, dtype):
    model = tiny("gemma2", dtype)
    assert model.dtype == dtype
    assert {str(parameter.dtype) for parameter in model._decoder.lm.parameters()} == {f"torch.{dtype}"}


def test_softcapped_attention_takes_the_kernel_that_has_it(tiny):
    assert tiny("gemma2")._decoder.lm.config._attn_implementation == "eager"
    assert tiny("gpt_neox")._decoder.lm.config._attn_implementation == "sdpa"
