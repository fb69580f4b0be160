"""What scc2s-mini is trained on, and in which shares: one source of samples for each task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mini_data import gene_sets, load
from mini_loss import SampledLoss
from mini_samples import Samples
from mini_sets import Set, foreign_sets, ratio_profiles

from scc2s import prompts, train

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import pandas as pd

SHARES = {
    "cell_type": 0.52, "generate_like": 0.22, "generate": 0.05, "generate_unconditional": 0.02, "perturb": 0.12,
    "caption": 0.05, "name_genes": 0.015, "gene_set": 0.005,
}  # fmt: skip
SIZES = {
    "cell_type": 24, "generate_like": 10, "generate": 10, "generate_unconditional": 10, "perturb": 7,
    "caption": 16, "name_genes": 24, "gene_set": 24,
}  # fmt: skip
POOLS = {"cell_type": 4, "caption": 2}
"""Batches drawn at once and parted by length, so that little of a batch is padding."""
LONG = ("generate_like", "generate", "generate_unconditional", "perturb")
"""Tasks whose answers are whole cells."""


def mixture(args: argparse.Namespace, sets: list[Set], tokenizer: Any) -> train.Mixture:
    """Sources of all tasks, in their shares."""
    samples = Samples(sets, foreign_sets(args.data), ratio_profiles(args.data), prepared(args.data))

    def drawing(task: str) -> Callable[[int, np.random.Generator], pd.DataFrame]:
        return lambda n, rng: samples.draw(task, n, rng)

    shares = SHARES | args.shares
    plain = {
        task: train.Source(drawing(task), share, batch_size=SIZES[task], pool=POOLS.get(task, 1))
        for task, share in shares.items()
    }
    if not args.sampled:
        return train.Mixture(plain, seed=args.seed)
    some = train.Mixture({task: plain[task] for task in LONG if task in plain}, seed=args.seed).preview(20)
    genes = {gene for s in sets for gene in s.names}
    loss = SampledLoss(tokenizer, genes, some["completion"], n_often=args.sampled, repeats=args.repeats)
    return train.Mixture({t: replace(s, loss=loss) if t in LONG else s for t, s in plain.items()}, seed=args.seed)


def prepared(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Samples of named gene sets."""
    out: dict[str, list[tuple[str, str]]] = {"name_genes": [], "gene_set": []}
    for number, (_, whole) in enumerate(load(folder).items()):
        for title, genes in gene_sets(whole, "train", copies=60, seed=101 * number):
            sentence = " ".join(genes)
            for name in ("name_genes", "gene_set"):
                task = prompts.get(name)
                (text,) = task.render([sentence], {"organism": "Homo sapiens", "gene_set": [title]}).texts
                out[name].append((text, task.complete(gene_set=title, cell_sentence=sentence)))
    return out
