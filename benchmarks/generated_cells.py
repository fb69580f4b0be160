"""Generated cells beside held-out real ones, the marginal-rank sampler, thinned real cells, and real cells themselves.

Run: python benchmarks/generated_cells.py [--model scc2s-mini] [--cells-per-type 40] [--temperature 0.8 0.9 1.0]
     [--part test] [--n-genes 200] [--data FOLDER] [--json FILE]

The most frequent types of pbmc3k (10x Genomics), cells parted by ``scc2s.train.split(obs_names)``: those of ``--part``
(``val`` to choose by, ``test`` to report) are the real cells, ``train`` those that the floors are drawn from and that
the check for copies looks at. All cells are sentences of the same length put through one line. A model writes so many
cells of each type at each temperature, held to genes; then as many freely, for the share of words that are genes and of
genes that are no repeats. All figures are means over types, at equal numbers of cells of both sides; gene-gene
correlations are over all types, within each. Each row of a model has the floors and the ceiling of its own comparison
below it, since components are fitted on all cells of it; what differs between these is chance.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import scanpy as sc

import scc2s
from scc2s.train import split

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "scfid": "scFID",
    "energy_distance": "energy",
    "classifier_auroc": "AUROC",
    "gene_correlation": "gene-gene r",
    "spread": "spread",
    "knn_condition_accuracy": "own type",
    "nearest_training": "copies",
}
ROWS = {
    "value_at_n": "generated",
    "floor_marginal": "marginal-rank sampler",
    "floor_thinned": "thinned real cells",
    "ceiling": "real cells",
}
DEFAULT = Path(os.environ.get("SCC2S_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


def read(folder: Path, n_types: int, n_genes: int) -> ad.AnnData:
    """The most frequent types, log-normalised, with sentences put through one line."""
    adata = ad.read_h5ad(folder / "pbmc3k.h5ad")
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    scc2s.pp.sentences(adata, n_genes=n_genes)
    scc2s.pp.rank_fit(adata)
    scc2s.pp.reconstruct(adata)
    adata.obs["part"] = split(adata.obs_names)
    types = adata.obs["cell_type"].value_counts().index[:n_types]
    return adata[adata.obs["cell_type"].isin(types)].copy()


def write(
    adata: ad.AnnData, model, n: int, n_genes: int, temperature: float, *, constrain: bool, top_p: float = 1.0
) -> ad.AnnData:
    """So many cells of each type."""
    types = sorted(adata.obs["cell_type"].astype(str).unique())
    how = {"n_genes": n_genes, "temperature": temperature, "constrain": constrain, "model": model, "controls": False,
           "top_p": top_p}  # fmt: skip
    return scc2s.tl.generate(adata, n, obs={"cell_type": types}, **how)


def scores(new: ad.AnnData, adata: ad.AnnData, part: str) -> pd.DataFrame:
    """Rows of `ROWS`, columns of `COLUMNS`."""
    sides = [adata[(adata.obs["part"] == name).to_numpy()] for name in (part, "train")]
    table = scc2s.tl.evaluate(
        new, sides[0], true_layer="c2s_reconstructed", groupby="cell_type", train=sides[1], metrics=list(COLUMNS),
        n_boot=0,
    )  # fmt: skip
    found = table[table["group"].isin(["mean over groups", "all"])].set_index("metric")
    return found.loc[list(COLUMNS), list(ROWS)].T.rename(index=ROWS, columns=COLUMNS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="scc2s-mini", help="catalogue name, hub id or folder")
    parser.add_argument("--cells-per-type", type=int, default=40)
    parser.add_argument("--free-cells-per-type", type=int, default=8)
    parser.add_argument("--temperature", type=float, nargs="+", default=[1.0])
    parser.add_argument("--top-p", type=float, default=1.0, help="share of probability that genes are drawn from")
    parser.add_argument("--types", type=int, default=6, help="most frequent types")
    parser.add_argument("--n-genes", type=int, default=200)
    parser.add_argument("--part", default="test", choices=["val", "test"])
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with pbmc3k.h5ad")
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    logging.getLogger("scc2s").setLevel(logging.ERROR)
    adata = read(args.data, args.types, args.n_genes)
    model = scc2s.models.load(args.model)
    print("|".join(("", "temperature", "", *COLUMNS.values(), "genes", "no repeats", "seconds", "")))
    print("|---" * (len(COLUMNS) + 5) + "|")
    kept = []
    for temperature in args.temperature:
        start = time.perf_counter()
        new = write(adata, model, args.cells_per_type, args.n_genes, temperature, constrain=True, top_p=args.top_p)
        seconds = time.perf_counter() - start
        free = {}
        if args.free_cells_per_type:
            freely = write(
                adata, model, args.free_cells_per_type, args.n_genes, temperature, constrain=False, top_p=args.top_p
            )
            params = freely.uns["c2s"]["generate"]["params"]
            free = {"genes": params["share_valid"], "no repeats": params["share_unique"]}
        table = scores(new, adata, args.part)
        for name, row in table.iterrows():
            own = name == "generated"
            figures = {**row.to_dict(), **(free if own else {}), **({"seconds": seconds} if own else {})}
            kept.append({"temperature": temperature, "cells": name, **figures})
            cells = [f"{figures.get(key, np.nan):.3f}".replace("nan", "") for key in (*COLUMNS.values(), "genes")]
            rest = [f"{figures[key]:.{n}f}" if key in figures else "" for key, n in (("no repeats", 3), ("seconds", 0))]
            print("|".join(("", f"{temperature:g}", str(name), *cells, *rest, "")), flush=True)
    if args.json:
        about = {"model": str(args.model), "part": args.part, "cells_per_type": args.cells_per_type}
        args.json.write_text(json.dumps({**about, "rows": kept}, indent=2) + "\n")


if __name__ == "__main__":
    main()
