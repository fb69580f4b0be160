"""A prediction and its controls: asked in one run by `tl.perturb` and `tl.fate`, against a run for each question.

Run: python benchmarks/predict.py [--cells 50] [--genes 60] [--repeats 5] [--dtype auto]

scc2s-mini writes `--genes` genes about each cell. The other side asks as many questions in runs of their own, without
the report that the one run makes too. Answers of both are checked to be the same first, in float32 (in bfloat16
rounding depends on the batch). Wall and CPU time; sides take turns, with the same weights and threads.
"""

from __future__ import annotations

import argparse
import logging
import os

os.environ.setdefault("TQDM_DISABLE", "1")

import numpy as np
import scanpy as sc
from _cores import Side, measured, processor, show
from _setup import header, note

import scc2s
from scc2s.prompts import NO_PERTURBATION, get
from scc2s.prompts._scramble import scramble

TIME = "What a cell is at {target_time}, of one that is at {time}:\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=50)
    parser.add_argument("--genes", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dtype", default="auto")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    import torch

    adata = sc.datasets.pbmc68k_reduced()[: args.cells].copy()
    scc2s.pp.sentences(adata, n_genes=args.genes)
    scc2s.pp.rank_fit(adata)
    adata.obs["time"] = "0 h"
    exact, n = scc2s.models.load("scc2s-mini", dtype="float32"), args.cells
    how = {"model": exact, "n_genes": args.genes, "copy": True}
    later = {"prompt": TIME + get("perturb").template.replace("{perturbation}", "{target_time}"), "time_key": "time"}

    def perturb(name: str, **report: object) -> list[str]:
        return scc2s.tl.perturb(adata, name, **how, **report).obs["c2s_perturbed_sentence"].tolist()

    def fate(target: str, **report: object) -> list[str]:
        return scc2s.tl.fate(adata, target_time=target, **later, **how, **report).obs["c2s_fate_sentence"].tolist()

    names = ["IFN-beta", NO_PERTURBATION, scramble("IFN-beta", 0)]
    if perturb("IFN-beta", n_control_cells=n) != perturb("IFN-beta", controls=False):
        raise SystemExit("the two sides differ")
    how["model"] = scc2s.models.load("scc2s-mini", dtype=args.dtype)
    threads = torch.get_num_threads()
    pairs = {
        "perturb": {
            "perturb, one run": Side(lambda: perturb("IFN-beta", n_control_cells=n), 3 * n, threads),
            "perturb, three runs": Side(lambda: [perturb(name, controls=False) for name in names], 3 * n, threads),
        },
        "fate": {
            "fate, one run": Side(lambda: fate("6 h", n_control_cells=n), 2 * n, threads),
            "fate, two runs": Side(lambda: [fate(time, controls=False) for time in ("6 h", "7 h")], 2 * n, threads),
        },
    }
    print(header())
    print(processor(), how["model"].info()["dtype"])
    for tool, sides in pairs.items():
        rates = measured(sides, args.repeats)
        _, other = sides
        show(sides, rates, beside=[other])
        for name, (wall, _) in rates.items():
            task = f"{tool}: a prediction and its controls, {n} cells of {args.genes} genes"
            note(task, name, "answers/s", wall, beside=rates[other][0])
        ratio = rates[next(iter(sides))][1] / rates[other][1]
        print(
            f"{tool}: {np.median(ratio):.2f} times as many answers a CPU second ({ratio.min():.2f}-{ratio.max():.2f})"
        )


if __name__ == "__main__":
    main()
