"""Cells to sentences: scc2s against cell2sentence, helical and a plain loop, on the same matrix in one process.

Run: python benchmarks/sentences.py [--cells 20000] [--genes 30000] [--peer-cells 1000] [--repeats 5] [--threads 2]

Peers are run where they are installed (`pip install --no-deps cell2sentence==1.2.0 helical==2.2.0` and what they
import), on the first `--peer-cells` cells, since their time grows in proportion. They take turns with scc2s. All sides
start from counts in float32 CSR and end with Python strings; helical normalises on the way. cell2sentence has no limit
of genes, so the row "all genes" is the one that does the same work. Ratios are per machine (wall time, with the threads
that are named) and per core (CPU time). Memory is that of ranks, in a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from _cells import build_cells, load_cells, save_cells
from _cores import Side, measured, processor, show
from _setup import header, note, peak_added

import scc2s

N_GENES = 200


def plain_loop(adata) -> list[str]:
    """One argsort a cell, ties in whatever order they fall."""
    names = adata.var_names.to_numpy()
    X = adata.X
    out = []
    for start, stop in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        best = np.argsort(-X.data[start:stop], kind="stable")[:N_GENES]
        out.append(" ".join(names[X.indices[start:stop][best]]))
    return out


def cell2sentence(adata):
    """`generate_sentences`, or None where the package is not installed."""
    try:
        from cell2sentence.utils import generate_sentences, generate_vocabulary
    except ImportError:
        print("cell2sentence is not installed: left out")
        return None
    vocabulary = generate_vocabulary(adata)
    return quiet(lambda: generate_sentences(adata, vocabulary))


def helical(adata, max_genes: int):
    """`Cell2Sen.process_data`, which normalises on the way, without the model; None where it is not installed."""
    try:
        from helical.models.c2s import Cell2Sen
    except ImportError:
        print("helical is not installed: left out")
        return None
    wanted = SimpleNamespace(organism="human", max_genes=max_genes, return_fit=False, perturbation_column=None)
    return quiet(lambda: Cell2Sen.process_data(wanted, adata))


def quiet(function):
    def run():
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return function()

    return run


def memory(path: str, n_jobs: int) -> None:
    """Print the megabytes that ranks add to the cells in a file."""
    adata = load_cells(path)
    scc2s.pp.sentences(adata[:1000].copy(), n_genes=N_GENES, store="ranks")  # compiled, or read from the cache
    print(peak_added(lambda: scc2s.pp.sentences(adata, n_genes=N_GENES, store="ranks", n_jobs=n_jobs)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--genes", type=int, default=30_000)
    parser.add_argument("--peer-cells", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    args = parser.parse_args()
    logging.disable(logging.INFO)
    if args.memory:
        memory(args.memory, args.threads)
        return

    adata = build_cells(args.cells, args.genes)
    few = adata[: args.peer_cells].copy()
    X = adata.X
    size = (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 2**20
    with tempfile.TemporaryDirectory() as folder:
        path = save_cells(adata, Path(folder) / "cells.npz")
        command = [sys.executable, __file__, "--memory", str(path), "--threads", str(args.threads)]
        added = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])

    def ours(n_genes, n_jobs):
        return lambda: scc2s.pp.sentences(adata, n_genes=n_genes, n_jobs=n_jobs)

    two = args.threads
    sides = {
        f"scc2s, top {N_GENES}": Side(ours(N_GENES, two), args.cells, two),
        f"scc2s, top {N_GENES}, 1 thread": Side(ours(N_GENES, 1), args.cells, 1),
        "scc2s, top 100": Side(ours(100, two), args.cells, two),
        "scc2s, all genes": Side(ours(None, two), args.cells, two),
        f"plain loop, top {N_GENES}": Side(lambda: plain_loop(few), few.n_obs, 1),
    }
    peers = {"cell2sentence, all genes": cell2sentence(few), "helical, top 100": helical(few, 100)}
    sides |= {name: Side(run, few.n_obs, 1) for name, run in peers.items() if run is not None}
    rates = measured(sides, args.repeats)

    print(header())
    print(processor())
    for package in ("numba", "pyarrow", "cell2sentence", "helical"):
        with contextlib.suppress(ImportError):
            print(f"{package} {version(package)}", end="  ")
    ones = (X.data == 1).mean()
    print(f"\n{X.shape[0]} x {X.shape[1]}, {X.nnz / X.shape[0]:.0f} values a cell, {ones:.0%} of them 1, {size:.0f} MB")
    show(sides, rates, beside=[f"plain loop, top {N_GENES}", *peers])
    one, several = (rates[f"scc2s, top {N_GENES}{more}"][0] for more in (", 1 thread", ""))
    print(f"\n{two} threads are {np.median(several / one):.2f} times as fast as 1")
    task = f"sentences of {X.shape[0]:,} cells x {X.shape[1]:,} genes"
    beside = rates["cell2sentence, all genes"][0] if "cell2sentence, all genes" in rates else None
    for name, (wall, _) in rates.items():
        label = name if not name.startswith("scc2s") or "thread" in name else f"{name}, {two} threads"
        note(task, label, "cells/s", wall, beside=beside)
    print(f"\npeak memory added by ranks: {added:.0f} MB, {added / size:.1%} of the matrix")


if __name__ == "__main__":
    main()
