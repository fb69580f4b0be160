"""The data sets that scc2s-mini is trained on, in one form: counts, words, types of one hierarchy, and the split of each cell."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
from mini_data import load, split_of
from mini_types import TYPES, UNSEEN
from scipy import sparse

from scc2s.train import split

if TYPE_CHECKING:
    from pathlib import Path

# wording of a data set -> type of the hierarchy; what is not here has the same name in both
SAME = {"platelet": "megakaryocyte"}
PBMC3K = {"CD8 T cell": "cytotoxic CD8 T cell", "platelet": "megakaryocyte", "dendritic cell": "myeloid dendritic cell"}
BREAST = {
    "CAFs myCAF-like": "fibroblast", "CAFs MSC iCAF-like": "fibroblast", "Endothelial ACKR1": "endothelial cell",
    "Endothelial CXCL12": "endothelial cell", "Endothelial RGS5": "endothelial cell",
    "Endothelial Lymphatic LYVE1": "endothelial cell", "PVL Differentiated": "pericyte", "PVL Immature": "pericyte",
    "Cycling PVL": "pericyte", "Macrophage": "macrophage", "Monocyte": "monocyte", "Cycling_Myeloid": "myeloid cell",
    "DCs": "dendritic cell", "Plasmablasts": "plasma cell", "T cells CD4+": "CD4 T cell", "T cells CD8+": "CD8 T cell",
    "Cycling T-cells": "T cell", "NKT cells": "lymphocyte", "NK cells": "NK cell", "B cells Memory": "plasma cell",
    "Cancer Cycling": "epithelial cell", "Cancer Basal SC": "epithelial cell", "Cancer LumB SC": "epithelial cell",
    "Mature Luminal": "epithelial cell", "Luminal Progenitors": "epithelial cell",
}  # fmt: skip
COSMX = {
    "endothelial": "endothelial cell", "T CD4 naive": "naive CD4 T cell", "plasmablast": "plasma cell",
    "epithelial": "epithelial cell", "B-cell": "B cell", "pDC": "plasmacytoid dendritic cell", "mast": "mast cell",
    "NK": "NK cell", "mDC": "myeloid dendritic cell", "T CD8 naive": "naive CD8 T cell", "T CD4 memory": "memory CD4 T cell",
    "Treg": "regulatory T cell", "T CD8 memory": "cytotoxic CD8 T cell", "tumor 5": "epithelial cell",
    "tumor 12": "epithelial cell", "tumor 9": "epithelial cell",
}  # fmt: skip
MERFISH = {
    "Lymphocyte": "lymphocyte", "Epithelial": "epithelial cell", "Fibroblast": "fibroblast", "Myeloid": "myeloid cell",
    "Vascular": "endothelial cell", "Plasma": "plasma cell", "Mast": "mast cell",
}  # fmt: skip
LYMPHOID = {"vascular smooth muscle cell": "smooth muscle cell"}
DMAP = {
    "Basophils": "basophil", "Eosinophill": "eosinophil", "Granulocyte (Neutrophil)": "neutrophil", "Megakaryocyte": "megakaryocyte",
    "Hematopoietic stem cell_CD133+ CD34dim": "CD34+ progenitor", "Hematopoietic stem cell_CD38- CD34+": "CD34+ progenitor",
    "Common myeloid progenitor": "CD34+ progenitor", "Granulocyte/monocyte progenitor": "CD34+ progenitor",
    "Megakaryocyte/ erythroid progenitor": "CD34+ progenitor", "Erythroid_CD34- CD71+ GlyA+": "erythrocyte",
    "Naive CD8+ T-cell": "naive CD8 T cell", "CD8+ Effector Memory": "cytotoxic CD8 T cell", "CD8+ Effector Memory RA": "cytotoxic CD8 T cell",
    "Naive CD4+ T-cell": "naive CD4 T cell", "CD4+ Central Memory": "memory CD4 T cell", "CD4+ Effector Memory": "memory CD4 T cell",
    "Mature NK cell_CD56+ CD16+ CD3-": "NK cell", "Mature NK cell_CD56- CD16+ CD3-": "NK cell", "Naïve B-cells": "naive B cell",
    "Mature B-cell class switched": "memory B cell", "Plasmacytoid Dendritic Cell": "plasmacytoid dendritic cell",
    "Myeloid Dendritic Cell": "myeloid dendritic cell", "Monocyte": "CD14+ monocyte",
}  # fmt: skip
ABIS = {
    "B Memory": "memory B cell", "B Naive": "naive B cell", "Basophils LD": "basophil", "MAIT": "MAIT cell", "Monocytes C": "CD14+ monocyte",
    "Monocytes NC+I": "FCGR3A+ monocyte", "NK": "NK cell", "Neutrophils LD": "neutrophil", "Plasmablasts": "plasma cell",
    "T CD4 Memory": "memory CD4 T cell", "T CD4 Naive": "naive CD4 T cell", "T CD8 Memory": "cytotoxic CD8 T cell",
    "T CD8 Naive": "naive CD8 T cell", "T gd Vd2": "gamma-delta T cell", "T gd non-Vd2": "gamma-delta T cell",
    "mDCs": "myeloid dendritic cell", "pDCs": "plasmacytoid dendritic cell",
}  # fmt: skip


@dataclass
class Set:
    """Cells of one data set."""

    name: str
    X: sparse.csr_matrix
    names: list[str]
    kind: np.ndarray
    """Type of the hierarchy; empty for what is none of them."""
    part: np.ndarray
    """train, val, test, or a name of its own."""
    organism: str = "Homo sapiens"
    tissue: str = "blood"
    adata: ad.AnnData | None = None


def human_sets(folder: Path) -> list[Set]:
    """Human single-cell data with labels. Studies that measure what is unseen (pbmc_citeseq) are not among them."""
    import mudata

    out = []
    for name, adata in load(folder).items():
        own = PBMC3K if name == "pbmc3k" else {}
        # nobody told whether the dendritic cells of the other blood sets are myeloid
        out.append(_set(name, adata, adata.obs["cell_type"], own, parts=split_of(adata)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        malt = mudata.read_h5mu(folder / "malt_citeseq.h5mu")["rna"]
    malt = malt[(malt.obs["cell_type"] != "unassigned").to_numpy()].copy()
    out.append(_set("malt", malt, malt.obs["cell_type"], {}, tissue="MALT lymphoma"))
    breast = ad.read_h5ad(folder / "breast_tnbc.h5ad")
    out.append(_set("breast", breast, breast.obs["cell_type_minor"], BREAST, tissue="breast"))
    many = ad.read_h5ad(folder / "multi_tissue_human.h5ad")
    lymphoid = many[many.obs["tissue"].isin(["spleen", "tonsil", "mesenteric lymph node"]).to_numpy()].copy()
    out.append(_set("lymphoid", lymphoid, lymphoid.obs["cell_type"], LYMPHOID, tissue="lymphoid tissue"))
    for name, own in (("lung_cosmx", COSMX), ("lung_merfish", MERFISH)):
        adata = ad.read_h5ad(folder / f"{name}.h5ad")
        adata.var_names = adata.var_names.str.replace(r"^HLA\.", "HLA-", regex=True)
        out.append(_set(name, adata, adata.obs["cell_type"], own, tissue="lung"))
    return out


def foreign_sets(folder: Path) -> list[Set]:
    """Cells that are none of the types: mouse, worm, embryo, spots of a tumour. Their answer is "none of these"."""
    out = []
    for file, organism in (
        ("mouse_kidney", "Mus musculus"), ("mouse_dentate_gyrus", "Mus musculus"), ("mouse_olfactory_bulb_st", "Mus musculus"),
        ("mouse_dc_progenitors", "Mus musculus"), ("worm_embryo", "Caenorhabditis elegans"), ("human_embryo_yan", "Homo sapiens"),
        ("gbm_panobinostat", "Homo sapiens"), ("bulk_tissue_gtex", "Homo sapiens"),
    ):  # fmt: skip
        adata = ad.read_h5ad(folder / f"{file}.h5ad")
        if file == "bulk_tissue_gtex":
            adata = adata[~adata.obs["tissue"].astype(str).isin(["Whole Blood", "Spleen"]).to_numpy()].copy()
        if adata.n_obs > 300:
            adata = adata[np.random.default_rng(0).permutation(adata.n_obs)[:300]].copy()
        kind = np.full(adata.n_obs, "", dtype=object)
        out.append(
            Set(
                file,
                _csr(adata.X),
                adata.var_names.astype(str).tolist(),
                kind,
                np.asarray(split(adata.obs_names)),
                organism,
            )
        )
    return out


def _set(name: str, adata: ad.AnnData, own, mapping: dict[str, str], *, tissue: str = "blood", parts=None) -> Set:
    words = own.astype(str)
    kind = words.map(lambda w: mapping.get(w, SAME.get(w, w))).to_numpy(dtype=object)
    if unknown := set(kind) - set(TYPES) - set(UNSEEN):
        raise ValueError(f"{name}: {sorted(unknown)} are not in the hierarchy")
    part = np.asarray(split(adata.obs_names) if parts is None else parts, dtype=object)
    part[np.isin(kind, UNSEEN)] = "unseen type"
    return Set(name, _csr(adata.X), adata.var_names.astype(str).tolist(), kind, part, tissue=tissue, adata=adata)


def _csr(X) -> sparse.csr_matrix:
    return sparse.csr_matrix(X, dtype=np.float32)


@dataclass
class Ratios:
    """Profiles of sorted bulk samples, as log2 expression on shared genes, and the type of each."""

    name: str
    genes: list[str]
    log2: np.ndarray
    kind: list[str]


def ratio_profiles(folder: Path) -> list[Ratios]:
    """Sorted bulk samples whose differences turn the cells of one type into those of another (:func:`ratio_cells`)."""
    dmap = ad.read_h5ad(folder / "bulk_hematopoiesis_dmap.h5ad")
    abis = ad.read_h5ad(folder / "bulk_immune_signature_abis.h5ad")
    out = []
    for name, adata, own in (("dmap", dmap, DMAP), ("abis", abis, ABIS)):
        rows = [i for i, k in enumerate(adata.obs["cell_type"].astype(str)) if k in own]
        X = np.asarray(adata.X[rows].todense() if sparse.issparse(adata.X) else adata.X[rows], dtype=np.float64)
        log2 = X if name == "dmap" else np.log2(X + 1.0)
        out.append(
            Ratios(
                name,
                adata.var_names.astype(str).tolist(),
                log2,
                [own[str(adata.obs["cell_type"].iloc[i])] for i in rows],
            )
        )
    return out


def ratio_cells(
    base: Set, ratios: Ratios, target: str, source: str, n: int, rng: np.random.Generator
) -> sparse.csr_matrix:
    """Cells of type `target` in the manner of a data set that has none or few.

    Pseudo-bulk of 10 to 40 random training cells of type `source`, times the fold change of the two sorted profiles, drawn
    as molecules (multinomial) with the depth of a real cell. A gene that the pseudo-bulk has not seen keeps a small share.
    """
    rows = np.flatnonzero((base.kind == source) & (base.part == "train"))
    where = {g: j for j, g in enumerate(ratios.genes)}
    columns = np.array([where.get(g, -1) for g in base.names])
    known = columns >= 0
    a = np.flatnonzero(np.array(ratios.kind) == target)
    b = np.flatnonzero(np.array(ratios.kind) == source)
    depth = np.asarray(base.X[rows].sum(axis=1)).ravel()
    out = []
    for _ in range(n):
        some = rng.choice(rows, min(len(rows), int(rng.integers(10, 41))), replace=False)
        share = np.asarray(base.X[some].sum(axis=0)).ravel().astype(np.float64) + 0.02
        fold = np.zeros(len(share))
        fold[known] = np.clip(ratios.log2[rng.choice(a)] - ratios.log2[rng.choice(b)], -6, 6)[columns[known]]
        share *= 2.0 ** (fold * rng.uniform(0.8, 1.3))
        out.append(rng.multinomial(int(rng.choice(depth)), share / share.sum()))
    return sparse.csr_matrix(np.array(out, dtype=np.float32))
