from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
import transformers
from tiny_models import CONFIGS as FAMILIES
from tiny_models import build_model, build_tokenizer
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


ROTARY = {
    "gpt_neox": {"rope_theta": 50000.0, "partial_rotary_factor": 0.5},
    "gemma3_text": {
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
        "sliding_attention": {"rope_type": "default", "rope_theta": 2e4},
    },
    "llama": {"rope_type": "linear", "factor": 4.0, "rope_theta": 5e5},
}
OLD = ("rotary_pct", "rotary_emb_base", "rope_theta", "rope_local_base_freq", "partial_rotary_factor", "rope_scaling")


@pytest.mark.parametrize("spelling", ["both", "old", "new"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_each_spelling_alone_gives_the_logits_of_the_model(kind: str, spelling: str, tmp_path: Path) -> None:
    if spelling == "new" and int(transformers.__version__[0]) < 5:
        pytest.skip("transformers 4 reads the old spelling only")
    changes = {"tie_word_embeddings": kind == "qwen2"}
    if int(transformers.__version__[0]) >= 5:
        usual = ROTARY.get(kind, {"rope_theta": 3e4})
        nested = kind == "gemma3_text"
        changes["rope_parameters"] = usual if nested else {"rope_type": "default"} | usual
    else:
        changes |= {"rotary_emb_base": 50000} if kind == "gpt_neox" else {"rope_theta": 3e4}
    model = build_model(kind, **changes)
    save_portable(model, build_tokenizer(bos=False), tmp_path, dtype="float32")
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    away = {"old": ("rope_parameters",), "new": OLD, "both": ()}[spelling]
    path.write_text(json.dumps({name: value for name, value in config.items() if name not in away}))
    eager = {"attn_implementation": "eager"} if kind == "gemma2" else {}
    again = AutoModelForCausalLM.from_pretrained(tmp_path, **eager).eval()
    ids = torch.arange(3, 43)[None]
    with torch.inference_mode():
        want, found = model(ids).logits, again(ids).logits
    torch.testing.assert_close(found, want, rtol=0, atol=2e-5 * float(want.abs().max()))


def test_every_bit_of_float32_is_kept_and_numbers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    model, tokenizer = build_model("llama"), build_tokenizer(bos=False)
    save_portable(model, tokenizer, tmp_path / "whole", dtype="float32")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "whole").state_dict()
    assert all(torch.equal(weight, again[name]) for name, weight in model.state_dict().items())
    with torch.no_grad():
        model.lm_head.weight[0, 0] = 1e6
    with pytest.raises(ValueError, match=r"1 weights are not finite as float16 \(lm_head.weight\).*float32"):
        save_portable(model, tokenizer, tmp_path / "half")
    save_portable(model, tokenizer, tmp_path / "half", dtype="bfloat16")
    with pytest.raises(ValueError, match="unknown dtype 'int8'"):
        save_portable(model, tokenizer, tmp_path / "half", dtype="int8")


def test_other_end_tokens_of_a_model_that_talks_are_kept(tmp_path: Path) -> None:
    model = build_model("llama")
    model.generation_config.eos_token_id = [0, 5]
    save_portable(model, build_tokenizer(bos=False), tmp_path)
    assert AutoModelForCausalLM.from_pretrained(tmp_path).generation_config.eos_token_id == [0, 5]
