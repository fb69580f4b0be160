from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Gemma2Config, GPTNeoXConfig

from scc2s.train import gene_tokenizer, save_portable

if TYPE_CHECKING:
    from pathlib import Path

COMMON = {
    "vocab_size": 330,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
}
CONFIGS = {
    "gpt_neox": GPTNeoXConfig(**COMMON, tie_word_embeddings=True),
    "gpt_neox, untied": GPTNeoXConfig(**COMMON, tie_word_embeddings=False),
    "gemma2": Gemma2Config(**COMMON, num_key_value_heads=1, head_dim=8),
}


@pytest.fixture(params=CONFIGS, scope="module")
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(CONFIGS[request.param]).half().float().eval()
    folder = tmp_path_factory.mktemp("model")
    tokenizer = gene_tokenizer(["CD3D", "LYZ"], ["Genes of a cell:"], n_pieces=300)
    save_portable(model, tokenizer, folder)
    return model, tokenizer, folder


def test_plain_transformers_opens_the_folder_and_gives_the_same_logits(saved: tuple) -> None:
    model, _, folder = saved
    again, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]
    assert again.dtype == torch.float32
    ids = torch.arange(40)[None]
    with torch.inference_mode():
        torch.testing.assert_close(again.eval()(ids).logits, model(ids).logits, rtol=0, atol=1e-6)


def test_tokenizer_comes_back_under_the_class_that_both_majors_know(saved: tuple) -> None:
    _, tokenizer, folder = saved
    again = AutoTokenizer.from_pretrained(folder)
    assert again("Genes: CD3D LYZ")["input_ids"] == tokenizer("Genes: CD3D LYZ")["input_ids"]
    config = json.loads((folder / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert config["model_max_length"] == 64


def test_gpt_neox_config_holds_the_rotary_settings_in_both_spellings(saved: tuple) -> None:
    model, _, folder = saved
    config = json.loads((folder / "config.json").read_text())
    if config["model_type"] == "gpt_neox":
        assert (config["rotary_pct"], config["rotary_emb_base"]) == (0.25, 10000)


def test_weights_take_two_bytes_each_and_tied_ones_are_stored_once(saved: tuple) -> None:
    model, _, folder = saved
    n = sum(p.numel() for p in model.parameters())
    assert (folder / "model.safetensors").stat().st_size == pytest.approx(2 * n, abs=6000)


def test_non_default_rotary_settings_survive(tmp_path: Path) -> None:
    config = GPTNeoXConfig(**COMMON, tie_word_embeddings=True)
    if hasattr(config, "rope_parameters"):
        config.rope_parameters = {"rope_type": "default", "rope_theta": 50000, "partial_rotary_factor": 0.5}
    else:
        config.rotary_pct, config.rotary_emb_base = 0.5, 50000
    model = AutoModelForCausalLM.from_config(config)
    save_portable(model, gene_tokenizer(["A"], ["x"], n_pieces=300), tmp_path)
    written = json.loads((tmp_path / "config.json").read_text())
    assert (written["rotary_pct"], written["rotary_emb_base"]) == (0.5, 50000)
