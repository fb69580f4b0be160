"""A report on many cells: seconds by the clock, and its size.

Run: python benchmarks/report.py --data FOLDER [--cells 50000] [--repeats 3]

Counts of pbmc3k again and again under new names, with sentences, rank fit, labels with their probabilities, an
embedding of 192 numbers and a map. Labels, probabilities and embedding are drawn at random: what is timed reads and
draws them, and asks no model. The command `scc2s report` is timed from its start to its end, with reading the file.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from _cores import processor
from scipy import sparse

import scc2s


def cells(data: Path, n: int) -> ad.AnnData:
    """Cells with results of each kind that a report draws."""
    real = ad.read_h5ad(data / "pbmc3k.h5ad")
    times = -(-n // real.n_obs)
    X = sparse.vstack([sparse.csr_matrix(real.X)] * times, format="csr")[:n]
    names = [f"{name}-{i}" for i in range(times) for name in real.obs_names][:n]
    kinds = np.tile(real.obs["cell_type"].astype(str).to_numpy(), times)[:n]
    found = ad.AnnData(X, obs=pd.DataFrame({"cell_type": pd.Categorical(kinds)}, index=names), var=real.var[[]])
    scc2s.pp.sentences(found)
    scc2s.pp.rank_fit(found)
    few = found[: real.n_obs].copy()
    scc2s.tl.annotate(few)
    rng = np.random.default_rng(0)
    place = rng.integers(0, few.n_obs, n)
    for name in few.obs.columns.difference(found.obs.columns):
        found.obs[name] = few.obs[name].to_numpy()[place]
    for name in few.obsm.keys() - found.obsm.keys():
        found.obsm[name] = np.asarray(few.obsm[name])[place]
    found.uns["c2s"]["annotate"] = few.uns["c2s"]["annotate"]
    found.obsm["X_c2s"] = rng.normal(size=(n, 192)).astype(np.float32)
    found.obsm["X_umap"] = rng.normal(size=(n, 2)).astype(np.float32)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with pbmc3k.h5ad")
    parser.add_argument("--cells", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    print(processor(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path, page = Path(folder) / "cells.h5ad", Path(folder) / "report.html"
        cells(args.data, args.cells).write_h5ad(path)
        seconds = []
        for _ in range(args.repeats):
            began = time.perf_counter()
            command = [str(Path(sys.executable).with_name("scc2s")), "report", str(path), "-o", str(page)]
            subprocess.run(command, check=True)
            seconds.append(time.perf_counter() - began)
        print(f"{args.cells:,} cells: {np.median(seconds):.1f} s ({min(seconds):.1f}-{max(seconds):.1f}), "
              f"{page.stat().st_size / 1e6:.2f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
