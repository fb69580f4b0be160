"""The same model on PyTorch and on ONNX Runtime: speed, and how near the answers are.

Run: python benchmarks/backends.py [--cells 32] [--genes 100] [--repeats 5]

Pythia-70m's shape with random weights, Pythia's tokenizer, prompts of real cells. All sides are scc2s, have the same
prompts, threads and process, and take turns. Beside torch in float32: torch in bfloat16, and exports in fp32 and int8.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from _setup import build_model, build_prompts, build_tokenizer, header, note, seconds, spread

LABELS = [f" {name}" for name in ("B cell", "CD4 T cell", "CD8 T cell", "NK cell", "CD14+ monocyte", "FCGR3A+ monocyte",
                                  "dendritic cell", "megakaryocyte", "plasma cell", "erythrocyte")]  # fmt: skip


def build_sides(folder: Path) -> dict[str, object]:
    import scc2s

    tokenizer, _ = build_tokenizer()
    build_model().save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    sides = {
        f"torch, {dtype}": scc2s.models.load(folder / "model", device="cpu", dtype=dtype)
        for dtype in ("float32", "bfloat16")
    }
    for precision in ("fp32", "int8"):
        scc2s.models.export_onnx(folder / "model", folder / precision, precision=precision)
        size = sum(path.stat().st_size for path in (folder / precision).glob("model.onnx*")) / 2**20
        sides[f"onnx, {precision} ({size:.0f} MB)"] = scc2s.models.load(
            folder / precision, backend="onnx", device="cpu"
        )
    return sides


def report(title: str, sides: dict[str, object], run, n_cells: int, repeats: int) -> None:
    taken = seconds(*[partial(run, model) for model in sides.values()], repeats=repeats)
    truth = run(next(iter(sides.values())))
    print(f"\n{title:24}{'cells/s':>24}{'times torch, float32':>24}{'max diff':>10}{'min cosine':>12}")
    for (side, model), time in zip(sides.items(), taken, strict=True):
        task = f"{title}, Pythia-70m shape, backends"
        note(task, side, "cells/s", n_cells / time, beside=n_cells / taken[0])
        found = run(model)
        cosine = (found * truth).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(truth, axis=1)
        print(
            f"{side:24}{spread(n_cells / time):>24}{spread(taken[0] / time):>24}{np.abs(found - truth).max():>10.1e}"
            f"{cosine.min():>12.6f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=32)
    parser.add_argument("--genes", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    import onnxruntime

    print(f"{header()}, onnxruntime {onnxruntime.__version__}, {args.repeats} repeats in turns")
    prompts = build_prompts(args.cells, genes=(args.genes, args.genes))
    with tempfile.TemporaryDirectory() as made:
        sides = build_sides(Path(made))
        print(f"{args.cells} cells of {args.genes} genes")
        report("embedding", sides, lambda m: m.embed(prompts, progress=False), args.cells, args.repeats)
        labels = f"scores of {len(LABELS)} labels"
        report(labels, sides, lambda m: m.score(prompts, LABELS, progress=False).logprob, args.cells, args.repeats)


if __name__ == "__main__":
    main()
