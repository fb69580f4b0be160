"""Labels of cells of blood: scc2s-mini beside what anyone would write, each in one call.

Run: python benchmarks/annotation_baselines.py --data DATA [--out table.md] [--no-model]

DATA is a folder with pbmc3k.h5ad, kang_ifnb.h5ad, kang_ifnb_labelled.h5ad, pbmc_citeseq.h5mu and malt_citeseq.h5mu;
pbmc68k_reduced comes with scanpy. Cells labelled "unassigned" are left out. Sentences are those of pp.sentences with
200 genes. Fine labels are those of the data set; coarse ones join the subtypes of T cells and of monocytes. All methods
choose from the labels that the data set has. Transfer learns from another study in the labels of the target: where the
reference has finer ones they are joined, and where it lacks two or more of them the entry is empty. scc2s-mini was
trained on other cells of pbmc3k, kang, kang_labelled and pbmc68k, so there it is at home, and no transfer from another
study is its equal; the citeseq sets are of studies that it never saw.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import scanpy as sc

import scc2s
from scc2s.metrics import label_report
from scc2s.train import split

N_GENES = 200
PBMC68K = {
    "CD14+ Monocyte": "CD14+ monocyte",
    "CD19+ B": "B cell",
    "CD34+": "CD34+ progenitor",
    "CD4+/CD25 T Reg": "regulatory T cell",
    "CD4+/CD45RA+/CD25- Naive T": "naive CD4 T cell",
    "CD4+/CD45RO+ Memory": "memory CD4 T cell",
    "CD56+ NK": "NK cell",
    "CD8+ Cytotoxic T": "cytotoxic CD8 T cell",
    "CD8+/CD45RA+ Naive Cytotoxic": "naive CD8 T cell",
    "Dendritic": "dendritic cell",
}
CD4_CD8 = {
    "naive CD4 T cell": "CD4 T cell",
    "memory CD4 T cell": "CD4 T cell",
    "regulatory T cell": "CD4 T cell",
    "naive CD8 T cell": "CD8 T cell",
    "cytotoxic CD8 T cell": "CD8 T cell",
}
COARSE = dict.fromkeys([*CD4_CD8, "CD4 T cell", "CD8 T cell"], "T cell") | {
    "CD14+ monocyte": "monocyte",
    "FCGR3A+ monocyte": "monocyte",
    "megakaryocyte": "platelet",
}
REFERENCE = {
    "pbmc3k": "kang",
    "kang_labelled": "pbmc3k",
    "pbmc68k": "pbmc3k",
    "pbmc_citeseq": "pbmc3k",
    "malt_citeseq": "pbmc3k",
}


def load(folder: Path) -> dict[str, ad.AnnData]:
    """Cells with sentences and ``obs["fine"]``."""
    out = {
        "pbmc3k": ad.read_h5ad(folder / "pbmc3k.h5ad"),
        "kang": ad.read_h5ad(folder / "kang_ifnb.h5ad"),
        "kang_labelled": ad.read_h5ad(folder / "kang_ifnb_labelled.h5ad"),
        "pbmc68k": sc.datasets.pbmc68k_reduced(),
    }
    labels = out["kang_labelled"]
    labels.var_names = labels.var_names.str.replace(r"_ENSG\d+$", "", regex=True)
    labels.var_names_make_unique()
    out["pbmc68k"].obs["cell_type"] = out["pbmc68k"].obs["bulk_labels"].astype(str).map(PBMC68K)
    for name in ("pbmc_citeseq", "malt_citeseq"):
        rna = md.read_h5mu(folder / f"{name}.h5mu")["rna"]
        out[name] = rna[rna.obs["cell_type"] != "unassigned"].copy()
    for adata in out.values():
        adata.obs["fine"] = adata.obs["cell_type"].astype(str)
        adata.obs["coarse"] = adata.obs["fine"].replace(COARSE)
        scc2s.pp.sentences(adata, n_genes=N_GENES)
    return out


def measured(adata: ad.AnnData, reference: ad.AnnData, level: str, model: object | None) -> dict[str, np.ndarray]:
    """Labels of each method."""
    labels = sorted(adata.obs[level].unique())
    found = {"majority": np.full(adata.n_obs, adata.obs[level].mode()[0], dtype=object)}
    scc2s.tl.marker_labels(adata, labels=labels)
    found["marker_labels"] = adata.obs["c2s_marker_label"]
    words = mapped(reference.obs["fine"], labels)
    if words is not None:
        reference = reference[words.notna().to_numpy()].copy()
        reference.obs["label"] = words.dropna()
        for name, kwargs in {
            "transfer, logreg, sentences": {"features": "sentence", "n_genes": None},
            "transfer, logreg, all genes": {"n_genes": None},
            "transfer, logreg, 2000 genes": {},
            "transfer, knn, 2000 genes": {"method": "knn"},
        }.items():
            scc2s.tl.transfer_labels(adata, reference, label_key="label", **kwargs)
            found[name] = adata.obs["c2s_transfer_label"]
    if model is not None:
        scc2s.tl.annotate(adata, model=model, labels=labels)
        found["scc2s-mini"] = adata.obs["c2s_cell_type"]
    return found


def mapped(fine: pd.Series, labels: list[str]) -> pd.Series | None:
    """The reference's labels in the words of the target, missing for types that it lacks; None if it has not all."""
    out = fine.copy()
    for words in (CD4_CD8, COARSE):
        out = out.where(out.isin(labels), out.replace(words))
    out = out.where(out.isin(labels))
    return out if len(set(labels) - set(out.dropna())) <= 1 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--no-model", action="store_true")
    args = parser.parse_args()
    sc.settings.verbosity = 0
    model = None if args.no_model else scc2s.models.load("scc2s-mini")
    data = load(args.data)
    rows = []
    for name, reference in REFERENCE.items():
        for part in ("all",) if name.endswith("citeseq") else ("all", "test"):
            adata = data[name]
            if part == "test":  # cells that scc2s-mini was not trained on
                adata = adata[split(adata.obs_names) == "test"].copy()
            for level in ("fine", "coarse"):
                truth = adata.obs[level].tolist()
                row = {"data": name, "cells": part, "n": adata.n_obs, "labels": f"{level} ({len(set(truth))})"}
                for method, found in measured(
                    adata, data[reference], level, model if part == "test" or name.endswith("citeseq") else None
                ).items():
                    report = label_report(truth, found.tolist())
                    row[method] = f"{report.accuracy:.3f} / {report.macro_f1:.2f}"
                rows.append(row)
                print(row, flush=True)
    table = pd.DataFrame(rows).fillna("")
    table.insert(4, "reference", table["data"].map(REFERENCE))
    lines = ["| " + " | ".join(table.columns) + " |", "|" + " --- |" * table.shape[1]]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False)]
    text = "accuracy / macro F1\n\n" + "\n".join(lines) + "\n"
    print(text)
    if args.out:
        args.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
