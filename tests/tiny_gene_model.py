"""A tiny random model in a folder, one token a gene, as scc2s-mini is made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write_tiny_model(
    folder: Path, genes: Sequence[str], *, labels: Sequence[str] | None = None, context: int = 256, width: int = 16
) -> Path:
    """Write config, weights, tokenizer and scc2s.json; returns the folder."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    from scc2s import prompts, train

    wording = [prompts.get("cell_type").template, *(labels or [])]
    tokenizer = train.gene_tokenizer(genes, wording, n_pieces=300)
    config = GPTNeoXConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * width,
        max_position_embeddings=context,
        initializer_range=0.5,
        tie_word_embeddings=True,
        eos_token_id=0,
        bos_token_id=0,
        pad_token_id=1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPTNeoXForCausalLM(config)
    train.save_portable(model, tokenizer, folder)
    about = {"family": "scc2s"} if labels is None else {"family": "scc2s", "labels": list(labels)}
    (folder / "scc2s.json").write_text(json.dumps(about))
    return folder
