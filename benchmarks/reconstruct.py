"""Stored ranks back to expression: straight, and by way of text, with the memory that each adds.

Run: python benchmarks/reconstruct.py [--cells 5000] [--genes 30000] [--memory-cells 300000] [--repeats 7]

Both sides give the same matrix, which is checked first. The way through text (join, parse, line) is what is done where
sentences are stored as text. Memory is taken in a process for each side.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys

import anndata as ad
import numpy as np
import pandas as pd
from _cells import gene_names
from _cores import Side, measured, processor, show
from _setup import header, note, peak_added
from scipy import sparse

import scc2s
from scc2s.sentences import RankFit, join, parse

FIT = RankFit(slope=-0.7, intercept=2.7)


def build_ranks(n_cells: int, n_genes: int, length: int = 200) -> ad.AnnData:
    """Cells without a matrix but with ranks, as `pp.sentences(store="ranks")` keeps them."""
    rng = np.random.default_rng(0)
    names = gene_names(n_genes)
    obs, var = pd.DataFrame(index=np.arange(n_cells).astype(str)), pd.DataFrame(index=names)
    adata = ad.AnnData(sparse.csr_matrix((n_cells, n_genes), dtype=np.float32), obs=obs, var=var)
    ranks = np.empty((n_cells, length), np.int32)
    step = n_genes // length
    for start in range(0, n_cells, 10_000):  # different genes in each row: one of each stretch, stretches shuffled
        n = min(10_000, n_cells - start)
        some = np.arange(length) * step + rng.integers(0, step, (n, length))
        ranks[start : start + n] = rng.permuted(some, axis=1)
    adata.obsm["c2s_ranks"] = ranks
    adata.uns["c2s"] = {"sentences": {"params": {}, "genes": np.array(names, dtype=object)}}
    return adata


def straight(adata: ad.AnnData) -> sparse.csr_matrix:
    scc2s.pp.reconstruct(adata, fit=FIT, n_jobs=1)
    return adata.layers["c2s_reconstructed"]


def by_text(adata: ad.AnnData) -> sparse.csr_matrix:
    names = list(adata.var_names)
    text = join(adata.obsm["c2s_ranks"], names, n_jobs=1).tolist()
    return FIT.inverse(parse(text, names).ranks, len(names), n_jobs=1)


def memory(side: str, n_cells: int, n_genes: int) -> None:
    """Print the megabytes that one side adds, and those of the result."""
    run = {"straight": straight, "text": by_text}[side]
    run(build_ranks(100, n_genes))
    adata = build_ranks(n_cells, n_genes)
    kept = []
    added = peak_added(lambda: kept.append(run(adata)))
    print(added, sum(part.nbytes for part in (kept[0].data, kept[0].indices, kept[0].indptr)) / 2**20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=5_000)
    parser.add_argument("--genes", type=int, default=30_000)
    parser.add_argument("--memory-cells", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--memory", choices=["straight", "text"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    logging.disable(logging.INFO)
    if args.memory:
        memory(args.memory, args.memory_cells, args.genes)
        return
    adata = build_ranks(args.cells, args.genes)
    one, other = straight(adata), by_text(adata)
    if not all(np.array_equal(getattr(one, part), getattr(other, part)) for part in ("data", "indices", "indptr")):
        raise SystemExit("the two sides differ")
    sides = {
        "ranks to expression": Side(lambda: straight(adata), args.cells, 1),
        "by way of text": Side(lambda: by_text(adata), args.cells, 1),
    }
    rates = measured(sides, args.repeats)
    print(header())
    print(processor())
    show(sides, rates, beside=["by way of text"])
    for name, (wall, _) in rates.items():
        note("ranks of 200 genes back to expression", name, "cells/s", wall, beside=rates["by way of text"][0])
    for side in ("straight", "text"):
        command = [sys.executable, __file__, "--memory", side]
        command += ["--memory-cells", str(args.memory_cells), "--genes", str(args.genes)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        added, result = map(float, done.stdout.split()[-2:])
        print(f"{side:10} {args.memory_cells:,} cells: {added:.0f} MB added for a result of {result:.0f} MB")


if __name__ == "__main__":
    main()
