"""A corpus from a Zarr store: cells a second of each stage and of the whole, and peak memory.

Run: taskset -c 0 python benchmarks/corpus.py [--cells 200000] [--genes 20000] [--expressed 1500] [--repeats 5]
     taskset -c 0 python benchmarks/corpus.py --whole

`taskset` keeps all to one core. Cells are made up: counts of single-cell kind, written once with anndata to `--folder`
by a process of their own. Rates of stages are of `--some` cells (whole batches), by turns, so that other load hits all
alike, and by the processor time that they take, which says what an idle core would do. `--whole` builds the corpus of
all cells once, for its rate and its peak memory.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

import scc2s
from scc2s.sentences import rank

TASKS = ["cell_type", "generate"]
GIVEN = {"organism": "human", "n_genes": 200, "split": "donor"}


def write_cells(path: Path, n: int, n_genes: int, expressed: int) -> None:
    """Counts with a steep distribution of means, written in parts to keep memory low."""
    import anndata as ad
    from anndata.experimental import concat_on_disk

    warnings.filterwarnings("ignore")
    rng = np.random.default_rng(0)
    weight = np.cumsum(rng.lognormal(0, 2.0, n_genes))
    weight /= weight[-1]
    parts = []
    for first in range(0, n, 20_000):
        step = min(20_000, n - first)
        rows = []
        for _ in range(step):
            drawn = np.bincount(np.searchsorted(weight, np.sort(rng.random(expressed * 2))), minlength=n_genes)
            genes = np.flatnonzero(drawn).astype(np.int32)
            rows.append((genes, drawn[genes].astype(np.float32)))
        ends = np.cumsum([0, *(len(genes) for genes, _ in rows)])
        counts = np.concatenate([values for _, values in rows])
        X = sparse.csr_matrix((counts, np.concatenate([genes for genes, _ in rows]), ends), shape=(step, n_genes))
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
    unfinished = path.with_name("unfinished.zarr")
    shutil.rmtree(unfinished, ignore_errors=True)
    if len(parts) == 1:
        parts[0].rename(unfinished)
    else:
        concat_on_disk(parts, unfinished)
    unfinished.rename(path)
    for part in parts:
        shutil.rmtree(part, ignore_errors=True)


def rate(function, n: int) -> tuple[float, float]:
    """Cells a second by the clock, and by processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return n / (time.perf_counter() - wall), n / (time.process_time() - cpu)


def peak() -> float:
    """Most memory that this process has had, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def whole(path: Path, folder: Path, n: int) -> None:
    """The corpus of all cells."""
    before = peak()
    shutil.rmtree(folder, ignore_errors=True)
    both = rate(lambda: scc2s.pp.corpus(path, TASKS, folder, **GIVEN), n)
    after = peak()
    size = sum(file.stat().st_size for file in folder.iterdir())
    built = scc2s.train.Corpus(folder)
    held = sum(built.n_cells(part) for part in built.parts)
    print(f"whole corpus, {held:,} cells: {both[0]:,.0f} cells/s by the clock, {both[1]:,.0f} by processor time")
    print(f"peak memory {after:.2f} GiB, of which {before:.2f} before the first cell")
    print(f"{size / n / 1024:.2f} KiB a cell on disk")


def stages(path: Path, folder: Path, n: int, repeats: int) -> None:
    """Reading, ranks, prompts and writing, each by itself, and reading with writing."""
    batches = scc2s.pp.batches(path, obs=["cell_type", "donor"], organism="human")

    def some():
        done = 0
        for batch in batches:
            yield batch
            done += len(batch.obs)
            if done >= n:
                return

    held = list(some())
    n = sum(len(one.obs) for one in held)
    expressed = np.mean([one.X.getnnz() / one.X.shape[0] for one in held])
    print(f"{n} cells x {len(batches.names)} genes, {expressed:.0f} expressed a cell")

    def read() -> None:
        for _ in some():
            pass

    def ranks() -> None:
        for batch in held:
            rank(batch.X, 200, names=batches.names, n_jobs=1)

    def build(these) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        scc2s.train.corpus(these, TASKS, folder, **GIVEN)

    def prompts() -> None:
        for _ in scc2s.train.Corpus(folder).stream():
            pass

    build(held)
    n_samples = scc2s.train.Corpus(folder).n_samples()
    sides = {
        "reading (Zarr to batches)": (read, n),
        "ranks of 200 genes (batches in memory)": (ranks, n),
        "writing (batches in memory to shards)": (lambda: build(held), n),
        "whole (Zarr to shards)": (lambda: build(some()), n),
        f"prompts ({n_samples} samples from shards, varied)": (prompts, n_samples),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    ranks()
    for _ in range(repeats):
        for name, (function, count) in sides.items():
            found[name].append(rate(function, count))
    for name, rates in found.items():
        wall, cpu = np.median(rates, axis=0)
        least, most = min(r[1] for r in rates), max(r[1] for r in rates)
        print(f"{name}: {cpu:,.0f}/s by processor time ({least:,.0f}-{most:,.0f}), {wall:,.0f}/s by the clock")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=200_000)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--expressed", type=int, default=1_500, help="half of the molecules of a cell")
    parser.add_argument("--some", type=int, default=16_384, help="cells of a stage")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "scc2s-corpus")
    parser.add_argument("--whole", action="store_true")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    args.folder.mkdir(parents=True, exist_ok=True)
    path = args.folder / f"cells-{args.cells}-{args.genes}-{args.expressed}.zarr"
    if not path.exists():  # by another process, since memory of this one is measured
        made = (path, args.cells, args.genes, args.expressed)
        writer = multiprocessing.get_context("spawn").Process(target=write_cells, args=made)
        writer.start()
        writer.join()
        if writer.exitcode:
            raise SystemExit(writer.exitcode)
    if args.whole:
        whole(path, args.folder / "whole", args.cells)
    else:
        stages(path, args.folder / "short", min(args.some, args.cells), args.repeats)


if __name__ == "__main__":
    main()
