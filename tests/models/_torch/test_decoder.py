from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import build_model

from scc2s.models._torch import _decoder
from scc2s.models._torch._decoder import Decoder


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
def test_log_probabilities_are_those_of_the_whole_softmax(kind):
    lm = build_model(kind)
    ids = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])
    at, tokens = np.array([0, 1, 1, 3]), np.array([6, 7, 300, 399])
    decoder = Decoder(lm, 0, 512)
    with torch.no_grad():
        logp = lm(input_ids=ids).logits.log_softmax(dim=-1)
        found = decoder.log_probs(decoder.hidden(ids), at, tokens)
    assert (found - logp[:, at, tokens]).abs().max() < 1e-5


def test_layers_count_from_the_embedding_and_from_the_end():
    decoder = Decoder(build_model("gpt_neox"), 0, 512)
    assert [decoder.layer_number(layer) for layer in range(-4, 4)] == [0, 1, 2, 3, 0, 1, 2, 3]


def test_a_model_without_a_list_of_layers_still_gives_the_last():
    lm = build_model("gpt_neox")
    decoder = Decoder(lm, 0, 512)
    lm.config.num_hidden_layers = 7
    with pytest.raises(ValueError, match="use layer=-1"):
        decoder.hidden(torch.tensor([[5, 6]]), layer=2)
    assert decoder.hidden(torch.tensor([[5, 6]])).shape == (1, 2, 32)


def test_kernels_that_take_no_masks_get_none(tiny, monkeypatch):
    decoder = tiny("gpt_neox")._decoder
    assert decoder.tested
    monkeypatch.setattr(decoder.config, "_attn_implementation", "flash_attention_2")
    assert not decoder.tested


@pytest.mark.parametrize("rope", [{"rope_type": "dynamic"}, {"full_attention": {"rope_type": "longrope"}}])
def test_positions_that_depend_on_the_longest_row_are_left_to_transformers(tiny, monkeypatch, rope):
    decoder = tiny("llama")._decoder
    assert decoder.tested
    monkeypatch.setattr(decoder.config, "rope_parameters", rope, raising=False)
    assert not decoder.tested


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
@pytest.mark.parametrize("blocks", [(2**25, 256, 32), (2**25, 5, 2), (2**25, 7, 7), (1, 1, 1), (2**25, 4, 8)])
def test_log_probabilities_are_the_same_in_blocks_of_any_size(monkeypatch, kind, blocks):
    for name, value in zip(("_BLOCK", "_STATES", "_STATES_AT_ONCE"), blocks, strict=True):
        monkeypatch.setattr(_decoder, name, value)
    decoder = Decoder(build_model(kind), 0, 512)
    ids = torch.arange(5, 38).reshape(3, 11)
    at, tokens = np.array([0, 0, 0, 4, 6, 10]), np.array([6, 7, 300, 399, 6, 0])
    with torch.no_grad():
        truth = decoder.lm(input_ids=ids).logits.log_softmax(dim=-1)
        hidden = decoder.hidden(ids)
        assert (decoder.log_probs(hidden, at, tokens) - truth[:, at, tokens]).abs().max() < 1e-5
        after = decoder.log_probs_after(hidden[:, 10], np.array([6, 7, 8]))
    assert (after - truth[torch.arange(3), 10, torch.tensor([6, 7, 8])]).abs().max() < 1e-5
    assert decoder.log_probs_after(hidden[:0, 0], np.array([], dtype=np.int64)).shape == (0,)
