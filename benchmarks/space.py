"""What answers whether cells lie together without a language model, on four tissue sections.

Each section is cut into blocks, for training and for tests, with a band of one radius between them
(``scc2s.pp.neighborhoods(split="blocks")``); three such cuts are drawn. The table has the mean over the cuts and, in
brackets, the lowest and the highest.

    python benchmarks/space.py --data shared/data [--out space.md]
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

import scc2s
from scc2s._cells.access import get_sentences
from scc2s._cells.contexts import get_contexts
from scc2s.metrics import binary_report, context_features, fitted_answers, profile_correlation, same_type_share
from scc2s.tl._spatial.floors import sentence_weights

SETS = {
    "lung_cosmx": ({"radius": 120, "unit": "pixel", "spatial_unit": "pixel"}, "cell_type"),
    "lung_merfish": ({"radius": 15, "unit": "um", "spatial_unit": "um"}, "cell_type"),
    "breast_her2_st": ({"radius": 180, "unit": "pixel", "spatial_unit": "pixel", "groupby": "section"}, "region"),
    "mouse_olfactory_bulb_st": ({"radius": 1.5, "unit": "spot", "spatial_unit": "spot"}, "region"),
}
"""Neighbourhoods of each set (units as its README says; the coordinates of `lung_merfish` are taken as micrometres, by
the distance between cells), and the column that negatives are matched on."""
CUTS = 3


def measured(adata: ad.AnnData, options: dict[str, object], matched: str, seed: int) -> pd.DataFrame:
    """Accuracy and area of each floor against each kind of negatives, on the test part of one cut."""
    scc2s.pp.neighborhoods(
        adata, matched=matched, split="blocks", test_share=0.3, n_contexts=800, random_state=seed, **options
    )
    contexts = get_contexts(adata, "neighborhoods")
    table, rows = contexts.table, contexts.rows(adata)
    truth, train = table["label"].to_numpy(), (table["split"] == "train").to_numpy()
    weights = sentence_weights(get_sentences(adata), None)
    features = context_features(rows, weights)
    scores = {
        "same type": (same_type_share(rows, adata.obs[matched].astype(object).tolist()), 1.0),
        "correlation": (profile_correlation(rows, adata.layers["logged"]), 1.0),
        "logistic regression": (features, 1e-3),
    }
    found = []
    for negatives in ("negative", "matched negative"):
        beside = (table["kind"] == negatives).to_numpy()
        centers = set(table.loc[beside, "center"])
        chosen = beside | ((truth == "yes") & table["center"].isin(centers).to_numpy())
        for name, (score, strength) in scores.items():
            # Learned against the same kind of negatives that it is asked with.
            probability = fitted_answers(score[chosen], truth[chosen], train[chosen], strength=strength)
            test = np.isfinite(probability)
            numbers = binary_report(truth[chosen][test], probability[test], n_boot=1)["value"]
            found.append({"negatives": negatives, "answer": name, "n": int(test.sum()), **numbers})
    return pd.DataFrame(found)


def shares(adata: ad.AnnData, matched: str) -> dict[str, float]:
    """How often two cells are of one type, in neighbourhoods and in negatives."""
    contexts = get_contexts(adata, "neighborhoods")
    share = same_type_share(contexts.rows(adata), adata.obs[matched].astype(object).tolist())
    kind = contexts.table["kind"].to_numpy()
    return {
        "neighbours (median)": float(contexts.table.loc[kind == "neighborhood", "n_neighbors"].median()),
        "same type, neighbours": float(np.nanmean(share[kind == "neighborhood"])),
        "same type, random": float(np.nanmean(share[kind == "negative"])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    args = parser.parse_args()
    sc.settings.verbosity = 0
    logging.getLogger("scc2s").setLevel(logging.ERROR)
    rows, about = [], []
    for name in args.sets:
        options, matched = SETS[name]
        adata = ad.read_h5ad(args.data / f"{name}.h5ad")
        adata = adata[adata.obs[matched].notna().to_numpy()].copy()
        scc2s.pp.sentences(adata, n_genes=100)
        adata.layers["logged"] = sc.pp.log1p(sc.pp.normalize_total(adata, target_sum=1e4, copy=True), copy=True).X
        cuts = pd.concat([measured(adata, options, matched, seed) for seed in range(CUTS)])
        about.append(
            {"data": name, "cells": adata.n_obs, **{k: round(v, 3) for k, v in shares(adata, matched).items()}}
        )
        for (negatives, answer), some in cuts.groupby(["negatives", "answer"], sort=False):
            row = {"data": name, "negatives": negatives, "answer": answer, "questions": int(some["n"].mean())}
            for measure in ("accuracy", "auroc"):
                low, high = some[measure].min(), some[measure].max()
                row[measure] = f"{some[measure].mean():.3f} ({low:.2f} to {high:.2f})"
            rows.append(row)
            print(row, flush=True)
    text = "\n\n".join(markdown(pd.DataFrame(some)) for some in (about, rows)) + "\n"
    print(text)
    if args.out:
        args.out.write_text(text, encoding="utf-8")


def markdown(table: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(table.columns) + " |", "|" + " --- |" * table.shape[1]]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False))])


if __name__ == "__main__":
    main()
