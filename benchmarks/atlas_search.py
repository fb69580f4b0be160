"""Cells of an atlas that are like some: what an index finds of what looking at all finds, how fast, and what it costs.

Run: python benchmarks/atlas_search.py --data FOLDER [--cells 1000000] [--queries 200] [--folder FOLDER]
     python benchmarks/atlas_search.py --data FOLDER --others   # beside other libraries, those that are installed

Vectors are like embeddings of real cells: those of scc2s-mini for 4,500 cells of five data sets, and between a cell and
one of its ten nearest, with noise of the covariance that cells have around their nearest. Seconds are of the processor
(`process_time`), so that other work on the machine counts little; the first query of a process is left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

FILES = ("pbmc3k", "breast_tnbc", "kang_ifnb", "multi_tissue_human", "gbm_panobinostat")
N_TOP = 10


def real_vectors(data: Path, folder: Path, each: int = 900) -> np.ndarray:
    """Embeddings of some cells of each data set, made once."""
    import scc2s

    path = folder / "real.npy"
    if not path.exists():
        rng, found = np.random.default_rng(0), []
        for name in FILES:
            cells = ad.read_h5ad(data / f"{name}.h5ad")
            cells = cells[np.sort(rng.choice(cells.n_obs, min(cells.n_obs, each), replace=False))].copy()
            scc2s.pp.sentences(cells)
            cells = cells[cells.obs["c2s_n_genes"] > 0].copy()
            scc2s.tl.embed(cells)
            found.append(cells.obsm["X_c2s"])
        np.save(path, np.vstack(found))
    return np.load(path)


def vectors_like(real: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Directions between real ones and their nearest, with noise."""
    rng = np.random.default_rng(seed)
    unit = real / np.linalg.norm(real, axis=1, keepdims=True)
    similar = unit @ unit.T
    np.fill_diagonal(similar, -1)
    nearest = np.argpartition(-similar, N_TOP, axis=1)[:, :N_TOP]
    rest = unit - unit[nearest].mean(axis=1)
    _, sizes, ways = np.linalg.svd(rest - rest.mean(axis=0), full_matrices=False)
    spread = sizes[:, None] / np.sqrt(len(unit)) * ways
    out = np.empty((n, real.shape[1]), dtype=np.float32)
    for start in range(0, n, 50_000):
        m = min(50_000, n - start)
        one = rng.integers(len(unit), size=m)
        other, share = nearest[one, rng.integers(N_TOP, size=m)], rng.random((m, 1))
        made = unit[one] * (1 - share) + unit[other] * share + 0.7 * (rng.standard_normal((m, len(spread))) @ spread)
        out[start : start + m] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return out


def best_of(X: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Rows of the ten nearest of each query, by looking at all."""
    similar = np.hstack([queries @ X[start : start + 100_000].T for start in range(0, len(X), 100_000)])
    return np.argsort(-similar, axis=1)[:, :N_TOP]


def report(name: str, built: float, size: int, found: list, times: list, best: np.ndarray) -> None:
    """One line of figures."""
    hits = sum(len(set(map(int, some)) & set(map(int, these))) for some, these in zip(found, best, strict=True))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    middle, late = 1000 * np.median(times), 1000 * np.quantile(times, 0.95)
    print(
        f"{name}: made in {built:.0f} s, {size / 2**20:.0f} MiB, most memory {memory:.2f} GiB, recall@10 "
        f"{hits / best.size:.4f}, a query {middle:.1f} ms (95 % within {late:.1f})",
        flush=True,
    )


def asked(search, queries) -> tuple[list, list]:
    """What is found of each query, and its seconds."""
    search(queries[0])
    found, times = [], []
    for query in queries:
        began = time.process_time()
        found.append(search(query))
        times.append(time.process_time() - began)
    return found, times


def ours(real: np.ndarray, n: int, n_queries: int, folder: Path) -> None:
    """`atlas.index` and `atlas.search` on a store, with the names of the cells."""
    from scc2s import atlas

    store = folder / f"vectors-{n}.zarr"
    X = vectors_like(real, n, 0)
    if not store.exists():
        import zarr

        obs = pd.DataFrame(index=[f"cell-{i}" for i in range(n)])
        ad.AnnData(obs=obs, obsm={"X_c2s": X[:, :1]}).write_zarr(store)
        group = zarr.open_group(store, mode="r+", use_consolidated=False)["obsm"]
        chunks = (1024, X.shape[1])  # as atlas.embed writes it
        made = group.create_array("X_c2s", shape=X.shape, chunks=chunks, dtype=X.dtype, overwrite=True)
        made[:] = X
        made.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        zarr.consolidate_metadata(str(store))
    rows = np.sort(np.random.default_rng(1).choice(n, n_queries, replace=False))
    best = best_of(X, X[rows])
    shutil.rmtree(store.with_name(f"{store.name}.index"), ignore_errors=True)
    began = time.process_time()
    made = atlas.index(store, progress=False)
    built = time.process_time() - began
    size = sum(file.stat().st_size for file in made.rglob("*") if file.is_file())
    names = [f"cell-{row}" for row in rows]
    # a query is a cell of the store, which is not found again: it is its own nearest
    found, times = asked(lambda name: [int(name.split("-")[1]), *(
        int(one.split("-")[1]) for one in atlas.search(store, name, n_top=N_TOP - 1)["cell"])], names)  # fmt: skip
    report(f"atlas.search, {n} x {X.shape[1]}", built, size, found, times, best)
    began = time.process_time()
    atlas.search(store, names[0], exact=True)
    print(f"exact=True: {time.process_time() - began:.1f} s a query")


def others(real: np.ndarray, n: int, n_queries: int, folder: Path) -> None:
    """The libraries themselves, one thread each."""
    X, queries = vectors_like(real, n, 0), vectors_like(real, n_queries, 9)
    best, path = best_of(X, queries), folder / "other.index"

    def measured(name, make, save, search) -> None:
        began = time.process_time()
        try:
            made = make()
        except ImportError:
            return
        built = time.process_time() - began
        save(made)
        report(name, built, path.stat().st_size, *asked(lambda query: search(made, query), list(queries)), best)

    def faiss_lists():
        import faiss

        faiss.omp_set_num_threads(1)
        made = faiss.index_factory(
            X.shape[1], f"IVF{2 ** round(np.log2(np.sqrt(n)))},SQfp16", faiss.METRIC_INNER_PRODUCT
        )
        made.train(X[:: max(1, n // 50_000)])
        made.add(X)
        made.nprobe = 8
        return made

    def usearch():
        from usearch.index import Index

        made = Index(ndim=X.shape[1], metric="ip", dtype="f16", connectivity=16, expansion_add=64, expansion_search=64)
        made.add(np.arange(n), X, threads=1)
        return made

    def save_lists(made) -> None:
        import faiss

        faiss.write_index(made, str(path))

    measured("faiss, lists", faiss_lists, save_lists, lambda made, query: made.search(query[None], N_TOP)[1][0])
    measured("usearch, graph", usearch, lambda made: made.save(str(path)),
             lambda made, query: made.search(query, N_TOP, threads=1).keys)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the example data")
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "scc2s-atlas-search")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    args.folder.mkdir(parents=True, exist_ok=True)
    real = real_vectors(args.data, args.folder)
    (others if args.others else ours)(real, args.cells, args.queries, args.folder)


if __name__ == "__main__":
    main()
