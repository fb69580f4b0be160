"""Two workers of one thread each against one batch on two threads, on the same weights.

Run on a quiet machine: OMP_NUM_THREADS=2 python benchmarks/workers.py [--cells 192] [--repeats 7] [--model mini]

Both sides are scc2s, with one worker (all threads of torch on one batch) and with as many workers as torch has threads;
they take turns in one process, with the same weights and prompts, and their results are compared.
"""

from __future__ import annotations

import argparse

import numpy as np
from _cores import Side, measured, processor, show
from _setup import build_model, build_prompts, build_tokenizer, header, note
from annotate import LABELS


def with_workers(n: int, run):
    """Run a function with at most so many workers."""
    from scc2s.models._torch import _workers

    def changed():
        said, _workers.MOST = _workers.MOST, n
        try:
            return run()
        finally:
            _workers.MOST = said

    return changed


def main() -> None:
    import torch

    import scc2s
    from scc2s.models._torch import TorchModel

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("mini", "random"), default="mini")
    parser.add_argument("--cells", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    threads = torch.get_num_threads()
    print(f"{header()}\n{processor()}")
    prompts, choices = build_prompts(args.cells, genes=(50, 150)), [f" {label}" for label in LABELS]
    for dtype in ("bfloat16", "float32"):
        if args.model == "mini":
            model = scc2s.models.load("scc2s-mini", device="cpu", dtype=dtype)
        else:
            model = TorchModel(build_model(dtype), build_tokenizer()[0], id="benchmark")
        work = {
            "embed": lambda model=model: model.embed(prompts, progress=False),
            "annotate": lambda model=model: model.score(prompts, choices, progress=False).logprob,
        }
        for name, run in work.items():
            runs = {"one batch": with_workers(1, run), f"{threads} workers": with_workers(threads, run)}
            sides = {side: Side(function, args.cells, threads) for side, function in runs.items()}
            rates = measured(sides, args.repeats)
            print(f"\n{name}, {dtype}", end="")
            show(sides, rates, beside=["one batch"])
            first, second = (function() for function in runs.values())
            print(f"differ by at most {np.abs(first - second).max():.1e}")
            alone = rates["one batch"][0]
            for side, (wall, _) in rates.items():
                note(f"{name} on {threads} threads, {args.model}, {dtype}", side, "cells/s", wall, beside=alone)


if __name__ == "__main__":
    main()
