"""Train scc2s-mini, the model in the wheel: data, tokenizer, a mixture of sources of samples, training, export.

    python scripts/train_mini.py --data DATA --run runs/mini --steps 20000   # a GPU if there is one, else CPU
    python scripts/evaluate_mini.py --data DATA --model runs/mini/model      # held-out figures and the model card

DATA is the folder of example data; pbmc68k_reduced comes with scanpy. Everything is seeded; a stopped run goes on from its last
checkpoint when called again. Never trained on: cells of the test split (by hash of the cell name), donor 107 of the labelled Kang
set, the study pbmc_citeseq, and the types of ``mini_types.UNSEEN``. The learning rate rises over 300 steps, stays, and falls
to nothing over the last quarter; `--start` goes on from the weights of an earlier run.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault(
    "NUMBA_THREADING_LAYER", "workqueue"
)  # samples are made in a forked process, which OpenMP forbids

import numpy as np
from mini_mixture import SHARES, mixture
from mini_samples import IFN_BETA, N_GENES, UNREAD
from mini_sets import human_sets
from mini_start import begin
from mini_types import NONE, TYPES, readings

from scc2s import train

SEED = 0


def export(model, tokenizer, folder: Path) -> None:
    """The model as it ships, with what it says of itself."""
    train.save_portable(model, tokenizer, folder)
    genes = [t[1:] for t in tokenizer.get_vocab() if t.startswith("Ġ") and UNREAD.fullmatch(t[1:])]
    about = {
        "family": "scc2s", "tasks": [*SHARES], "labels": list(TYPES), "n_genes": N_GENES, "organisms": ["Homo sapiens"],
        "unread_genes": sorted(genes), "wordings": {t: readings(t)[1:] for t in TYPES}, "parents": {t: x.parent for t, x in TYPES.items() if x.parent}, "none_label": NONE,
        "perturbations": {"IFN-beta": list(IFN_BETA)},
    }  # fmt: skip
    (folder / "scc2s.json").write_text(json.dumps(about, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="go on from this model folder")
    parser.add_argument("--seed", type=int, default=SEED, help="of the samples and their order")
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument(
        "--decay", type=float, default=0.25, help="share of the steps over which the learning rate falls"
    )
    parser.add_argument("--genes", type=int, default=12600, help="genes with a token of their own")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--shares", type=json.loads, default={}, help="share of batches of some tasks, as JSON")
    parser.add_argument(
        "--sampled", type=int, default=2000, help="words that stand for all in the softmax of long answers; 0: all do"
    )
    parser.add_argument("--repeats", type=float, default=0.1, help="weight of what genes that were said still get")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--report", type=int, default=50)
    parser.add_argument("--save-steps", type=int, default=500)
    args = parser.parse_args()
    sets = human_sets(args.data)
    tokenizer, model = begin(args, sets)
    for s in sets:
        print(s.name, s.X.shape, dict(zip(*np.unique(s.kind[s.part == "train"], return_counts=True), strict=True)))
    print(f"{model.num_parameters():,} parameters, {len(tokenizer):,} tokens", flush=True)
    falling = round(args.decay * args.steps)
    train.sft(
        model, mixture(args, sets, tokenizer), args.run / "training", tokenizer=tokenizer, max_steps=args.steps, seed=args.seed,
        learning_rate=args.learning_rate, lr_scheduler_type="warmup_stable_decay", warmup_steps=min(300, args.steps - falling),
        lr_scheduler_kwargs={"num_decay_steps": falling, "decay_type": "linear"}, weight_decay=args.weight_decay,
        adam_beta2=0.98, max_grad_norm=1.0, bf16=args.bf16, logging_steps=args.report, save_steps=args.save_steps,
        save_total_limit=2, dataloader_num_workers=1, dataloader_prefetch_factor=6,
    )  # fmt: skip
    export(model, tokenizer, args.run / "model")


if __name__ == "__main__":
    main()
