"""Does tl.search find the cells of a type by its name, with the model in the package? On cells of pbmc3k.

Run: python benchmarks/search.py --data DATA

For the name of each type: the area under the ROC curve of the score (cells of the type against all others), whether
the best cell is of the type, whether the best group is, and whether the text beats its words in another order. Twice:
as the names stand, and worded otherwise, in words that this model has no token for.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import anndata as ad
import numpy as np

import scc2s
from scc2s.metrics import auroc

OTHERWISE = {
    "B cell": "antibody producing lymphocyte",
    "NK cell": "innate cytotoxic lymphocyte",
    "CD14+ monocyte": "classical phagocyte of the blood",
    "platelet": "fragment that stops bleeding",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with pbmc3k.h5ad")
    parser.add_argument("--cells", type=int, default=4, help="cells of each type")
    parser.add_argument("--model", default="scc2s-mini", help="name or folder of a model")
    args = parser.parse_args()
    whole = ad.read_h5ad(args.data / "pbmc3k.h5ad")
    adata = whole[whole.obs.groupby("cell_type", observed=True).head(args.cells).index].copy()
    scc2s.pp.sentences(adata, n_genes=100)
    model = scc2s.models.load(args.model)
    types = adata.obs["cell_type"].astype(str)
    names = {name: name for name in types.unique()}
    for wording, queries in (("name", names), ("otherwise", OTHERWISE)):
        rows = []
        for name, query in queries.items():
            start = time.perf_counter()
            scc2s.tl.search(adata, query, model=model)
            seconds = time.perf_counter() - start
            found = adata.uns["c2s"]["search"]
            score = adata.obs["c2s_search"].to_numpy()
            is_type = (types == name).to_numpy()
            scc2s.tl.search(adata, query, model=model, groupby="cell_type", key_added="by_group")
            group = adata.uns["c2s"]["search_by_group"]["table"].loc["0", "group"]
            row = {
                "query": query,
                "auroc": round(float(auroc(score, is_type)), 3),
                "best_cell": types[found["table"].loc["0", "cell"]],
                "best_group": str(group),
                "beats_floor": bool(found["params"]["beats_floor"]),
                "seconds": round(seconds, 1),
            }
            print(json.dumps(row), flush=True)
            rows.append((row["auroc"], row["best_cell"] == name, row["best_group"] == name, row["beats_floor"]))
        means = np.mean(np.array(rows, dtype=float), axis=0).round(3).tolist()
        keys = ("auroc", "best_cell_right", "best_group_right", "beats_floor")
        print(json.dumps({"wording": wording, "n": len(rows), **dict(zip(keys, means, strict=True))}), flush=True)


if __name__ == "__main__":
    main()
