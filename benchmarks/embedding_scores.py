"""Embedding of scc2s-mini beside PCA, bag of ranks and chance: label transfer, silhouette, batch mixing.

Run: python benchmarks/embedding_scores.py --data DATA [--implementation scib-metrics]

Cells of pbmc_citeseq (two runs; labels from surface proteins, which no row has seen), sentences of 200 genes.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import mudata
import scanpy as sc

import scc2s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with pbmc_citeseq.h5mu")
    parser.add_argument("--implementation", default="scc2s")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    adata = mudata.read_h5mu(args.data / "pbmc_citeseq.h5mu")["rna"].copy()
    adata = adata[adata.obs["cell_type"] != "unassigned"].copy()
    scc2s.pp.sentences(adata, n_genes=200)
    scc2s.pp.sentences(adata, n_genes=200, store="ranks", key_added="ranked")
    scc2s.tl.embed(adata)
    ranks = next(adata.obsm[key] for key in adata.obsm if key != "X_c2s")
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    sc.pp.pca(adata, n_comps=50)
    table = scc2s.metrics.embedding_scores(
        adata.obsm["X_c2s"],
        adata.obs["cell_type"],
        adata.obs["batch"],
        others={"PCA-50": adata.obsm["X_pca"]},
        ranks=ranks,
        implementation=args.implementation,
    )
    print(adata.n_obs, "cells")
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
