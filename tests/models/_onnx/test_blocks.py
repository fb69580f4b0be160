from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from scc2s.models._onnx._blocks import attend, in_blocks


@pytest.mark.parametrize("n_tokens", [1, 2, 3, 4, 7, 40])
@pytest.mark.parametrize("n_key_heads", [4, 2, 1])
def test_blocks_are_the_attention_of_torch(n_tokens, n_key_heads):
    """Also where a token does not see all before it."""
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, heads, n_tokens, 8) for heads in (4, n_key_heads, n_key_heads))
    seen = (torch.rand(2, 1, n_tokens, n_tokens) < 0.6).tril() | torch.eye(n_tokens, dtype=torch.bool)
    mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    out, _ = attend(torch.nn.Identity(), query, key, value, mask, scaling=0.3)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=0.3, enable_gqa=True
    )
    assert torch.allclose(out, expected.transpose(1, 2), atol=1e-6)


def test_scores_are_capped_before_the_mask():
    torch.manual_seed(0)
    query, key, value = (5 * torch.randn(1, 2, 6, 4) for _ in range(3))
    mask = torch.zeros(6, 6).masked_fill(~torch.ones(6, 6).tril().bool(), -1e30)[None, None]
    scores = 2 * torch.tanh(query @ key.transpose(-1, -2) * 0.5 / 2) + mask
    out, _ = attend(torch.nn.Identity(), query, key, value, mask, softcap=2.0)
    assert torch.allclose(out, (scores.softmax(-1) @ value).transpose(1, 2), atol=1e-5)


def test_a_model_gets_its_own_kernel_back(tiny):
    lm = tiny("gemma2")._decoder.lm
    said = lm.config._attn_implementation
    with pytest.raises(SystemExit), in_blocks(lm):
        assert lm.config._attn_implementation != said
        assert {layer.self_attn.config._attn_implementation for layer in lm.model.layers} == {"scc2s_blocks"}
        raise SystemExit
    assert lm.config._attn_implementation == said


def test_models_of_parts_with_their_own_configuration_are_changed_as_a_whole():
    inner, outer = (SimpleNamespace(_attn_implementation=name) for name in ("eager", "sdpa"))
    lm = torch.nn.Sequential(torch.nn.Identity())
    lm.config, lm[0].config = outer, inner
    with in_blocks(lm):
        assert inner._attn_implementation == outer._attn_implementation == "scc2s_blocks"
    assert (inner._attn_implementation, outer._attn_implementation) == ("eager", "sdpa")
