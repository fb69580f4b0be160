"""Data of scc2s-mini, shared by its training and its evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd

from scc2s.train import split

if TYPE_CHECKING:
    from collections.abc import Sequence
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


TASKS = ("cell_type", "generate", "generate_unconditional", "perturb", "caption", "name_genes", "gene_set")
HELD_OUT_PATIENT = "PW040"


def load(folder: Path) -> dict[str, ad.AnnData]:
    """The four blood data sets, with ``obs["cell_type"]`` in one wording and without the cells that two files share."""
    import scanpy as sc

    pbmc3k = ad.read_h5ad(folder / "pbmc3k.h5ad")
    kang = ad.read_h5ad(folder / "kang_ifnb.h5ad")
    labelled = ad.read_h5ad(folder / "kang_ifnb_labelled.h5ad")
    labelled.var_names = labelled.var_names.str.replace(r"_ENSG\d+$", "", regex=True)
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


def load_glioblastoma(folder: Path, genes: set[str]) -> ad.AnnData:
    """Glioblastoma slices with panobinostat or vehicle, cut to the genes that have a token of their own."""
    adata = ad.read_h5ad(folder / "gbm_panobinostat.h5ad")
    adata = adata[:, adata.var_names.isin(genes)].copy()
    adata.obs["perturbation"] = np.where(adata.obs["condition"] == "ctrl", "control", "panobinostat")
    return adata


def split_of(adata: ad.AnnData) -> np.ndarray:
    """Split of each cell by a hash of its name; donor 107 of the labelled Kang set and one glioblastoma patient are test sets of their own."""
    parts = split(adata.obs_names)
    for donor, name in (("patient_107", "donor107"), (HELD_OUT_PATIENT, "held-out patient")):
        # Only the labelled Kang set names the donors of all its cells.
        if "sample" in adata.obs:
            parts[(adata.obs["donor"] == donor).to_numpy()] = name
    return parts


def decoys(n: int, seed: int) -> list[str]:
    """Names that mean nothing, of syllables and sometimes a number: a perturbation that was never seen changes nothing."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        name = "".join(
            rng.choice(list("bcdfghklmnprstvz")) + rng.choice(list("aeiou")) for _ in range(rng.integers(2, 6))
        )
        name += rng.choice(["", "", "n", "l", "mab", "nib", "stat", "-" + str(rng.integers(1, 999))])
        out.append(name.upper() if rng.random() < 0.3 else name)
    return out


def gene_sets(adata: ad.AnnData, part: str, *, copies: int, seed: int) -> list[tuple[str, list[str]]]:
    """Sets of genes with a name: genes high in a cell type, or after IFN-beta, in random halves of the cells of one part.

    Ranked by the difference of mean log expression over its standard error (Welch's t); 8 to 40 genes, in alphabetical order.
    """
    import scanpy as sc

    rng = np.random.default_rng(seed)
    cells = adata[split_of(adata) == part].copy()
    if float(cells.X.max()) > 20:
        sc.pp.normalize_total(cells, target_sum=1e4)
        sc.pp.log1p(cells)
    X, names = cells.X.toarray(), cells.var_names.to_numpy()
    groups = {
        f"{kind} markers": (cells.obs["cell_type"] == kind).to_numpy() for kind in cells.obs["cell_type"].unique()
    }
    if "condition" in cells.obs:
        groups["IFN-beta response"] = (cells.obs["condition"] == "stim").to_numpy()
    out = []
    for name, inside in sorted(groups.items()):
        if inside.sum() < 6:
            continue
        for _ in range(copies):
            half = rng.random(len(cells)) < 0.5
            a, b = X[inside & half], X[~inside & half]
            if min(len(a), len(b)) < 3:
                continue
            t = (a.mean(0) - b.mean(0)) / np.sqrt(a.var(0) / len(a) + b.var(0) / len(b) + 1e-4)
            out.append((name, sorted(names[np.argsort(-t)[: rng.integers(8, 41)]].tolist())))
    return out


def markers(adata: ad.AnnData, n: int = 30) -> dict[str, list[str]]:
    """Marker genes of each cell type, from the cells given alone (scanpy's rank_genes_groups, t-test)."""
    import scanpy as sc

    part = adata.copy()
    if float(part.X.max()) > 20:
        sc.pp.normalize_total(part, target_sum=1e4)
        sc.pp.log1p(part)
    counts = part.obs["cell_type"].value_counts()
    groups = counts.index[counts >= 3].tolist()
    sc.tl.rank_genes_groups(part, "cell_type", groups=groups, method="t-test", n_genes=n)
    return {g: [str(x) for x in part.uns["rank_genes_groups"]["names"][g]] for g in groups}


def caption(kind: str, tissue: str, genes: Sequence[str], *, stimulated: bool = False) -> str:
    """One sentence: the type of a cell, where it comes from, and markers of the type that it expresses."""
    article = "An" if kind[0] in "aeiou" or kind.startswith(("NK", "FCGR", "MAIT")) else "A"
    text = f"{article} {kind} from {tissue}" + (", treated with IFN-beta" if stimulated else "")
    if len(genes):
        text += f", marked by {' and '.join([', '.join(genes[:-1]), genes[-1]] if len(genes) > 1 else genes)}"
    return text + "."
