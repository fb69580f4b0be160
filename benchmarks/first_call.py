"""The first call after an installation, when nothing is compiled: CPU seconds of `pp.sentences` and `pp.reconstruct`.

Run: python benchmarks/first_call.py [--repeats 3]

Each repeat is a new process with an empty folder for compiled code, and then one that finds it filled. The rank fit
between the two steps is not counted with them, and shown beside. Cells: pbmc68k, 700 x 765.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
from _cores import processor

STEPS = """
import logging, time
import scanpy as sc
import scc2s
logging.disable(logging.INFO)
adata = sc.datasets.pbmc68k_reduced()
for call in (scc2s.pp.sentences, scc2s.pp.rank_fit, scc2s.pp.reconstruct):
    start = time.process_time()
    call(adata)
    print(time.process_time() - start)
"""


def seconds(folder: str) -> list[float]:
    env = {**os.environ, "NUMBA_CACHE_DIR": folder}
    done = subprocess.run([sys.executable, "-c", STEPS], check=True, capture_output=True, text=True, env=env)
    return [float(line) for line in done.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    taken = np.empty((2, args.repeats, 3))
    for repeat in range(args.repeats):
        with tempfile.TemporaryDirectory() as folder:
            taken[:, repeat] = seconds(folder), seconds(folder)
    print(processor())
    print(f"\n{'CPU seconds, median (least-most)':34}{'sentences':>20}{'reconstruct':>20}{'both':>20}{'rank_fit':>20}")
    for name, rows in zip(("first process", "later processes"), taken, strict=True):
        sentences, fit, reconstruct = rows.T
        columns = (sentences, reconstruct, sentences + reconstruct, fit)
        cells = "".join(f"{f'{np.median(c):.2f} ({c.min():.2f}-{c.max():.2f})':>20}" for c in columns)
        print(f"{name:34}{cells}")


if __name__ == "__main__":
    main()
