"""Do the flags of tl.caption find wrong captions? Against the labels of eight data sets.

Run: python benchmarks/caption_grounding.py --data DATA

Four sources of captions, each flag held against whether the type that a caption names is that of the group, or a wider
or narrower one of it (`scc2s.programs.markers`):

- planted: each type's caption ("A B cell, marked by ..." and its three highest genes) for each group of the set;
- scc2s-mini, groups = labels: its captions of the groups (right or wrong by chance of the model);
- scc2s-mini, groups = leiden clusters: the truth is the label of most cells, if more than half;
- scc2s-mini, groups = cells at random: no caption that names a type is right.

Thresholds were chosen on the planted captions of the six sets of blood; the two sets of tissues were not looked at.
"""

from __future__ import annotations

import argparse
import json
import re
import warnings
from pathlib import Path
from typing import Any

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import scanpy as sc

import scc2s
from scc2s._cells.groups import Groups, top_genes
from scc2s._cells.recorded import recorded_expression
from scc2s.programs import markers
from scc2s.programs._type_names import TypeNames
from scc2s.tl._describing.grounding import grounding

BLOOD = ("pbmc3k", "kang_ifnb_labelled", "kang_ifnb", "pbmc68k_reduced", "pbmc_citeseq", "malt_citeseq")
TISSUES = ("breast_tnbc", "lung_cosmx")
NAMES = {
    "Dendritic": "dendritic cell", "CD19+ B": "B cell", "CD4+/CD25 T Reg": "regulatory T cell", "CD56+ NK": "NK cell",
    "CD8+ Cytotoxic T": "cytotoxic CD8 T cell", "CD8+/CD45RA+ Naive Cytotoxic": "naive CD8 T cell",
    "CD4+/CD45RO+ Memory": "memory CD4 T cell", "CD4+/CD45RA+/CD25- Naive T": "naive CD4 T cell",
    "CD34+": "CD34+ progenitor", "PVL": "pericyte", "Endothelial": "endothelial cell",
    "T CD4 naive": "naive CD4 T cell",
    "Cancer Epithelial": "epithelial cell", "Normal Epithelial": "epithelial cell", "endothelial": "endothelial cell",
    "epithelial": "epithelial cell", "mast": "mast cell", "T CD8 naive": "naive CD8 T cell",
    "T CD4 memory": "memory CD4 T cell", "T CD8 memory": "cytotoxic CD8 T cell",
}  # fmt: skip
"""Labels of the data sets that are not names of the table; others are read as they stand."""
LEAST = 5
"""Cells of a group."""
TYPES = TypeNames(markers())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with pbmc3k.h5ad and the others")
    parser.add_argument("--sets", nargs="*", default=[*BLOOD, *TISSUES])
    parser.add_argument("--model", default="scc2s-mini", help="name or folder of a model")
    parser.add_argument("--planted-only", action="store_true", help="ask no model")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    model = None if args.planted_only else scc2s.models.load(args.model)
    rows = []
    for name in args.sets:
        adata = load(name, args.data)
        rows += [planted(adata).assign(set=name, source="planted")]
        if model is not None:
            rows += [
                said(adata, by, model).assign(set=name, source=f"mini, {by}") for by in ("type", "leiden", "random")
            ]
        for part in rows[-4:]:
            if len(part) and part["set"].iloc[0] == name:
                print(json.dumps(counts(part, part["source"].iloc[0], name)), flush=True)
    table = pd.concat(rows, ignore_index=True)
    missed = table[~table["right"] & ~table["flagged"] & (table["source"] != "planted")]
    for row in missed.to_dict("records"):
        print(f"not flagged: {row['set']}, {row['source']}, {row['truth']}: {row['text']}")
    for row in table[table["right"] & table["flagged"]].to_dict("records"):
        print(f"flagged: {row['set']}, {row['source']}, {row['truth']}: {row['text']} [{row['why']}]")
    report(table)


def report(table: pd.DataFrame) -> None:
    """Counts over the sets of blood and of tissues."""
    for sets, some in (("blood", BLOOD), ("tissues", TISSUES)):
        chosen = table[table["set"].isin(some)]
        for source, part in chosen.groupby("source"):
            print(json.dumps(counts(part, source, sets)))


def load(name: str, folder: Path) -> ad.AnnData:
    """Cells of known type with sentences."""
    if name == "pbmc68k_reduced":
        adata = sc.datasets.pbmc68k_reduced().raw.to_adata()
        adata.obs["cell_type"] = adata.obs["bulk_labels"]
    elif name.endswith("citeseq"):
        adata = mudata.read_h5mu(folder / f"{name}.h5mu")["rna"].copy()
    else:
        adata = ad.read_h5ad(folder / f"{name}.h5ad")
    adata.var_names = [re.sub(r"_ENSG\d+$", "", gene) for gene in adata.var_names]
    adata.var_names_make_unique()
    labels = adata.obs["cell_type"].astype(str)
    adata.obs["type"] = [TYPES.read(NAMES.get(label, label)) for label in labels]
    sizes = adata.obs["type"].value_counts()
    adata = adata[adata.obs["type"].isin(sizes.index[sizes >= LEAST])].copy()
    scc2s.pp.sentences(adata)
    adata.obs["leiden"] = clusters(adata)
    order = np.random.default_rng(0).permutation(adata.n_obs)
    adata.obs["random"] = pd.Categorical((order % 3).astype(str))
    return adata


def clusters(adata: ad.AnnData) -> pd.Series:
    copy = adata.copy()
    if float(copy.X.max()) > 20:
        sc.pp.normalize_total(copy, target_sum=1e4)
        sc.pp.log1p(copy)
    sc.pp.pca(copy, n_comps=30)
    sc.pp.neighbors(copy)
    sc.tl.leiden(copy, flavor="igraph", n_iterations=2, directed=False)
    return copy.obs["leiden"]


def planted(adata: ad.AnnData) -> pd.DataFrame:
    """The caption of each type of the set for each group of the set, and whether it is right."""
    genes = top_genes(adata, "type", 3, key=None, sentence_key="c2s_sentence")
    texts = {label: f"{article(label)} {label}, marked by {', '.join(some)}." for label, some in genes.items()}
    pairs = [(group, text) for group in texts for text in texts.values()]
    checked = check(adata, "type", [text for _, text in pairs], [group for group, _ in pairs])
    return judged(checked, [group for group, _ in pairs])


def article(label: str) -> str:
    """By sound: letters of a symbol are read one by one, as in "an NK cell"."""
    return "An" if re.match(r"[aeiou]|[AEFHILMNORSX][A-Z0-9]", label) else "A"


def said(adata: ad.AnnData, by: str, model: Any = "scc2s-mini") -> pd.DataFrame:
    """What the model says of each group, and whether it is right."""
    scc2s.tl.caption(adata, groupby=by, model=model)
    table = adata.uns["c2s"]["captions"]
    truths = []
    for group in table["group"]:
        share = adata.obs.loc[adata.obs[by].astype(str) == group, "type"].value_counts(normalize=True)
        truths.append(str(share.index[0]) if share.iloc[0] > 0.5 and by != "random" else "mixed")
    return judged(table, truths)


def check(adata: ad.AnnData, by: str, texts: list[str], about: list[str]) -> pd.DataFrame:
    expressed, groups = recorded_expression(adata, "sentences"), Groups.of(adata, by)
    found = grounding(texts, about, expressed, groups, min_share=0.1, min_auroc=0.65, markers=markers(), ignore=())
    return found.assign(text=texts, group=about)


def judged(table: pd.DataFrame, truths: list[str]) -> pd.DataFrame:
    """With truth and whether the caption is right; captions that name no type are left out."""
    table = table.reset_index(drop=True).assign(truth=truths)
    table = table[table["type"] != ""].copy()
    table["right"] = [
        truth != "mixed" and TYPES.related(named, truth)
        for named, truth in zip(table["type"], table["truth"], strict=True)
    ]
    return table[
        ["text", "type", "truth", "right", "flagged", "type_supported", "share_grounded", "share_specific", "why"]
    ]


def counts(table: pd.DataFrame, source: str, name: str) -> dict[str, Any]:
    """Right and wrong captions, how many of each are flagged, and by what."""
    wrong, right = table[~table["right"]], table[table["right"]]
    return {
        "source": source,
        "set": name,
        "wrong": len(wrong),
        "wrong_flagged": int(wrong["flagged"].sum()),
        "wrong_flagged_by_type": int((wrong["type_supported"] == "no").sum()),
        "wrong_flagged_by_genes": int((wrong["share_specific"] < 0.5).sum()),
        "wrong_flagged_before": int((wrong["share_grounded"] < 1).sum()),
        "right": len(right),
        "right_flagged": int(right["flagged"].sum()),
        "exact_flagged": int(right.loc[right["type"] == right["truth"], "flagged"].sum()),
        "exact": int((right["type"] == right["truth"]).sum()),
    }


if __name__ == "__main__":
    main()
