"""Trust, probability and entropy of tl.annotate: which tells right labels from wrong ones, and what the controls say.

Run: python benchmarks/trust.py --data DATA [--cells 200]

The labels offered are those of each data set, whether the model was taught them or not. AUROC of right against wrong
cells within each data set (0.5: tells nothing; none where all or no cells are right), and over all cells together.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import anndata as ad
import pandas as pd

import scc2s
from scc2s._cells.sampling import shuffled
from scc2s.train import split

if TYPE_CHECKING:
    import numpy as np

SETS = ("pbmc3k", "kang_ifnb_labelled", "malt_citeseq", "pbmc_citeseq", "mouse_kidney", "lung_cosmx")
SCORES = {"probability": "prob", "minus entropy": "entropy", "trust": "trust"}


def cells_of(data: Path, name: str, n_cells: int) -> ad.AnnData:
    """Labelled cells that scc2s-mini was not trained on, drawn by the hash of their names."""
    from mudata import read_h5mu

    path = data / f"{name}.h5mu"
    if path.is_file():
        whole = read_h5mu(path)
        adata = whole["rna"]
        if "cell_type" not in adata.obs:
            adata.obs["cell_type"] = whole.obs["cell_type"]
    else:
        adata = ad.read_h5ad(data / f"{name}.h5ad")
    kept = adata.obs["cell_type"].notna() & (adata.obs["cell_type"].astype(str) != "unassigned")
    if name == "pbmc3k":
        kept &= split(adata.obs_names) == "test"
    adata = adata[kept.to_numpy()]
    return adata[shuffled(adata.obs_names, 0)[:n_cells]].copy()


def auroc(right: np.ndarray, score: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(right, score)) if 0 < right.sum() < len(right) else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the example data")
    parser.add_argument("--cells", type=int, default=200, help="most cells of a data set")
    args = parser.parse_args()
    rows, every = {}, []
    for name in SETS:
        adata = cells_of(args.data, name, args.cells)
        scc2s.pp.sentences(adata)
        truth = adata.obs["cell_type"].astype(str)
        scc2s.tl.annotate(adata, labels=sorted(truth.unique()))
        found = pd.DataFrame({said: adata.obs[f"c2s_cell_type_{key}"] for said, key in SCORES.items()})
        found["minus entropy"] *= -1
        found["right"] = adata.obs["c2s_cell_type"].astype(str) == truth
        found = found.dropna()
        every.append(found)
        rows[name] = {
            "cells": len(found),
            "right": found["right"].mean(),
            **{said: auroc(found["right"].to_numpy(), found[said].to_numpy()) for said in SCORES},
            "mean trust": found["trust"].mean(),
            "verdict": adata.uns["c2s"]["annotate"]["verdict"],
        }
    together = pd.concat(every)
    rows["all cells"] = {"cells": len(together), "right": together["right"].mean()} | {
        said: auroc(together["right"].to_numpy(), together[said].to_numpy()) for said in SCORES
    }
    print(pd.DataFrame.from_dict(rows, orient="index").round(2).to_string())


if __name__ == "__main__":
    main()
