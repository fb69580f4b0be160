"""Scoring a closed set of labels: scc2s against one forward pass for each label.

Run: python benchmarks/annotate.py [--cells 16] [--repeats 5]

The other side puts every label after every prompt and runs the pairs in batches of 8, padded, with the logits of all
tokens; the log-likelihood of the label and the end token is summed. Both sides have the same weights, prompts, labels,
threads and process, and take turns; their scores are compared.
"""

from __future__ import annotations

import argparse

import numpy as np
from _setup import build_model, build_prompts, build_tokenizer, header, note, seconds, spread

BATCH = 8
LABELS = (
    "B cell",
    "CD4-positive, alpha-beta T cell",
    "CD8-positive, alpha-beta T cell",
    "classical monocyte",
    "non-classical monocyte",
    "natural killer cell",
    "plasmacytoid dendritic cell",
    "conventional dendritic cell",
    "megakaryocyte",
    "hematopoietic stem cell",
)


def one_by_one(lm, tokenizer, prompts: list[str], choices: list[str]) -> np.ndarray:
    """Log-likelihood of each choice from a forward pass over prompt and choice together."""
    import torch

    pairs = [(tokenizer(prompt).input_ids, tokenizer(choice).input_ids) for prompt in prompts for choice in choices]
    out = []
    for start in range(0, len(pairs), BATCH):
        some = pairs[start : start + BATCH]
        full = [torch.tensor([*prompt, *choice, tokenizer.eos_token_id]) for prompt, choice in some]
        ids = torch.nn.utils.rnn.pad_sequence(full, batch_first=True)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in full], batch_first=True)
        with torch.no_grad():
            logits = lm(input_ids=ids, attention_mask=mask).logits
        for i, (prompt, _) in enumerate(some):
            at = torch.arange(len(prompt), len(full[i]))
            logp = logits[i, at - 1].log_softmax(dim=-1)
            out.append(logp[torch.arange(len(at)), ids[i, at]].double().sum().item())
    return np.array(out).reshape(len(prompts), len(choices))


def main() -> None:
    from scc2s.models._torch import TorchModel

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    tokenizer, name = build_tokenizer()
    prompts = build_prompts(arguments.cells, genes=(50, 150))
    choices = [f" {label}" for label in LABELS]
    lm, half = build_model(), build_model("bfloat16")
    model, model_half = (TorchModel(weights, tokenizer, id="benchmark") for weights in (lm, half))
    sides = {
        "one by one, float32": lambda: one_by_one(lm, tokenizer, prompts, choices),
        "scc2s, float32": lambda: model.score(prompts, choices, progress=False).logprob,
        "scc2s, bfloat16": lambda: model_half.score(prompts, choices, progress=False).logprob,
    }
    print(header())
    print(
        f"\n{arguments.cells} cells, 50 to 150 genes, {model.count_tokens(prompts).mean():.0f} tokens a prompt, "
        f"{len(choices)} labels of {model.count_tokens(choices).mean():.1f} tokens, {name} tokenizer, "
        f"{arguments.repeats} repeats in turns"
    )
    taken = seconds(*sides.values(), repeats=arguments.repeats)
    truth = one_by_one(lm, tokenizer, prompts, choices)
    print(f"{'':22}{'cells/s':>22}{'times faster':>22}{'max diff':>10}{'same label':>12}")
    for (side, run), time in zip(sides.items(), taken, strict=True):
        rate = arguments.cells / time
        note("one of 10 labels, Pythia-70m shape", side, "cells/s", rate, beside=arguments.cells / taken[0])
        found = run()
        same = (found.argmax(axis=1) == truth.argmax(axis=1)).mean()
        print(
            f"{side:22}{spread(arguments.cells / time):>22}{spread(taken[0] / time):>22}"
            f"{np.abs(found - truth).max():>10.1e}{same:>12.2f}"
        )


if __name__ == "__main__":
    main()
