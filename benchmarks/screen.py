"""A screen with scc2s-mini on control cells of a donor it has not seen: one perturbation it knows, among decoys.

Run: python benchmarks/screen.py --data DATA [--cache FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import anndata as ad

import scc2s

NAMES = ["IFN-beta", "TNF", "panobinostat", "dexamethasone", "aspirin", "vehicle"]
SCREENS = {
    "all cells": {"n_cells": 24},
    "monocytes against CD4 T cells": {
        "n_cells": 16, "context_key": "cell_type", "positive": "CD14+ monocyte", "neutral": "CD4 T cell",
    },
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with kang_ifnb_labelled.h5ad")
    parser.add_argument("--cache", type=Path, help="file that keeps answers")
    args = parser.parse_args()
    adata = ad.read_h5ad(args.data / "kang_ifnb_labelled.h5ad")
    adata = adata[(adata.obs["donor"] == "patient_107") & (adata.obs["condition"] == "ctrl")].copy()
    scc2s.pp.sentences(adata, n_genes=80)
    scc2s.pp.rank_fit(adata)
    model = scc2s.models.load("scc2s-mini")
    summary = {"model": model.info()["weights_hash"]}
    for title, how in SCREENS.items():
        start = time.perf_counter()
        scc2s.tl.screen(adata, NAMES, program="ifn", model=model, cache=args.cache, **how)
        seconds = time.perf_counter() - start
        ours = adata.uns["c2s"]
        table, controls = ours["screen"], ours["screen_controls"].set_index("control")
        print(title, table.drop(columns="reasons").round(3).T.to_string(header=False), sep="\n", flush=True)
        null = controls.loc["scrambled name", "split"]
        summary[title] = {
            "seconds": round(seconds, 1),
            "intervals_over_0": int((table["low"] > 0).sum()),
            "hits": table.loc[table["hit"], "name"].tolist(),
            "regeneration": round(controls.loc["unperturbed regeneration", "split"], 3),
            "scrambled_names": {"n": len(null), "mean": round(null.mean(), 3), "max": round(null.max(), 3)},
        }
    print(json.dumps(summary, indent=2))


if __name__ == "__main__":
    main()
