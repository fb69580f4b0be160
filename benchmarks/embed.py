"""Embedding cells: scc2s against the loop that other packages have.

Run: python benchmarks/embed.py [--cells 48] [--repeats 5]

The other side is a plain `AutoModelForCausalLM(..., output_hidden_states=True)` loop over batches of 8 prompts in the
order of the cells, padded to the longest, with a masked mean of the last hidden state (peers leave the mask out of the
mean, which saves no time and makes a cell depend on its batch). Both sides have the same weights, prompts, threads and
process, and take turns. Memory is taken in processes of their own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial

import numpy as np
from _setup import build_model, build_prompts, build_tokenizer, header, note, peak_added, seconds, spread

BATCH = 8
SIDES = ("plain loop, float32", "scc2s, float32", "scc2s, bfloat16")


def plain_loop(lm, tokenizer, prompts: list[str]) -> np.ndarray:
    """What other packages do, the mask aside that they leave out."""
    import torch

    out = []
    for start in range(0, len(prompts), BATCH):
        batch = tokenizer(prompts[start : start + BATCH], return_tensors="pt", padding=True)
        with torch.no_grad():
            states = lm(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], output_hidden_states=True
            ).hidden_states[-1]
        mask = batch["attention_mask"][..., None]
        out.append(((states * mask).sum(dim=1) / mask.sum(dim=1)).numpy())
    return np.concatenate(out)


def build_side(side: str, tokenizer):
    """A function from prompts to vectors."""
    from scc2s.models._torch import TorchModel

    lm = build_model("bfloat16" if "bfloat16" in side else "float32")
    if side.startswith("plain"):
        return lambda prompts: plain_loop(lm, tokenizer, prompts)
    model = TorchModel(lm, tokenizer, id="benchmark")
    return lambda prompts: model.embed(prompts, progress=False)


def memory(side: str, n_cells: int, genes: tuple[int, int]) -> None:
    """Print the memory that one side adds; run in a process of its own."""
    tokenizer, _ = build_tokenizer()
    run = build_side(side, tokenizer)
    prompts = build_prompts(n_cells, genes=genes)
    run(prompts[:1])
    print(peak_added(lambda: run(prompts)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--genes", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        memory(arguments.memory, arguments.cells, tuple(arguments.genes))
        return
    tokenizer, name = build_tokenizer()
    sides = [build_side(side, tokenizer) for side in SIDES]
    print(header())
    for genes in ((50, 150), (100, 100)):
        prompts = build_prompts(arguments.cells, genes=genes)
        lengths = np.array([len(ids) for ids in tokenizer(prompts)["input_ids"]])
        print(
            f"\n{arguments.cells} cells, {genes[0]} to {genes[1]} genes, {lengths.min()}-{lengths.max()} tokens "
            f"(mean {lengths.mean():.0f}), {name} tokenizer, {arguments.repeats} repeats in turns"
        )
        truth = sides[0](prompts)
        taken = seconds(*[partial(side, prompts) for side in sides], repeats=arguments.repeats)
        print(f"{'':22}{'cells/s':>22}{'times faster':>22}{'added MB':>10}{'min cosine':>12}{'max diff':>10}")
        for side, run, time in zip(SIDES, sides, taken, strict=True):
            command = [sys.executable, __file__, "--memory", side, "--cells", str(arguments.cells)]
            added = subprocess.run([*command, "--genes", *map(str, genes)], capture_output=True, text=True, check=True)
            task = f"embedding, Pythia-70m shape, {genes[0]} to {genes[1]} genes"
            note(task, side, "cells/s", arguments.cells / time, beside=arguments.cells / taken[0])
            found = run(prompts)
            norms = np.linalg.norm(found, axis=1) * np.linalg.norm(truth, axis=1)
            cosine = ((found * truth).sum(axis=1) / norms).min()
            print(
                f"{side:22}{spread(arguments.cells / time):>22}{spread(taken[0] / time):>22}"
                f"{float(added.stdout.split()[-1]):>10.0f}{cosine:>12.6f}{np.abs(found - truth).max():>10.1e}"
            )


if __name__ == "__main__":
    main()
