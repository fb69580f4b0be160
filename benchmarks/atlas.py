"""An atlas on one machine: rates, memory, workers, what a resumed run costs, and what kills leave.

Run: python benchmarks/atlas.py --data FOLDER [--cells 1000000] [--genes 20000] [--embed 50000] [--workers 2]
     python benchmarks/atlas.py --data FOLDER --cells 20000 --kills 50
     python benchmarks/atlas.py --idle

Cells are real counts (pbmc3k, breast_tnbc and kang_ifnb of the example data, genes of all), repeated under new names
until there are `--cells`, and written once to `--folder`. Figures:

- ranks: cells a second of `--workers` workers together, and a processor second of all processes (which other work on
  the machine changes less), peak memory of a worker, at a tenth of the cells and at all;
- ranks by one worker, on a tenth; and by one and by all, each with one core, on all;
- embeddings of scc2s-mini on a slice, and in memory by one process with all cores, in turns (`--repeats`; they alone
  with `--embed-only`);
- a resumed run with nine tenths of the blocks done, as a share of the whole;
- with `--idle`: what dask itself takes of the processor while each of `--workers` has a task that only waits, as dask
  comes and as scc2s sets it;
- with `--kills`: processes that are killed at random (workers, scheduler, client) until so many were, run after run,
  each compared with an unbroken one.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy  # noqa: F401  # as in any notebook: not part of what a run costs
from scipy import sparse

FILES = ("pbmc3k", "breast_tnbc", "kang_ifnb")


def write_cells(data: Path, path: Path, n: int, n_genes: int, distinct: bool = False) -> None:
    """Real counts again and again, written in parts to keep memory low; `distinct`: each time with other tenths of the
    molecules left out, since a model is asked once about cells that are equal."""
    import zarr
    from anndata.io import sparse_dataset, write_elem

    parts = [ad.read_h5ad(data / f"{name}.h5ad") for name in FILES]
    both = ad.concat([ad.AnnData(p.X, obs=p.obs[[]], var=p.var[[]]) for p in parts], join="outer", index_unique="-",
                     keys=FILES)  # fmt: skip
    order = np.argsort(-np.asarray((both.X > 0).sum(axis=0)).ravel())[:n_genes]
    X = sparse.csr_matrix(both.X[:, np.sort(order)], dtype=np.float32)
    genes = both.var_names[np.sort(order)]
    names: list[np.ndarray] = []
    for first in range(0, n, X.shape[0]):
        part = X[: min(X.shape[0], n - first)]
        if distinct and first:
            part = part.copy()
            part.data = np.random.default_rng(first).binomial(part.data.astype(int), 0.9).astype(np.float32)
            part.eliminate_zeros()
        names.append(np.array([f"{name}-{first}" for name in both.obs_names[: part.shape[0]]], dtype=object))
        if first == 0:
            ad.AnnData(part, obs=pd.DataFrame(index=names[0]), var=pd.DataFrame(index=genes)).write_zarr(path)
            root = zarr.open_group(path, mode="r+", use_consolidated=False)
        else:
            sparse_dataset(root["X"]).append(part)
    write_elem(root, "obs", pd.DataFrame(index=np.concatenate(names)))
    zarr.consolidate_metadata(str(path))
    print(f"{n} cells x {len(genes)} genes, {X.nnz / X.shape[0]:.0f} expressed a cell")


class Peak:
    """Largest memory of any worker, looked at ten times a second: resident, without pages shared with others."""

    def __init__(self, client) -> None:
        self._pids = list(client.run(os.getpid).values())
        self._stop = threading.Event()
        self.bytes = 0
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        import psutil

        while not self._stop.wait(0.1):
            for pid in self._pids:
                try:
                    self.bytes = max(self.bytes, psutil.Process(pid).memory_info().rss)
                except psutil.Error:
                    continue


def timed(store: Path, out: Path, steps, n_workers: int, memory: str, *, fresh: bool = True, pinned: bool = False,
          model: bool = False, **more):  # fmt: skip
    """Seconds of the steps, from the call to its end, with workers that are there; those of the processors of all
    processes; and the peak memory of a worker. `pinned` workers have a core each: one alone would use all of them; with
    `model` they have asked the model before."""
    from scc2s import atlas
    from scc2s.atlas._cluster import connected

    if fresh:
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(out.with_name(f"{out.name}.atlas"), ignore_errors=True)
    with connected(None, n_workers=n_workers, memory_limit=memory) as (client, _, ready):
        ready()
        if pinned:
            for core, worker in enumerate(client.scheduler_info(n_workers=-1)["workers"]):
                client.run(_pin, core, workers=[worker])
        client.run(_warm, model)
        with Peak(client) as peak:
            began, own, theirs = time.perf_counter(), time.process_time(), sum(client.run(time.process_time).values())
            atlas.run(store, steps, out=out, client=client, progress=False, **more)
            seconds = time.perf_counter() - began
            theirs = sum(client.run(time.process_time).values()) - theirs
    cpu = theirs + time.process_time() - own
    print(f"  (processor: {theirs:.1f} s of the workers, {cpu - theirs:.1f} s of the client and scheduler)", flush=True)
    return seconds, cpu, peak.bytes / 2**30


def leave_off(store: Path, out: Path, steps, n_workers: int, memory: str, block_size: int) -> None:
    """What a call leaves that was killed with nine tenths of the blocks done."""
    from scc2s.atlas import _one_step

    class Killed(Exception):
        pass

    def kill(*_):
        raise Killed

    end, _one_step._end = _one_step._end, kill
    try:
        timed(store, out, steps, n_workers, memory, block_size=block_size)
    except Killed:
        pass
    finally:
        _one_step._end = end
    folder = out.with_name(f"{out.name}.atlas") / steps[0] / "done"
    done = sorted(folder.glob("*.json"), key=lambda file: int(file.stem))
    for file in done[: max(1, len(done) // 10)]:
        file.unlink()


def _pin(core: int) -> None:
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def _warm(model: bool) -> None:
    """Import and compile, and load the model, as the first block of a worker would."""
    from importlib import import_module

    from scc2s import pp, tl

    import_module("scc2s.atlas._task")

    cells = ad.AnnData(sparse.csr_matrix(np.eye(3, dtype=np.float32)), var=pd.DataFrame(index=["CD3D", "LYZ", "CD2"]))
    pp.sentences(cells, store="ranks")
    if model:
        tl.embed(cells)


def kills(store: Path, folder: Path, n: int, block_size: int) -> None:
    """Kill until enough were killed; each run has to end as the unbroken one."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from killed_atlas import STEPS, run_with_kills

    from scc2s import atlas

    whole = folder / "unbroken.zarr"
    if not whole.exists():
        atlas.run(store, STEPS, out=whole, block_size=block_size, progress=False)
    expected = ad.read_zarr(whole)
    rng = random.Random(0)
    killed = runs = 0
    began = time.perf_counter()
    while killed < n:
        out = folder / "killed.zarr"
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(out.with_name(f"{out.name}.atlas"), ignore_errors=True)
        victims = [rng.choice(["worker0", "worker1", "client", "scheduler"]) for _ in range(min(12, n - killed))]
        found = run_with_kills(store, out, victims=victims, block_size=block_size, seed=runs)
        killed, runs = killed + found, runs + 1
        cells = ad.read_zarr(out)
        np.testing.assert_array_equal(cells.obsm["c2s_ranks"], expected.obsm["c2s_ranks"])
        pd.testing.assert_frame_equal(cells.obs, expected.obs, check_exact=True)
        for name in ("slope", "intercept", "spearman", "n_pairs"):
            assert cells.uns["c2s"]["rank_fit"][name] == expected.uns["c2s"]["rank_fit"][name]
        print(f"{killed} kills in {runs} runs, {time.perf_counter() - began:.0f} s: results as unbroken", flush=True)


def in_memory(store: Path, n: int) -> tuple[float, float]:
    """Cells a second, and a processor second, of tl.embed in one process with all cores."""
    import scc2s
    from scc2s._cells.stored_rows import table_rows
    from scc2s.atlas._block import _with_matrix
    from scc2s.atlas._source import Source

    source = Source.of(store)
    cells = _with_matrix(table_rows(source.root()["obs"], 0, n, []), source, {}, source.rows(0, n), None, False)
    scc2s.pp.sentences(cells, store="ranks")
    few = cells[:64].copy()
    scc2s.tl.embed(few)
    began, cpu = time.perf_counter(), time.process_time()
    scc2s.tl.embed(cells)
    return n / (time.perf_counter() - began), n / (time.process_time() - cpu)


def embeddings(path: Path, out: Path, n_workers: int, repeats: int) -> dict[str, float]:
    """An atlas and memory in turns; the model is there on both sides."""
    from scc2s.atlas._source import Source

    n = Source.of(path).n_obs
    timed(path, out, ["sentences"], n_workers, "auto")
    rates, ratios, found = [], [], {}
    for _ in range(repeats):
        seconds, cpu, peak = timed(path, out, ["sentences", ("embed", {})], n_workers, "auto", fresh=False, model=True)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rate, of_cpu = pool.apply(in_memory, (path, n))
        rates.append(n / seconds)
        ratios.append(n / seconds / rate)
        shutil.rmtree(out.with_name(f"{out.name}.atlas") / "embed")  # to be done again
        found |= {"embed in memory: cells/s": rate, "embed: peak GiB": peak, "embed: cells a processor second": n / cpu,
                  "embed in memory: cells a processor second": of_cpu}  # fmt: skip
        print(f"embeddings of {n} cells: {n / seconds:,.1f} cells/s, {n / cpu:,.1f} a processor second; in memory "
              f"{rate:,.1f} and {of_cpu:,.1f}: {ratios[-1]:.2f} times; {peak:.2f} GiB", flush=True)  # fmt: skip
    rate, ratio = statistics.median(rates), statistics.median(ratios)
    return found | {"embed: cells/s": rate, "embed: times that in memory": ratio}


def _wait(seconds: float, calls: int = 30) -> None:
    """Wait as deep in calls as a block is done: what is noted of them takes the longer the more there are."""
    if calls:
        _wait(seconds, calls - 1)
    else:
        time.sleep(seconds)


def idle(n_workers: int, seconds: float = 10) -> None:
    """Processor time of a cluster that waits."""
    from unittest.mock import patch

    from scc2s.atlas import _cluster

    for name, set_to in (("as dask comes", {}), ("as scc2s sets it", _cluster._CALM)):
        with (
            patch.object(_cluster, "_CALM", set_to),
            _cluster.connected(None, n_workers=n_workers, memory_limit=None) as (client, _, ready),
        ):
            ready()
            own, theirs = time.process_time(), sum(client.run(time.process_time).values())
            client.gather(client.map(_wait, [seconds] * n_workers, pure=False))
            theirs = sum(client.run(time.process_time).values()) - theirs
            own = time.process_time() - own
        print(f"{name}: of a core {own / seconds:.1%} by client and scheduler, {theirs / seconds / n_workers:.1%} by "
              "each worker", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the example data")
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--embed", type=int, default=50_000, help="cells of the slice for embeddings; 0: none")
    parser.add_argument("--embed-only", action="store_true")
    parser.add_argument("--repeats", type=int, default=1, help="of the embeddings")
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="1.5GiB", help="limit of a worker")
    parser.add_argument("--block-size", type=int, default=16_384)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "scc2s-atlas")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    if args.idle:
        idle(args.workers)
        return
    if args.data is None:
        parser.error("pass --data, the folder of the example data")
    args.folder.mkdir(parents=True, exist_ok=True)

    def store(n: int, distinct: bool = False) -> Path:
        path = args.folder / f"cells-{n}-{args.genes}{'-distinct' if distinct else ''}.zarr"
        if not path.exists():
            new = path.with_suffix(".new.zarr")
            shutil.rmtree(new, ignore_errors=True)
            write_cells(args.data, new, n, args.genes, distinct)
            new.rename(path)
        return path

    if args.kills:
        kills(store(args.cells), args.folder, args.kills, min(args.block_size, max(1, args.cells // 40)))
        return
    ranks = ["sentences"]
    out = args.folder / "out.zarr"
    if args.embed_only:
        print(json.dumps(embeddings(store(args.embed, distinct=True), out, args.workers, args.repeats), indent=2))
        return
    tenth = max(1, args.cells // 10)
    found: dict[str, float] = {}
    if hasattr(os, "sched_setaffinity"):
        rates = {}
        for workers in (1, args.workers):
            seconds, _, _ = timed(store(args.cells), out, ranks, workers, args.memory, pinned=True,
                                  block_size=min(args.block_size, max(1, args.cells // 16)))  # fmt: skip
            rates[workers] = args.cells / seconds
        found["ranks, one core a worker: 1 worker, cells/s"] = rates[1]
        gain = rates[args.workers] / rates[1]
        found[f"ranks, one core a worker: {args.workers} workers, times as many"] = gain
        print(f"ranks of {args.cells} cells, one core a worker: {rates[1]:,.0f} cells/s by 1, "
              f"{rates[args.workers]:,.0f} by {args.workers}: {gain:.2f} times", flush=True)  # fmt: skip
    for n, workers in ((tenth, 1), (tenth, args.workers), (args.cells, args.workers)):
        size = min(args.block_size, max(1, n // 16))
        seconds, cpu, peak = timed(store(n), out, ranks, workers, args.memory, block_size=size)
        found[f"ranks, {n} cells, {workers} workers: cells/s"] = n / seconds
        found[f"ranks, {n} cells, {workers} workers: cells a processor second"] = n / cpu
        found[f"ranks, {n} cells, {workers} workers: peak GiB"] = peak
        print(f"ranks of {n} cells by {workers}: {n / seconds:,.0f} cells/s, {n / cpu:,.0f} a processor second, "
              f"peak {peak:.2f} GiB a worker", flush=True)  # fmt: skip
    whole = args.cells / found[f"ranks, {args.cells} cells, {args.workers} workers: cells/s"]
    whole_cpu = args.cells / found[f"ranks, {args.cells} cells, {args.workers} workers: cells a processor second"]
    leave_off(store(args.cells), out, ranks, args.workers, args.memory, min(args.block_size, max(1, args.cells // 16)))
    seconds, cpu, _ = timed(store(args.cells), out, ranks, args.workers, args.memory, fresh=False,
                            block_size=min(args.block_size, max(1, args.cells // 16)))  # fmt: skip
    found["resume with 90 % done: share of the whole"] = seconds / whole
    found["resume with 90 % done: share of the processor seconds"] = cpu / whole_cpu
    print(f"resumed with nine tenths done: {seconds:.1f} s, {100 * seconds / whole:.0f} % of the whole; "
          f"{100 * cpu / whole_cpu:.0f} % of its processor seconds", flush=True)  # fmt: skip
    if args.embed:
        found |= embeddings(store(args.embed, distinct=True), out, args.workers, args.repeats)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
