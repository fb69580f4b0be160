"""Tiny random models, tokenizers and prompts."""

from __future__ import annotations

import numpy as np

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
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
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
        config = AutoConfig.for_model(kind, vocab_size=400, eos_token_id=0, pad_token_id=1, bos_token_id=2, **settings)
        model = AutoModelForCausalLM.from_config(config, attn_implementation=attention)
        for parameter in model.parameters():
            # Norms and biases start as ones and zeros, which would hide that one was left out.
            if parameter.ndim == 1:
                parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def states_of(model, prompt: str) -> list[np.ndarray]:
    """Hidden states of every layer for one prompt alone, by output_hidden_states: tokens x width each."""
    import torch

    ids = torch.tensor([model.tokenizer(prompt).input_ids])
    with torch.no_grad():
        found = model._decoder.lm(input_ids=ids, output_hidden_states=True).hidden_states
    return [states[0].float().numpy() for states in found]


def mean_states(model, prompts: list[str], layer: int = -1) -> np.ndarray:
    """Mean over the tokens of each prompt, one prompt at a time."""
    return np.array([states_of(model, prompt)[layer].mean(axis=0) for prompt in prompts])


def naive_scores(model, prompts: list[str], choices: list[str]) -> np.ndarray:
    """Log-likelihood of choice and end token from one forward pass for each pair, all logits."""
    import torch

    out = np.zeros((len(prompts), len(choices)))
    for i, prompt in enumerate(prompts):
        start = len(model.tokenizer(prompt).input_ids)
        for j, choice in enumerate(choices):
            ids = [*model.tokenizer(prompt + choice).input_ids, model.tokenizer.eos_token_id]
            with torch.no_grad():
                logp = model._decoder.lm(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(dim=-1)
            out[i, j] = sum(logp[at - 1, ids[at]].item() for at in range(start, len(ids)))
    return out


def greedy_tokens(model, prompt: str, n: int) -> list[int]:
    """The most likely next token, `n` times, from the whole text each time."""
    import torch

    ids = model.tokenizer(prompt).input_ids
    new: list[int] = []
    while len(new) < n:
        with torch.no_grad():
            token = int(model._decoder.lm(input_ids=torch.tensor([ids + new])).logits[0, -1].argmax())
        if token == model.tokenizer.eos_token_id:
            break
        new.append(token)
    return new


def naive_greedy(model, prompt: str, n: int) -> str:
    """Text of the most likely tokens."""
    return model.tokenizer.decode(greedy_tokens(model, prompt, n), skip_special_tokens=True)
