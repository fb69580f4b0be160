from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from mudata import MuData

import scc2s


@pytest.fixture
def adata():
    rng = np.random.default_rng(0)
    out = ad.AnnData(rng.random((6, 5)).astype("float32"))
    out.var_names = ["ISG15", "MX1", "Oas1", "A", "B"]
    return out


def test_the_score_is_the_mean_of_the_genes_found_and_the_record_names_them(adata):
    scc2s.tl.program_score(adata, "ifn")
    assert np.allclose(adata.obs["c2s_score_ifn"], adata.X[:, :3].mean(1))
    params = adata.uns["c2s"]["score_ifn"]["params"]
    assert set(params["genes"]) == {"ISG15", "MX1", "Oas1"}
    assert "IFI27" in set(params["missing"])
    assert "doi" in params["program_source"]


def test_layers_ranks_copies_and_mudata(adata, tmp_path):
    adata.layers["c2s_perturbed"] = adata.X * 2
    scc2s.tl.program_score(adata, ["ISG15", "A", "B"], layer="c2s_perturbed", key_added="x")
    assert np.allclose(adata.obs["x"], 2 * adata.X[:, [0, 3, 4]].mean(1))
    out = scc2s.tl.program_score(MuData({"rna": adata}), "ifn", method="rank", copy=True)
    assert out["rna"].obs["c2s_score_ifn"].between(0, 1).all()
    assert "c2s_score_ifn" not in adata.obs
    adata.write_h5ad(tmp_path / "a.h5ad")
    assert sc.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["x"]["params"]["program"] == "program"


def test_too_few_genes_are_refused(adata):
    with pytest.raises(ValueError, match="3 are needed"):
        scc2s.tl.program_score(adata, "mhc1")


@pytest.mark.slow
def test_real_stimulated_cells_score_higher(shared_data):
    """Interferon about 0.1 to 1, MHC class I about 0.6 to 0.7, as measured on log-normalised CP10k."""
    adata = ad.read_h5ad(shared_data / "kang_ifnb.h5ad")
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    for program, least in (("ifn", 0.6), ("mhc1", 0.08)):
        scc2s.tl.program_score(adata, program)
        means = adata.obs.groupby("condition", observed=True)[f"c2s_score_{program}"].mean()
        assert means["stim"] - means["ctrl"] > least


def test_counts_are_scored_as_log_normalised_and_stay_counts(adata):
    counts = ad.AnnData(np.random.default_rng(0).poisson(3, (20, 5)).astype("float32"), var=adata.var)
    before = counts.X.copy()
    scc2s.tl.program_score(counts, "ifn")
    logged = counts.copy()
    sc.pp.normalize_total(logged, target_sum=1e4)
    sc.pp.log1p(logged)
    assert np.allclose(counts.obs["c2s_score_ifn"], logged.X[:, :3].mean(1), rtol=1e-5)
    assert counts.uns["c2s"]["score_ifn"]["params"]["values"] == "counts"
    assert (before == counts.X).all()


def test_a_name_that_no_file_can_hold_is_refused(adata):
    with pytest.raises(ValueError, match="without '/'"):
        scc2s.tl.program_score(adata, scc2s.programs.Program("a/b", ["ISG15", "A", "B"]))


@pytest.mark.parametrize(
    "genes",
    [["CD3D", None], ["CD3D", np.nan], [1, 2, 3], pd.Series(["CD3D", None]), [b"CD3D"], [], [" "], {"a": ["CD3D"]},
     pd.DataFrame({"a": ["CD3D"]}), 5, None],
    ids=repr,
)  # fmt: skip
def test_what_is_no_list_of_genes_is_refused_and_nothing_is_changed(genes):
    adata = sc.datasets.pbmc68k_reduced()[:5].copy()
    before = list(adata.obs)
    with pytest.raises((TypeError, ValueError), match="program"):
        scc2s.tl.program_score(adata, genes)
    assert list(adata.obs) == before
    assert "c2s" not in adata.uns


@pytest.mark.parametrize("arguments", [{"method": "x"}, {"target_sum": np.nan}, {"target_sum": "x"}], ids=str)
def test_arguments_that_mean_nothing_are_refused(arguments):
    with pytest.raises((TypeError, ValueError), match=next(iter(arguments))):
        scc2s.tl.program_score(sc.datasets.pbmc68k_reduced(), ["CD3D", "CD3E", "CD2"], **arguments)


def test_no_cells_are_refused():
    with pytest.raises(ValueError, match="no cells"):
        scc2s.tl.program_score(sc.datasets.pbmc68k_reduced()[:0].copy(), ["CD3D", "CD3E", "CD2"])
