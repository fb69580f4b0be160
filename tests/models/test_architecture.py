"""What is a causal decoder that can be run is decided once, when the model is loaded."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from tiny_models import OTHERS, build_tokenizer, prompts

from scc2s import models

SMALL = {"vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}


def saved(lm, folder):
    lm.save_pretrained(folder)
    build_tokenizer(bos=False).save_pretrained(folder)
    return folder


def write(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.fixture
def folder(tmp_path, model_folder):
    """A copy to spoil."""
    return shutil.copytree(model_folder("gpt_neox"), tmp_path / "model")


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert", "modernbert"])
def test_encoders_are_refused_by_name(tmp_path, kind):
    from transformers import AutoConfig, AutoModelForMaskedLM

    settings = SMALL | {"intermediate_size": 48, "dim": 32, "n_heads": 4, "n_layers": 2, "pad_token_id": 1}
    lm = AutoModelForMaskedLM.from_config(AutoConfig.for_model(kind, **settings))
    with pytest.raises(ValueError, match=rf"{kind} model, .*only causal decoders"):
        models.load(saved(lm, tmp_path))


@pytest.mark.parametrize("kind", ["t5", "bart"])
def test_encoder_decoders_are_refused_by_name(tmp_path, kind):
    from transformers import AutoConfig, AutoModelForSeq2SeqLM

    settings = {"vocab_size": 400, "d_model": 32, "d_ff": 48, "num_layers": 2, "num_heads": 4, "d_kv": 8}
    settings |= {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 4}
    settings |= {"encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "pad_token_id": 1, "eos_token_id": 0, "bos_token_id": 2}
    lm = AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(kind, **settings))
    with pytest.raises(ValueError, match=rf"encoder-decoder model \({kind}\).*only causal decoders"):
        models.load(saved(lm, tmp_path))


@pytest.mark.parametrize("kind", ["mamba", "mamba2", "rwkv"])
def test_models_that_keep_a_state_are_refused_by_name(folder, kind):
    write(folder / "config.json", model_type=kind, state_size=4)
    with pytest.raises(ValueError, match=rf"a {kind} model, which keeps a state.*only causal decoders"):
        models.load(folder)


def test_classifiers_and_decoders_told_to_read_both_ways_are_refused(tmp_path, folder, model_folder):
    write(folder / "config.json", architectures=["GPTNeoXForSequenceClassification"])
    with pytest.raises(ValueError, match="GPTNeoXForSequenceClassification, which writes no text"):
        models.load(folder)
    both = shutil.copytree(model_folder("gemma3_text"), tmp_path / "both")
    write(both / "config.json", use_bidirectional_attention=True)
    with pytest.raises(ValueError, match="reads text in both directions"):
        models.load(both)


def test_an_encoder_that_calls_itself_a_decoder_is_found_by_running_it(tmp_path):
    from transformers import XLNetConfig, XLNetLMHeadModel

    lm = XLNetLMHeadModel(XLNetConfig(vocab_size=400, d_model=32, n_layer=2, n_head=4, d_inner=48))
    with pytest.raises(ValueError, match=r"only causal decoders|cannot run"):
        models.load(saved(lm, tmp_path))


@pytest.mark.parametrize("kind", list(OTHERS))
def test_other_causal_decoders_still_load(model_folder, kind):
    model = models.load(model_folder(kind), device="cpu", dtype="float32")
    assert np.isfinite(model.embed(prompts(2, 1))).all()


def test_adapters_say_how_to_merge_them(folder, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, adapter)
    shutil.copy(folder / "model.safetensors", adapter / "adapter_model.safetensors")
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "lab/base"}))
    with pytest.raises(ValueError, match=r"PEFT adapter of lab/base.*adapter=.*scc2s.train.merge"):
        models.load(adapter)


@pytest.mark.parametrize("value", [10**30, 0, -1, "long", 1e9, None])
def test_a_context_without_bounds_is_refused(folder, value):
    write(folder / "config.json", max_position_embeddings=value)
    with pytest.raises(ValueError, match=r"config.json is damaged: max_position_embeddings is"):
        models.load(folder)


def test_a_tokenizer_larger_than_the_embedding_is_refused_with_the_cause(tmp_path, model_folder):
    folder = shutil.copytree(model_folder("gpt_neox"), tmp_path / "model")
    tokenizer = build_tokenizer(bos=False)
    tokenizer.add_tokens([f"CDX{i}" for i in range(500)])
    tokenizer.save_pretrained(folder)
    with pytest.raises(ValueError, match=r"vectors for 400.*resize_token_embeddings\(len\(tokenizer\)\)"):
        models.load(folder)


def test_tokens_for_pictures_that_no_text_becomes_are_no_reason_to_refuse(tmp_path, model_folder):
    folder = shutil.copytree(model_folder("gpt_neox"), tmp_path / "model")
    tokenizer = build_tokenizer(bos=False)
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<image {i}>" for i in range(100)]})
    tokenizer.save_pretrained(folder)
    assert models.load(folder, device="cpu").count_tokens(["CD1 IL2"]).tolist() > [0]


def test_fewer_layers_than_weights_do_not_load_in_silence(folder):
    write(folder / "config.json", num_hidden_layers=2)
    with pytest.raises(ValueError, match="weights that the model of its config.json has no place for"):
        models.load(folder)
    write(folder / "config.json", num_hidden_layers=10**6)
    with pytest.raises(ValueError, match=r"says 1000000 layers, and the weights are only"):
        models.load(folder)


def test_weights_of_another_name_or_code_from_elsewhere_are_not_asked_for(folder):
    write(folder / "config.json", transformers_weights="other.safetensors")
    with pytest.raises(ValueError, match="names weights of its own"):
        models.load(folder)
    write(folder / "config.json", transformers_weights=None, _attn_implementation="lab/kernel")
    with pytest.raises(ValueError, match="code from elsewhere that is never run"):
        models.load(folder)


@pytest.mark.parametrize("part", ["text_config", "decoder", "generator", "text_encoder"])
@pytest.mark.parametrize("value", [{"model_type": "llama", "hidden_size": 32}, {}, 5])
def test_parts_that_the_architecture_does_not_have_are_refused(folder, part, value):
    write(folder / "config.json", **{part: value})
    with pytest.raises(ValueError, match=f"config.json of .* is damaged: it has {part}, which no gpt_neox model has"):
        models.load(folder)
