from __future__ import annotations

import pytest
import torch
from tiny_models import build_model
from torch import nn

from scc2s.models._torch import _products
from scc2s.models._torch._products import NAME, attend, use_products


@pytest.mark.parametrize("kind", ["none", "bool", "one", "additive", "tree"])
@pytest.mark.parametrize("heads", [(4, 4), (4, 2)])
@pytest.mark.parametrize("step", [2**20, 1])
def test_attention_is_that_of_the_fused_kernel_in_float32(monkeypatch, kind, heads, step):
    monkeypatch.setattr(_products, "_BYTES", step)
    n, n_keys = (20, 20) if kind == "none" else (20, 29)
    query = torch.randn(3, heads[0], n, 16, dtype=torch.bfloat16)
    key, value = torch.randn(2, 3, heads[1], n_keys, 16, dtype=torch.bfloat16)
    seen = torch.ones(n, n_keys, dtype=torch.bool).tril(n_keys - n).expand(3, 1, -1, -1)
    if kind == "tree":
        seen = seen & (torch.rand(3, 1, n, n_keys) < 0.7)
        seen[..., 0] = True
    mask = {"none": None, "one": seen[:1]}.get(kind, seen)
    if kind == "additive":
        mask = torch.zeros(seen.shape, dtype=torch.bfloat16).masked_fill(~seen, torch.finfo(torch.bfloat16).min)
    with torch.inference_mode():
        found, _ = attend(nn.Module(), query, key, value, mask, scaling=0.25)
    whole = [part.float().repeat_interleave(heads[0] // part.shape[1], dim=1) for part in (query, key, value)]
    truth = nn.functional.scaled_dot_product_attention(*whole, attn_mask=seen, scale=0.25).transpose(1, 2)
    assert found.shape == truth.shape
    assert (found.float() - truth).abs().max() < 0.05


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(_products, "cpu_features", lambda: {"avx512_bf16"})


@pytest.mark.parametrize("kind", ["gpt_neox", "llama"])
def test_a_model_is_as_near_to_float32_as_with_the_fused_kernel(fast, kind):
    lm, ids = build_model(kind).eval(), torch.arange(5, 85).reshape(2, 40)
    with torch.inference_mode():
        truth = lm(input_ids=ids).logits
        half = lm.to(torch.bfloat16)
        fused = (half(input_ids=ids).logits.float() - truth).abs().mean()
        use_products(half)
        assert half.config._attn_implementation == NAME
        assert (half(input_ids=ids).logits.float() - truth).abs().mean() < 1.5 * fused + 1e-4


def test_other_models_keep_their_kernel(fast, monkeypatch):
    capped = build_model("gemma2")
    capped.set_attn_implementation("eager")
    use_products(capped.to(torch.bfloat16))
    assert capped.config._attn_implementation == "eager"
    single = build_model("gpt_neox")
    use_products(single)
    assert single.config._attn_implementation == "sdpa"
    monkeypatch.setattr(_products, "cpu_features", lambda: {"avx512_bf16", "amx_bf16"})
    half = build_model("gpt_neox").to(torch.bfloat16)
    use_products(half)
    assert half.config._attn_implementation == "sdpa"


def test_a_model_can_still_be_trained_and_kept(fast, tmp_path):
    lm = build_model("gpt_neox").to(torch.bfloat16)
    use_products(lm)
    ids = torch.arange(5, 45)[None]
    lm(input_ids=ids, labels=ids).loss.backward()
    lm.save_pretrained(tmp_path)
    assert NAME not in (tmp_path / "config.json").read_text(encoding="utf-8")
