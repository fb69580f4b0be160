"""Data of scc2s-mini, shared by its training and its evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd

from scc2s.train import split

if TYPE_CHECKING:
    from pathlib import Path

# pbmc68k_reduced's own wording -> the wording of the other data sets
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
LABELS = (
    "B cell",
    "CD14+ monocyte",
    "CD34+ progenitor",
    "CD4 T cell",
    "CD8 T cell",
    "FCGR3A+ monocyte",
    "NK cell",
    "cytotoxic CD8 T cell",
    "dendritic cell",
    "erythrocyte",
    "megakaryocyte",
    "memory CD4 T cell",
    "naive CD4 T cell",
    "naive CD8 T cell",
    "platelet",
    "regulatory T cell",
)


def load(folder: Path) -> dict[str, ad.AnnData]:
    """The four data sets, with ``obs["cell_type"]`` in one wording and without the cells that two files share."""
    import scanpy as sc

    pbmc3k = ad.read_h5ad(folder / "pbmc3k.h5ad")
    kang = ad.read_h5ad(folder / "kang_ifnb.h5ad")
    labelled = ad.read_h5ad(folder / "kang_ifnb_labelled.h5ad")
    kang = kang[~shared_cells(kang, labelled)].copy()
    pbmc68k = sc.datasets.pbmc68k_reduced().raw.to_adata()
    pbmc68k.obs["cell_type"] = pbmc68k.obs["bulk_labels"].astype(str).map(PBMC68K)
    pbmc68k.obs["tissue"] = "blood"
    out = {"pbmc3k": pbmc3k, "kang": kang, "kang_labelled": labelled, "pbmc68k": pbmc68k}
    for adata in out.values():
        adata.obs["cell_type"] = adata.obs["cell_type"].astype(str)
    return out


def shared_cells(kang: ad.AnnData, labelled: ad.AnnData) -> np.ndarray:
    """Cells of `kang` that are in `labelled` too. The labelled file has bare barcodes, so the condition is compared as well."""

    def key(condition: pd.Series, barcodes: pd.Series) -> pd.Series:
        return condition.astype(str).to_numpy() + ":" + barcodes.astype(str).str.replace(r"-\d+$", "", regex=True)

    a = key(kang.obs["condition"], kang.obs["barcode"])
    b = key(labelled.obs["condition"], labelled.obs_names.to_series().str.replace(r"^(ctrl|stim)_", "", regex=True))
    return a.isin(set(b)).to_numpy()


def split_of(adata: ad.AnnData) -> np.ndarray:
    """Split of each cell by a hash of its name; donor 107 of the labelled Kang set is a test set of its own."""
    parts = split(adata.obs_names)
    if "sample" in adata.obs:
        parts[(adata.obs["donor"] == "patient_107").to_numpy()] = "donor107"
    return parts


def markers(adata: ad.AnnData, n: int = 30) -> dict[str, list[str]]:
    """Marker genes of each cell type, from the training cells alone (scanpy's rank_genes_groups, t-test)."""
    import scanpy as sc

    part = adata[split_of(adata) == "train"].copy()
    if float(part.X.max()) > 20:
        sc.pp.normalize_total(part, target_sum=1e4)
        sc.pp.log1p(part)
    counts = part.obs["cell_type"].value_counts()
    groups = counts.index[counts >= 3].tolist()
    sc.tl.rank_genes_groups(part, "cell_type", groups=groups, method="t-test", n_genes=n)
    return {g: [str(x) for x in part.uns["rank_genes_groups"]["names"][g]] for g in groups}


def caption(adata: ad.AnnData, whole: ad.AnnData) -> list[str]:
    """One sentence a cell: its type, where it comes from, and up to three markers of the type that it expresses."""
    table = markers(whole)
    out = []
    X = adata.X.tocsr()
    for i, (kind, tissue) in enumerate(zip(adata.obs["cell_type"], adata.obs["tissue"].astype(str), strict=True)):
        stimulated = "condition" in adata.obs and adata.obs["condition"].iloc[i] == "stim"
        row = X[i]
        expressed = set(adata.var_names[row.indices[row.data > 0]])
        seen = [g for g in table.get(kind, []) if g in expressed][:3]
        article = "An" if kind[0] in "aeiouAEIOUN" and not kind.startswith("naive") else "A"
        text = f"{article} {kind} from {tissue}" + (", treated with IFN-beta" if stimulated else "")
        if seen:
            text += f", marked by {' and '.join([', '.join(seen[:-1]), seen[-1]] if len(seen) > 1 else seen)}"
        out.append(text + ".")
    return out
