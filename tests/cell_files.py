"""Files of other programs, with genes of blood cells."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import h5py
import numpy as np
from scipy import io, sparse

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

GENES = ("CD79A", "MS4A1", "CD3D", "CD3E", "NKG7", "GNLY", "LYZ", "S100A8", "MALAT1", "B2M")


def counts(n: int = 6, *, seed: int = 0) -> sparse.csc_matrix:
    """Genes x cells, as 10x keeps them."""
    return sparse.csc_matrix(np.random.default_rng(seed).poisson(2.0, (len(GENES), n)).astype("int32"))


def write_10x_h5(path: Path, *, antibodies: bool = False) -> None:
    """As Cell Ranger 3 and later write them."""
    X = counts()
    kinds = ["Gene Expression"] * len(GENES)
    if antibodies:
        kinds[-1] = "Antibody Capture"
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        for name, value in (("data", X.data), ("indices", X.indices), ("indptr", X.indptr), ("shape", X.shape)):
            group[name] = np.asarray(value)
        group["barcodes"] = [f"CELL{i}-1".encode() for i in range(X.shape[1])]
        for name, values in (
            ("id", [f"ENSG{i:011d}" for i in range(len(GENES))]),
            ("name", GENES),
            ("feature_type", kinds),
            ("genome", ["GRCh38"] * len(GENES)),
        ):
            group[f"features/{name}"] = [value.encode() for value in values]


def write_10x_folder(folder: Path) -> None:
    """As Cell Ranger 3 and later write them."""
    folder.mkdir()
    X = counts()
    rows = "".join(f"ENSG{i:011d}\t{gene}\tGene Expression\n" for i, gene in enumerate(GENES))
    barcodes = "".join(f"CELL{i}-1\n" for i in range(X.shape[1]))
    for name, text in (("features.tsv.gz", rows), ("barcodes.tsv.gz", barcodes)):
        with gzip.open(folder / name, "wt") as file:
            file.write(text)
    with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
        io.mmwrite(file, X)


def blood_counts() -> AnnData:
    """Counts of the blood cells that come with scanpy, which keeps them as logarithms of a total of each cell.

    The smallest value of a cell stands for one count, as in any shallow library.
    """
    import anndata as ad
    import scanpy as sc

    adata = sc.datasets.pbmc68k_reduced()
    X = np.expm1(adata.raw.X.toarray().astype(np.float64))
    least = np.where(X > 0, X, np.inf).min(axis=1, keepdims=True)
    counts = sparse.csr_matrix(np.rint(X / least).astype(np.float32))
    return ad.AnnData(counts, obs=adata.obs[["bulk_labels"]].set_axis(["cell_type"], axis=1), var=adata.raw.var[[]])
