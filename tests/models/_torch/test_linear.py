from __future__ import annotations

import copy
import pickle

import pytest
import torch
from tiny_models import build_model
from torch import nn

from scc2s.models._torch import _linear
from scc2s.models._torch._decoder import Decoder
from scc2s.models._torch._linear import WideLinear, product, widen, wider


@pytest.fixture
def wide(monkeypatch):
    """As on a processor that MKL leaves half unused, where oneDNN is there."""
    if not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        pytest.skip("this build of torch has no oneDNN")
    monkeypatch.setattr(_linear, "wider", lambda: True)


@pytest.mark.parametrize("shape", [(1, 8), (3, 5, 8), (0, 8), (2, 0, 8)])
@pytest.mark.parametrize("bias", [True, False])
def test_products_are_those_of_torch(wide, shape, bias):
    layer = nn.Linear(8, 6, bias=bias)
    states = torch.randn(shape)
    with torch.inference_mode():
        found = product(states, layer.weight, layer.bias)
    assert found.shape == (*shape[:-1], 6)
    assert torch.allclose(found, layer(states), atol=1e-6)


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2", "llama"])
def test_a_widened_model_gives_what_it_gave(wide, kind):
    lm, ids = build_model(kind).eval(), torch.arange(5, 21).reshape(2, 8)
    with torch.inference_mode():
        before = lm(input_ids=ids).logits
        widen(lm)
        assert any(type(module) is WideLinear for module in lm.modules())
        assert (lm(input_ids=ids).logits - before).abs().max() < 1e-5


def test_a_widened_model_can_be_trained_copied_and_kept(wide):
    lm = build_model("gpt_neox")
    widen(lm)
    lm(input_ids=torch.tensor([[5, 6, 7]]), labels=torch.tensor([[5, 6, 7]])).loss.backward()
    layer = next(module for module in lm.modules() if type(module) is WideLinear)
    assert layer.weight.grad is not None
    assert type(pickle.loads(pickle.dumps(copy.deepcopy(layer)))) is WideLinear


def test_other_number_formats_stay_as_they_are(wide):
    lm = build_model("gpt_neox").to(torch.bfloat16)
    widen(lm)
    assert not any(type(module) is WideLinear for module in lm.modules())


def test_the_head_of_some_tokens_is_that_of_all(wide):
    lm = build_model("gpt_neox").eval()
    widen(lm)
    states, tokens = torch.randn(3, lm.config.hidden_size), torch.tensor([5, 9])
    with torch.inference_mode():
        decoder = Decoder(lm, 0, 512)
        assert torch.allclose(decoder.head(tokens)(states), decoder.head()(states)[:, tokens], atol=1e-6)


def test_processors_of_intel_keep_mkl(monkeypatch):
    monkeypatch.setattr(_linear, "_vendor", lambda: "GenuineIntel")
    wider.cache_clear()
    assert not wider()
    wider.cache_clear()
