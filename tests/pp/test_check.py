from __future__ import annotations

import anndata as ad
import dask.array as da
import numpy as np
import pytest
import scanpy as sc
from mudata import MuData
from scipy import sparse
from sentence_cases import adata_of

import scc2s

COUNTS = np.random.default_rng(0).negative_binomial(0.3, 0.2, (200, 60)).astype(np.float32)


def states():
    counts = adata_of(COUNTS.copy())
    normalised = counts.copy()
    sc.pp.normalize_total(normalised, target_sum=1e4)
    log = normalised.copy()
    sc.pp.log1p(log)
    scaled = log.copy()
    sc.pp.scale(scaled)
    broken = counts.copy()
    broken.X[3, 3] = np.nan
    return {"counts": counts, "normalised": normalised, "log1p": log, "scaled": scaled, "not finite": broken}


@pytest.mark.parametrize("state", ["counts", "normalised", "log1p", "scaled", "not finite"])
@pytest.mark.parametrize("kept_as", ["dense", "csr", "csc", "view", "backed", "dask", "float64"])
def test_verdict_on_values_however_they_are_kept(state, kept_as, tmp_path):
    adata = states()[state]
    if kept_as in ("csr", "csc"):
        adata.X = sparse.csr_matrix(adata.X).asformat(kept_as)
    elif kept_as == "view":
        adata = adata[:, :]
    elif kept_as == "backed":
        adata.write_h5ad(tmp_path / "a.h5ad")
        adata = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    elif kept_as == "dask":
        adata.X = da.from_array(adata.X, chunks=(50, 30))
    elif kept_as == "float64":
        adata.X = adata.X.astype(np.float64)
    verdict = scc2s.pp.check(adata)
    assert verdict["values"] == state
    assert bool(verdict["problems"]) == (state in ("scaled", "not finite"))
    if state in ("normalised", "log1p"):
        assert verdict["target_sum"] == pytest.approx(1e4, rel=1e-3)


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.uint8, np.int32])
def test_verdict_on_counts_of_any_type(dtype):
    verdict = scc2s.pp.check(adata_of(COUNTS.clip(0, 100).astype(dtype)))
    assert (verdict["values"], verdict["dtype"]) == ("counts", np.dtype(dtype).name)


def test_zeros_empty_cells_and_shape():
    adata = adata_of(sparse.csr_matrix(([0.0, 2, 1], [0, 1, 2], [0, 2, 3, 3]), shape=(3, 4)))
    verdict = scc2s.pp.check(adata)
    assert (verdict["n_stored_zeros"], verdict["n_empty_cells"]) == (1, 1)
    assert (verdict["n_cells"], verdict["n_genes"]) == (3, 4)


def test_names_that_repeat_collide_or_are_ids():
    adata = adata_of(COUNTS[:, :4])
    adata.var_names = ["A", "a", "B", "B"]
    verdict = scc2s.pp.check(adata)
    assert verdict["duplicate_names"] == ["B"]
    assert verdict["case_collisions"] == [("A", "a")]
    assert "on_duplicate='max'" in verdict["problems"][0]
    adata.var_names = [f"ENSG0000000000{i}" for i in range(4)]
    adata.var["symbols"] = ["A", "B", "C", "D"]
    verdict = scc2s.pp.check(adata)
    assert verdict["id_share"] == 1
    assert verdict["problems"] == ["gene names are database ids: pass gene_symbols='symbols'"]
    assert scc2s.pp.check(adata, gene_symbols="symbols")["problems"] == []


def test_what_has_a_problem_is_what_sentences_refuse():
    for adata in states().values():
        if scc2s.pp.check(adata)["problems"]:
            with pytest.raises(ValueError, match="have no place in a ranking"):
                scc2s.pp.sentences(adata)
        else:
            scc2s.pp.sentences(adata)


def test_organism_by_the_names_of_genes():
    adata = adata_of(COUNTS[:, :3])
    adata.var_names = ["Cd3d", "Lyz2", "Nkg7"]
    assert scc2s.pp.check(adata)["organism"] == "Mus musculus"


def test_changes_nothing():
    adata = adata_of(sparse.csr_matrix(COUNTS))
    scc2s.pp.check(MuData({"rna": adata}))
    assert adata.uns == {}
    assert list(adata.obs) == []
    assert (sparse.csr_matrix(COUNTS) != adata.X).nnz == 0
