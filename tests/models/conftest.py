"""Tiny random models, written to folders as any user would have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

GENES = [f"{stem}{n}" for stem in ("CD", "HLA-D", "RPL", "MT-CO", "IL", "CCL") for n in range(1, 30)]
ANSWERS = (" B cell", " CD4 T cell", " CD8 T cell", " CD14+ monocyte", " natural killer cell", " megakaryocyte")

# Small in every dimension, weights large enough that attention and softcapping bend the result.
_COMMON = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 512,
    "initializer_range": 0.4,
}
_GROUPED = _COMMON | {"num_key_value_heads": 2, "head_dim": 8}
CONFIGS = {
    "gpt_neox": _COMMON | {"rotary_pct": 0.5},
    "gemma2": _GROUPED | {"sliding_window": 16, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0},
    "llama": _GROUPED,
    "qwen2": _GROUPED,
    "qwen3": _GROUPED,
    "gemma": _GROUPED,
    "gemma3_text": _GROUPED | {"sliding_window": 16},
    "mistral": _GROUPED | {"sliding_window": 16},
}
# Not on the list of tested architectures: these take the routes that any model allows.
OTHERS = {
    "gpt2": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 512, "initializer_range": 0.4},
    "bloom": {"hidden_size": 32, "n_layer": 3, "n_head": 4, "initializer_range": 0.4},
    "opt": _COMMON | {"ffn_dim": 48, "word_embed_proj_dim": 32},
}


def prompts(n: int, seed: int, *, genes: tuple[int, int] = (3, 40)) -> list[str]:
    rng = np.random.default_rng(seed)
    sentences = [" ".join(rng.choice(GENES, rng.integers(*genes), replace=False)) for _ in range(n)]
    return [f"Genes of a human cell, highest first: {sentence}. The cell type is" for sentence in sentences]


def build_tokenizer(*, bos: bool):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<eos>", "<pad>", "<bos>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([*prompts(50, 0), *ANSWERS], trainer)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", tokenizer.token_to_id("<bos>"))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>", **({"bos_token": "<bos>"} if bos else {})
    )


def build_model(kind: str, **changes):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    settings = {**CONFIGS, **OTHERS}[kind] | changes
    attention = "eager" if "attn_logit_softcapping" in settings else None
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = AutoConfig.for_model(
            kind, vocab_size=400, eos_token_id=0, pad_token_id=1, bos_token_id=2, **settings
        )
        model = AutoModelForCausalLM.from_config(config, attn_implementation=attention)
        for parameter in model.parameters():
            # Norms and biases start as ones and zeros, which would hide that one was left out.
            if parameter.ndim == 1:
                parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Folder of a tiny random model: ``model_folder("gpt_neox")``; written once a session."""
    made: dict[str, Path] = {}

    def make(kind: str, **changes) -> Path:
        name = "-".join([kind, *(f"{key}_{value}" for key, value in changes.items())])
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            build_model(kind, **changes).save_pretrained(folder)
            build_tokenizer(bos=kind.startswith("gemma")).save_pretrained(folder)
            made[name] = folder
        return made[name]

    return make


@pytest.fixture(scope="session")
def tiny(model_folder: Callable[..., Path]) -> Callable[..., object]:
    """Loaded tiny model on the CPU in float32: ``tiny("gemma2")``."""
    from scc2s import models

    return lambda kind, dtype="float32", **changes: models.load(
        model_folder(kind, **changes), device="cpu", dtype=dtype
    )
