"""Contexts: drawing them from many cells, writing their prompts, fitting them to a window.

Run: python benchmarks/contexts.py [--cells 100000] [--groups 200] [--genes 100] [--window 8192] [--repeats 3]

Cells are made up (`_cells.py`), since nothing here depends on biology; the tokenizer is Pythia's where the example data
is. "Share" is the part of the tokens of a prompt that are cells: genes and headers, without the question.
"""

from __future__ import annotations

import argparse

import anndata as ad
import numpy as np
import pandas as pd
from _cells import build_cells
from _setup import build_tokenizer, header, note, seconds, spread

import scc2s
from scc2s._cells.contexts import get_contexts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=200)
    parser.add_argument("--genes", type=int, default=100)
    parser.add_argument("--window", type=int, default=8192)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(header())
    rng = np.random.default_rng(0)
    adata = build_cells(min(args.cells, 5000), 3000, umis=800)
    scc2s.pp.sentences(adata, n_genes=args.genes)
    texts = adata.obs["c2s_sentence"].to_numpy()
    groups = pd.DataFrame({"group": [f"g{i}" for i in rng.integers(0, args.groups, args.cells)]})
    adata = ad.AnnData(obs=groups.set_axis([f"cell{i}" for i in range(args.cells)]), var=adata.var)

    taken = seconds(lambda: scc2s.pp.contexts(adata, groupby="group"), repeats=args.repeats)[0]
    found = get_contexts(adata)
    rate = len(found) / taken
    print(f"draw: {len(found)} contexts of {args.cells} cells, contexts/s {spread(rate)}")
    note("contexts, drawn", "scc2s", "contexts/s", rate)

    tokenizer, name = build_tokenizer()

    def count(prompts: list[str]) -> np.ndarray:
        return np.array([len(ids) for ids in tokenizer(prompts)["input_ids"]])

    task = scc2s.prompts.get("sample_tissue")
    some = [rng.choice(texts, len(cells)).tolist() for cells in found.cells[: args.prompts]]
    fields = {"organism": "Homo sapiens"}
    taken = seconds(lambda: task.render(some, fields), repeats=args.repeats)[0]
    print(f"write: prompts/s {spread(len(some) / taken)}")
    note("contexts, written", "scc2s", "prompts/s", len(some) / taken)
    for window in (args.window, args.window // 4, args.window // 16):

        def fit(window: int = window):
            return task.render(some, fields, count_tokens=count, max_tokens=window)

        taken = seconds(fit, repeats=args.repeats)[0]
        out = fit()
        tokens, cells = count(out.texts), count([t[slice(*s)] for t, s in zip(out.texts, out.spans, strict=True)])
        print(
            f"fit to {window} tokens ({name}): prompts/s {spread(len(some) / taken)}; {out.n_shortened} of {len(some)} "
            f"shortened, {out.n_fewer} to fewer cells; cells a prompt {np.mean(out.n_cells):.1f}, genes each at most "
            f"{max(out.n_genes)}; share of cells in the prompt {np.mean(cells / tokens):.3f} "
            f"(least {np.min(cells / tokens):.3f}), of the window used {np.mean(tokens) / window:.2f}"
        )
        note(f"contexts, fitted to {window} tokens", "scc2s", "prompts/s", len(some) / taken)


if __name__ == "__main__":
    main()
