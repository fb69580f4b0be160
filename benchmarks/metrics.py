"""Scores of cells: agreement with other packages and time beside them, and how scFID depends on the number of cells.

Run: python benchmarks/metrics.py [--repeats 5]

Real cells (Kang et al. 2018, control against IFN-beta, 50 principal components) where the example data is, else PBMC
68k in two halves. scFID stands beside scipy's root of a matrix, MMD beside scikit-learn's kernels, the Wasserstein
distance beside POT's linear program, the energy distance beside scipy's distances and, where it is installed, beside
pertpy (`pip install pertpy`; an environment of its own is best).
"""

from __future__ import annotations

import argparse
import os
import warnings
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from _setup import header, note, seconds, spread

import scc2s
from scc2s import metrics


def two_samples() -> tuple[np.ndarray, np.ndarray, str]:
    """Real cells of two conditions in 50 principal components."""
    import anndata as ad
    import scanpy as sc

    path = Path(os.environ.get("SCC2S_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    path = path / "kang_ifnb_labelled.h5ad"
    if not path.is_file():
        adata = sc.datasets.pbmc68k_reduced()
        return adata.obsm["X_pca"][::2], adata.obsm["X_pca"][1::2], "PBMC 68k, two halves"
    adata = scc2s.pp.recipe(ad.read_h5ad(path), copy=True)
    sc.pp.pca(adata, n_comps=50)
    treated = (adata.obs["condition"] == "stim").to_numpy()
    return adata.obsm["X_pca"][~treated], adata.obsm["X_pca"][treated], "Kang, control against IFN-beta"


def scfid_by_root(a: np.ndarray, b: np.ndarray) -> float:
    """As the definition reads: the root of the product of both covariances."""
    from scipy.linalg import sqrtm

    A, B = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = sqrtm(A @ B)
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(A + B - 2 * np.real(root)))


def mmd_by_kernels(a: np.ndarray, b: np.ndarray, gammas: tuple[float, ...]) -> float:
    from sklearn.metrics.pairwise import rbf_kernel

    def mean(x: np.ndarray, y: np.ndarray) -> float:
        return np.mean([rbf_kernel(x, y, gamma=gamma).mean() for gamma in gammas])

    return float(mean(a, a) + mean(b, b) - 2 * mean(a, b))


def energy_by_distances(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.spatial.distance import cdist

    return float(2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean())


def wasserstein_by_program(a: np.ndarray, b: np.ndarray) -> float:
    import ot

    return float(np.sqrt(ot.emd2([], [], ot.dist(a, b), numItermax=10**6)))


def pertpy_distance():
    """Energy distance of pertpy, or None."""
    try:
        import pertpy
    except ImportError:
        return None
    return pertpy.tools.Distance("edistance")


def agreement(a: np.ndarray, b: np.ndarray, repeats: int) -> None:
    gammas = (1e-3, 1e-2, 1e-1)
    pairs = {
        "scfid": (metrics.scfid, "scipy sqrtm", scfid_by_root),
        "mmd": (partial(metrics.mmd, gammas=gammas), "sklearn rbf_kernel", partial(mmd_by_kernels, gammas=gammas)),
        "wasserstein, exact": (metrics.wasserstein, "POT emd2", wasserstein_by_program),
        "energy_distance": (metrics.energy_distance, "scipy cdist", energy_by_distances),
    }
    if (pertpy := pertpy_distance()) is not None:
        pairs["energy_distance "] = (metrics.energy_distance, f"pertpy {version('pertpy')}", pertpy)
    else:
        print("pertpy is not installed: left out")
    print(f"\n{'score':20}{'value':>10}  {'beside':22}{'difference':>11}{'milliseconds':>24}{'times as fast':>20}")
    for name, (ours, other, theirs) in pairs.items():
        value, expected = ours(a, b), float(theirs(a, b))
        taken = seconds(lambda f=ours: f(a, b), lambda f=theirs: f(a, b), repeats=repeats)
        task = f"{name.strip()}, {len(a)} and {len(b)} cells x {a.shape[1]}"
        note(task, f"scc2s, beside {other}", "runs/s", 1 / taken[0], beside=1 / taken[1])
        print(
            f"{name:20}{value:>10.4f}  {other:22}{abs(value - expected) / expected:>11.0e}"
            f"{spread(1000 * taken[0]):>24}{spread(taken[1] / taken[0]):>20}"
        )


def large(repeats: int) -> None:
    rng = np.random.default_rng(0)
    print(f"\n{'larger samples':52}{'seconds':>24}")
    for n, d, names in ((5000, 512, ("scfid", "sliced", "mmd", "energy_distance")), (2000, 50, ("exact", "sinkhorn"))):
        mix = rng.normal(size=(d, d)) / np.sqrt(d)
        a, b = rng.normal(size=(n, d)) @ mix, 0.1 + rng.normal(size=(n, d)) @ mix
        for name in names:
            if name in ("sliced", "exact", "sinkhorn"):
                run, label = partial(metrics.wasserstein, solver=name), f"wasserstein, {name}"
            else:
                run, label = getattr(metrics, name), name
            taken = seconds(lambda f=run, x=a, y=b: f(x, y), repeats=repeats)
            note(f"{n:,} and {n:,} cells x {d}", f"scc2s, {label}", "runs/s", 1 / taken[0])
            print(f"{f'{label}, {n} and {n} cells x {d}':52}{spread(taken[0]):>24}")


def bias(a: np.ndarray, draws: int = 10) -> None:
    """scFID of two disjoint draws of the same cells: what it gives where nothing differs."""
    rng = np.random.default_rng(0)
    print(f"\nscFID of cells of one condition against others of it, mean of {draws} draws (range)")
    for n in (25, 50, 100, 200, len(a) // 2):
        values = []
        for _ in range(draws):
            order = rng.permutation(len(a))
            values.append(metrics.scfid(a[order[:n]], a[order[n : 2 * n]]))
        print(f"{n:>6} cells a side {np.mean(values):>10.2f} ({min(values):.2f}-{max(values):.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    a, b, name = two_samples()
    print(f"{header()}, {args.repeats} repeats in turns")
    print(f"{name}: {len(a)} and {len(b)} cells x {a.shape[1]}")
    agreement(np.asarray(a, dtype=float), np.asarray(b, dtype=float), args.repeats)
    bias(a)
    large(args.repeats)


if __name__ == "__main__":
    main()
