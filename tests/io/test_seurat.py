from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import scc2s

if TYPE_CHECKING:
    from pathlib import Path

GENES = ["CD3D", "MS4A1", "LYZ", "NKG7"]


def cells(n: int = 10) -> ad.AnnData:
    rng = np.random.default_rng(0)
    X = sparse.csr_matrix(rng.poisson(2.0, (n, 4)).astype(np.float32))
    obs = pd.DataFrame({"orig.ident": ["a", "NA"] * (n // 2)}, index=[f"cell{i}" for i in range(n)])
    return ad.AnnData(X, obs=obs, var=pd.DataFrame(index=GENES))


def scaled(adata: ad.AnnData) -> np.ndarray:
    X = adata.X.toarray()
    return (X - X.mean(0)) / X.std(0)


def test_scaled_values_give_way_to_those_of_raw_of_more_genes(tmp_path: Path) -> None:
    whole = cells()
    exported = whole[:, [2, 0]].copy()
    exported.raw = whole
    exported.X = scaled(exported)
    with pytest.raises(ValueError, match="negative"):
        scc2s.pp.sentences(exported, use_raw=False)
    adata = scc2s.io.from_seurat(exported)
    assert (adata.X.toarray() == whole.X.toarray()[:, [2, 0]]).all()
    assert (adata.layers["scale.data"] == exported.X).all()
    assert "X was scaled" in adata.uns["c2s"]["read"]["params"]["mends"][-1]
    adata.write_h5ad(tmp_path / "a.h5ad")


def test_counts_of_a_layer_come_before_logarithms() -> None:
    exported = cells()
    exported.layers["counts"], exported.layers["data"] = exported.X.copy(), exported.X.log1p()
    exported.X = scaled(exported)
    assert (exported.layers["counts"] != scc2s.io.from_seurat(exported).X).nnz == 0


def test_a_column_called_index_is_readable_and_writable_again(tmp_path: Path) -> None:
    """SeuratDisk leaves ``_index`` as a column of ``raw.var`` beside numbers as names."""
    exported = cells()
    exported.raw = exported
    path = tmp_path / "a.h5ad"
    exported.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        var = file["raw/var"]
        del var["_index"]
        text = h5py.string_dtype()
        var.create_dataset("features", data=np.array(GENES, dtype=object), dtype=text)
        var.create_dataset("number", data=np.array([str(i) for i in range(4)], dtype=object), dtype=text)
        for name in ("features", "number"):
            var[name].attrs["encoding-type"], var[name].attrs["encoding-version"] = "string-array", "0.2.0"
        var.attrs["_index"] = "number"
        var.attrs["column-order"] = np.array(["features"], dtype=object)
    adata = scc2s.io.from_seurat(path)
    assert adata.raw.var_names.tolist() == GENES
    adata.raw = ad.AnnData(adata.X, var=pd.DataFrame({"_index": GENES}, index=["0", "1", "2", "3"]))
    again = scc2s.io.from_seurat(adata)
    assert again.raw.var_names.tolist() == GENES
    again.write_h5ad(tmp_path / "b.h5ad")


def test_names_of_genes_and_cells_are_found_in_their_columns() -> None:
    exported = cells()
    exported.var["features"], exported.obs["cell_names"] = GENES, exported.obs_names
    exported.var.index, exported.obs.index = ["0", "1", "2", "3"], [str(i) for i in range(10)]
    adata = scc2s.io.from_seurat(exported)
    assert adata.var_names.tolist() == GENES
    assert adata.obs_names[0] == "cell0"


def test_missing_values_and_reductions() -> None:
    exported = cells()
    exported.obs["kind"] = pd.Categorical(["NA", *["B"] * 9])
    exported.obsm["PCA"], exported.obsm["X_umap_"] = np.ones((10, 2)), np.zeros((10, 2))
    adata = scc2s.io.from_seurat(exported)
    assert adata.obs["orig.ident"].isna().sum() == 5
    assert list(adata.obs["kind"].cat.categories) == ["B"]
    assert {"X_pca", "X_umap"} == set(adata.obsm)
    assert set(exported.obsm) == {"PCA", "X_umap_"}


def test_a_sound_export_stays_as_it_is() -> None:
    exported = cells()
    exported.obs["orig.ident"] = "a"
    adata = scc2s.io.from_seurat(exported)
    assert (adata.X != exported.X).nnz == 0
    assert len(adata.uns["c2s"]["read"]["params"]["mends"]) == 0


def test_only_scaled_values_are_refused(tmp_path: Path) -> None:
    exported = cells()
    exported.X = scaled(exported)
    with pytest.raises(ValueError, match="export the counts too"):
        scc2s.io.from_seurat(exported)
    with pytest.raises(FileNotFoundError):
        scc2s.io.from_seurat(tmp_path / "none.h5ad")
    with pytest.raises(TypeError, match="pass an AnnData"):
        scc2s.io.from_seurat(exported.X)
