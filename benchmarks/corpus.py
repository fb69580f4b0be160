"""A corpus from a Zarr store: cells a second, of reading, of ranks and from end to end, and peak memory.

Run: taskset -c 0 python benchmarks/corpus.py [--cells 200000] [--genes 20000] [--expressed 1500] [--repeats 3]

`taskset` keeps all to one core. Cells are made up: counts of single-cell kind, about 1,500 genes of 20,000 a cell,
written once with anndata to `--folder`. Rates are of a few thousand cells at a time, by turns, so that other load hits
all alike, and also by the processor time that they take, which says what an idle core would do; `--whole` builds the
whole corpus once, for its peak memory.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

import scc2s
from scc2s.sentences import rank


def write_cells(path: Path, n: int, n_genes: int, expressed: int) -> None:
    """Counts with a steep distribution of means, written in parts to keep memory low."""
    from anndata.experimental import concat_on_disk

    rng = np.random.default_rng(0)
    weight = rng.lognormal(0, 2.0, n_genes)
    parts = []
    step = min(n, 20_000)
    for first in range(0, n, step):
        rows = []
        for _ in range(step):
            drawn = np.bincount(
                np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(expressed * 2)), minlength=n_genes
            )
            rows.append(sparse.csr_matrix(drawn[None].astype(np.float32)))
        X = sparse.vstack(rows[:step], format="csr")
        obs = pd.DataFrame(
            {
                "cell_type": rng.choice(["B cell", "T cell", "NK cell"], step),
                "donor": rng.choice([f"d{i}" for i in range(40)], step),
            },
            index=[f"c{first + i}" for i in range(step)],
        )
        part = path.with_name(f"part{first}.zarr")
        ad.AnnData(X, obs=obs, var=pd.DataFrame(index=[f"GENE{i}" for i in range(n_genes)])).write_zarr(part)
        parts.append(part)
    if len(parts) == 1:
        parts[0].rename(path)
        return
    concat_on_disk(parts, path)
    for part in parts:
        shutil.rmtree(part)


def rate(function, n: int) -> tuple[float, float]:
    """Cells a second by the clock, and by processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return n / (time.perf_counter() - wall), n / (time.process_time() - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=200_000)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--expressed", type=int, default=1_500)
    parser.add_argument("--some", type=int, default=16_384, help="cells of a short run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "scc2s-corpus")
    parser.add_argument("--whole", action="store_true")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    args.folder.mkdir(parents=True, exist_ok=True)
    path = args.folder / f"cells-{args.cells}-{args.genes}.zarr"
    if not path.exists():
        write_cells(path, args.cells, args.genes, args.expressed)
    given = {"organism": "human", "n_genes": 200}

    if args.whole:
        folder = args.folder / "whole"
        shutil.rmtree(folder, ignore_errors=True)
        both = rate(
            lambda: scc2s.pp.corpus(path, ["cell_type", "generate"], folder, split="donor", **given), args.cells
        )
        size = sum(file.stat().st_size for file in folder.iterdir())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"whole corpus: {both[0]:,.0f} cells/s by the clock, {both[1]:,.0f} by processor time")
        print(f"peak memory {peak:.2f} GiB; {size / args.cells / 1024:.2f} KiB a cell on disk")
        return

    n = min(args.some, args.cells)
    batches = scc2s.pp.batches(path, obs=["cell_type", "donor"], organism="human")
    held = []
    for batch in batches:
        held.append(batch)
        if sum(len(one.obs) for one in held) >= n:
            break
    n = sum(len(one.obs) for one in held)
    expressed = np.mean([one.X.getnnz() / one.X.shape[0] for one in held])
    print(f"{n} cells x {args.genes} genes, {expressed:.0f} expressed a cell")

    def read() -> None:
        done = 0
        for batch in batches:
            done += len(batch.obs)
            if done >= n:
                return

    def ranks() -> None:
        for batch in held:
            rank(batch.X, 200, names=batches.names, n_jobs=1)

    def build(given_batches) -> None:
        folder = args.folder / "short"
        shutil.rmtree(folder, ignore_errors=True)
        scc2s.train.corpus(given_batches, ["cell_type", "generate"], folder, split="donor", **given)

    def some():
        done = 0
        for batch in batches:
            yield batch
            done += len(batch.obs)
            if done >= n:
                return

    def write_samples() -> None:
        for count, _ in enumerate(scc2s.train.Corpus(args.folder / "short").stream(), 1):
            if count == 4096:
                return

    sides = {
        "read from zarr": (read, n),
        "ranks of 200 genes, from memory": (ranks, n),
        "corpus, from memory": (lambda: build(held), n),
        "corpus, from zarr (end to end)": (lambda: build(some()), n),
        "samples, written and varied (samples/s)": (write_samples, 4096),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    ranks()
    for _ in range(args.repeats):
        for name, (function, count) in sides.items():
            found[name].append(rate(function, count))
    for name, some_rates in found.items():
        wall, cpu = np.median(some_rates, axis=0)
        least, most = min(r[1] for r in some_rates), max(r[1] for r in some_rates)
        print(f"{name}: {wall:,.0f}/s by the clock, {cpu:,.0f}/s by processor time ({least:,.0f}-{most:,.0f})")


if __name__ == "__main__":
    main()
