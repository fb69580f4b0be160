"""Embedding and generation on a GPU, as a share of what the chip does in products of matrices.

Run: python benchmarks/gpu.py [--shape gemma2-2b] [--cells 256] [--repeats 5]

Random weights in bfloat16 of the shape of Gemma-2-2B or Pythia-410m, prompts of real cells with 200 genes, Pythia's
tokenizer where the example data is. First the peak: products of two square bfloat16 matrices, on the same machine in
the same run. Embedding stands beside plain transformers as peers have it: the whole model with its LM head and all
hidden states, batches of 8 in the order of the cells. Generation stands beside `generate` with a growing cache and with
a static one. Operations are counted as two for each weight of a layer and token, and those of attention. `--shape tiny`
is for trying the script on a CPU.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from _setup import build_prompts, build_tokenizer, header, note, seconds, spread

BATCH = 8
SHAPES = {
    "gemma2-2b": ("gemma2", {"hidden_size": 2304, "num_hidden_layers": 26, "num_attention_heads": 8, "head_dim": 256,
                             "num_key_value_heads": 4, "intermediate_size": 9216, "max_position_embeddings": 8192}),
    "pythia-410m": ("gpt_neox", {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
                                 "intermediate_size": 4096, "max_position_embeddings": 2048, "rotary_pct": 0.25}),
    "tiny": ("gpt_neox", {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
                          "intermediate_size": 256, "max_position_embeddings": 2048}),
}  # fmt: skip


def peak(device: str, n: int, repeats: int) -> float:
    """Operations a second of a product of n x n bfloat16 matrices: the best of the repeats."""
    import torch

    a, b = (torch.randn(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))

    def product() -> None:
        for _ in range(10):
            a @ b
        wait(device)

    return 10 * 2 * n**3 / seconds(product, repeats=repeats).min()


def wait(device: str) -> None:
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize()


def operations(config, n_tokens: np.ndarray) -> float:
    """Of reading prompts, without the LM head."""
    width, depth = config.hidden_size, config.num_hidden_layers
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or width // heads
    groups = getattr(config, "num_key_value_heads", None) or heads
    products = 3 if config.model_type == "gemma2" else 2  # a gated layer has one more
    weights = 2 * width * size * (heads + groups) + products * width * config.intermediate_size
    attention = 2 * heads * size * (n_tokens**2).sum()  # half of a square, keys and values
    return float(depth * (2 * weights * n_tokens.sum() + attention))


def as_peers(lm, tokenizer, prompts: list[str]) -> np.ndarray:
    import torch

    out = []
    for start in range(0, len(prompts), BATCH):
        batch = tokenizer(prompts[start : start + BATCH], return_tensors="pt", padding=True).to(lm.device)
        with torch.no_grad():
            found = lm(**batch, output_hidden_states=True).hidden_states[-1]
        mask = batch["attention_mask"][..., None]
        out.append(((found * mask).sum(1) / mask.sum(1)).float().cpu().numpy())
    return np.concatenate(out)


def generated(lm, tokenizer, prompts: list[str], n_tokens: int, **how) -> None:
    import torch

    tokenizer.padding_side = "left"
    for start in range(0, len(prompts), BATCH):
        batch = tokenizer(prompts[start : start + BATCH], return_tensors="pt", padding=True).to(lm.device)
        with torch.no_grad():
            lm.generate(**batch, max_new_tokens=n_tokens, min_new_tokens=n_tokens, do_sample=False, **how)
    wait(str(lm.device))


def build(shape: str, folder: Path, device: str):
    """The model as scc2s loads it, whose weights the other sides share."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    import scc2s

    tokenizer, name = build_tokenizer()
    kind, sizes = SHAPES[shape]
    config = AutoConfig.for_model(kind, vocab_size=50304, bos_token_id=0, eos_token_id=0, pad_token_id=0, **sizes)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return scc2s.models.load(folder, device=device, dtype="bfloat16"), name


def report(task: str, sides: dict[str, object], unit: str, n: float, repeats: int, of_peak=None) -> None:
    taken = seconds(*sides.values(), repeats=repeats)
    print(f"\n{task}\n{unit:34}{'median (range)':>26}{'times the first':>24}{'of peak':>9}")
    for side, time in zip(sides, taken, strict=True):
        note(task, side, unit, n / time, beside=n / taken[0])
        share = "" if of_peak is None else f"{of_peak / np.median(time):.1%}"
        print(f"{side:34}{spread(n / time):>26}{spread(taken[0] / time):>24}{share:>9}")


def main() -> None:
    import torch

    from scc2s.models import GeneVocabulary

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=list(SHAPES), default="gemma2-2b")
    parser.add_argument("--cells", type=int, default=256)
    parser.add_argument("--genes", type=int, default=200)
    parser.add_argument("--new-cells", type=int, default=32)
    parser.add_argument("--words", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(
        f"{header()}\n{torch.cuda.get_device_name() if device == 'cuda' else 'no GPU'}, {args.repeats} repeats in turns"
    )
    best = peak(device, 8192 if device == "cuda" else 1024, args.repeats)
    print(f"peak of bfloat16 products: {best / 1e12:.1f} T operations/s")
    with tempfile.TemporaryDirectory() as made:
        model, cut_by = build(args.shape, Path(made), device)
        lm, tokenizer = model._decoder.lm, model.tokenizer
        prompts = build_prompts(args.cells, genes=(args.genes, args.genes))
        lengths = model.count_tokens(prompts)
        print(f"{args.shape}, {len(prompts)} cells of {args.genes} genes, {lengths.mean():.0f} tokens each, {cut_by}")
        report(
            f"embedding on a GPU, {args.shape}",
            {
                "as peers": lambda: as_peers(lm, tokenizer, prompts),
                "scc2s": lambda: model.embed(prompts, progress=False),
            },
            "cells/s", len(prompts), args.repeats, operations(model._decoder.config, lengths) / best,
        )  # fmt: skip
        few = prompts[: args.new_cells]
        words = sorted({word for text in prompts for word in text.split() if word.isupper()})
        genes = GeneVocabulary(words, args.words)
        n_tokens = int(np.ceil(args.words * model.count_tokens([f" {word}" for word in words]).mean()))
        report(
            f"generation on a GPU, {args.shape}, {n_tokens} tokens or {args.words} genes",
            {
                "generate, growing cache": lambda: generated(lm, tokenizer, few, n_tokens),
                "generate, static cache": lambda: generated(
                    lm, tokenizer, few, n_tokens, cache_implementation="static"
                ),
                "scc2s, free": lambda: model.generate(few, max_new_tokens=n_tokens, progress=False),
                "scc2s, held to genes": lambda: model.generate(few, genes=genes, progress=False),
            },
            "cells/s", len(few), args.repeats,
        )  # fmt: skip


if __name__ == "__main__":
    main()
