from __future__ import annotations

import math

import anndata as ad
import dask.array as da
import numpy as np
import pytest
import scanpy as sc
from mudata import MuData
from scipy import sparse
from sentence_cases import adata_of

import scc2s
from scc2s.sentences import RankFit


def negative_binomial(n_cells=300, n_genes=80, seed=0):
    rng = np.random.default_rng(seed)
    counts = rng.negative_binomial(0.3, 0.2, (n_cells, n_genes)).astype(np.float32)
    counts[:, 0] += 1
    return counts


def fit_of(adata, **arguments):
    return RankFit.from_dict(scc2s.pp.rank_fit(adata, copy=True, **arguments).uns["c2s"]["rank_fit"])


def logged(X, base=math.e):
    adata = adata_of(X.copy())
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata, base=base)
    return adata


def same(a, b):
    for name in ("slope", "intercept", "r2", "r2_all_ranks", "r2_rank_means", "pearson", "spearman"):
        # values of different cells that are equal in exact numbers are only nearly so after rounding to float32
        rel = 3e-4 if name == "spearman" else 1e-5
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=rel), name
    return True


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_matrix, da.from_array])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_counts_are_brought_to_log_values_of_ten_thousand_a_cell(container, dtype):
    X = negative_binomial()
    adata = adata_of(container(X.astype(dtype)))
    fit = fit_of(adata)
    assert same(fit, RankFit.fit(logged(X).X))
    assert (fit.target_sum, fit.base) == (1e4, math.e)


def test_normalised_and_log_values_of_any_base_give_the_same_line():
    X = negative_binomial()
    from_counts = fit_of(adata_of(X))
    normalised = adata_of(X.copy())
    sc.pp.normalize_total(normalised, target_sum=1e4)
    assert same(fit_of(normalised), from_counts)
    for base in (math.e, 2, 10):
        assert same(fit_of(logged(X, base)), from_counts)
    assert fit_of(logged(X)).target_sum == pytest.approx(1e4, rel=1e-4)


def test_base_only_changes_the_units():
    natural, ten = (fit_of(adata_of(negative_binomial()), base=b) for b in (math.e, 10))
    assert ten.slope == pytest.approx(natural.slope / math.log(10))
    assert ten.r2 == pytest.approx(natural.r2)
    assert ten.base == 10


def test_totals_are_over_all_genes_and_ranks_over_those_used():
    X = negative_binomial()
    adata = adata_of(X)
    adata.var["used"] = np.arange(80) % 2 == 0
    expected = RankFit.fit(logged(X)[:, adata.var["used"]].X)
    assert same(fit_of(adata, var_mask="used"), expected)
    assert same(fit_of(adata, exclude=[f"G{i}" for i in range(1, 80, 2)]), expected)


def test_raw_is_taken_first_and_scaled_data_is_refused():
    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.rank_fit(adata)
    assert adata.uns["c2s"]["rank_fit"]["params"]["source"] == "raw.X"
    assert adata.uns["c2s"]["rank_fit"]["params"]["values"] == "log1p"
    with pytest.raises(ValueError, match=r"X holds negative values .*pass layer= or use_raw="):
        scc2s.pp.rank_fit(adata, use_raw=False)


@pytest.mark.parametrize("X", [np.zeros((3, 4)), np.empty((0, 4)), np.full((2, 2), np.nan)])
def test_nothing_to_fit_is_refused(X):
    with pytest.raises(ValueError, match="no values above 0|NaN or infinite"):
        scc2s.pp.rank_fit(adata_of(X))


def test_files_are_read_in_blocks(tmp_path):
    X = negative_binomial()
    adata_of(sparse.csr_matrix(X)).write_h5ad(tmp_path / "a.h5ad")
    assert same(fit_of(ad.read_h5ad(tmp_path / "a.h5ad")), fit_of(adata_of(X)))
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    scc2s.pp.rank_fit(backed)
    assert same(RankFit.from_dict(backed.uns["c2s"]["rank_fit"]), fit_of(adata_of(X)))


@pytest.mark.parametrize("write", ["write_h5ad", pytest.param("write_zarr", marks=pytest.mark.slow)])
@pytest.mark.parametrize("fit_range", [None, (1, 30)])
def test_fit_survives_a_write(tmp_path, write, fit_range):
    adata = adata_of(negative_binomial())
    scc2s.pp.rank_fit(adata, fit_range=fit_range)
    before = RankFit.from_dict(adata.uns["c2s"]["rank_fit"])
    getattr(adata, write)(tmp_path / "a")
    again = ad.read_h5ad(tmp_path / "a") if write == "write_h5ad" else ad.read_zarr(tmp_path / "a")
    assert RankFit.from_dict(again.uns["c2s"]["rank_fit"]) == before
    assert before.fit_range == fit_range


def test_matrix_is_left_as_it_was_and_the_record_is_kept():
    X = sparse.csr_matrix(negative_binomial())
    data = MuData({"rna": adata_of(X.copy())})
    scc2s.pp.rank_fit(data, key_added="line")
    entry = data.mod["rna"].uns["c2s"]["line"]
    assert (data.mod["rna"].X != X).nnz == 0
    assert entry["params"]["values"] == "counts"
    assert entry["n_pairs"] == X.nnz
    assert "scanpy" in entry["versions"]


def test_published_preprocessing_gives_the_known_numbers(shared_data):
    """C2S on Kang, control cells: definitions and values are in the documentation."""
    adata = ad.read_h5ad(shared_data / "kang_ifnb.h5ad")
    adata = adata[adata.obs["condition"] == "ctrl"].copy()
    scc2s.pp.recipe(adata, base=10)
    fit = fit_of(adata, base=10)
    np.testing.assert_allclose([fit.slope, fit.intercept, fit.r2], [-0.711, 2.705, 0.863], atol=0.002)
    assert fit.r2_rank_means == pytest.approx(0.992, abs=0.002)


SHALLOW = ["pbmc3k", "kang_ifnb", "breast_tnbc", "lung_merfish", "mouse_dentate_gyrus", "worm_embryo"]
DEEP = ["human_embryo_yan", "bulk_pbmc_monaco", "bulk_tissue_gtex", "mouse_kidney"]


@pytest.mark.parametrize("file", [*SHALLOW, *DEEP])
def test_ranks_that_are_fitted_suit_the_depth(shared_data, caplog, file):
    adata = ad.read_h5ad(shared_data / f"{file}.h5ad")[:200].copy()
    fit = fit_of(adata)
    assert fit.fit_range == (None if file in DEEP else (1, 1000))
    assert fit.r2 > 0.6
    assert fit.r2_all_ranks - fit.r2 < 0.05
    assert "describes this data badly" not in caplog.text


def test_a_bad_fit_is_said_with_its_figure_and_the_mend(shared_data, caplog):
    adata = ad.read_h5ad(shared_data / "human_embryo_yan.h5ad")
    fit = fit_of(adata, fit_range=(1, 1000))
    assert fit.r2 == pytest.approx(-0.86, abs=0.02)
    assert "describes this data badly (R2 -0.86" in caplog.text
    assert "pass fit_range=None, all ranks (R2 0.90)" in caplog.text


def test_a_bad_fit_that_no_range_mends_names_other_data(caplog):
    X = np.random.default_rng(0).choice([1.0, 1.01, 900.0], (200, 400), p=[0.498, 0.498, 0.004])
    fit_of(adata_of(X))
    assert "pass layer= or use_raw= with counts" in caplog.text


@pytest.mark.parametrize(
    "arguments",
    [
        {"fit_range": "all"}, {"fit_range": (1, 2.5)}, {"fit_range": (5, 2)}, {"fit_range": (0, 9)}, {"fit_range": 9},
        {"fit_range": (1, 2, 3)}, {"fit_range": (True, 9)}, {"target_sum": 0}, {"target_sum": None}, {"base": 1},
        {"base": 0}, {"base": None}, {"random_state": -1}, {"random_state": 0.5}, {"key_added": None},
        {"key_added": "a/b"}, {"key_added": ""}, {"key_added": "sentences"}, {"key_added": "sentences_top"},
        {"key_added": "recipe"}, {"key_added": "screen"}, {"key_added": "taken"}, {"layer": "none"},
        {"gene_symbols": "none"}, {"var_mask": "none"}, {"use_raw": True},
    ],
)  # fmt: skip
def test_bad_arguments_are_named_and_nothing_is_written(arguments):
    adata = adata_of(negative_binomial(30))
    adata.uns["c2s"] = {"taken": {"params": {}}, "screen": {"params": {}}}
    name = "layer" if "layer" in arguments else "var has no|raw is not set" if "var_mask" in arguments else None
    with pytest.raises((TypeError, ValueError, KeyError), match=name or "pass "):
        scc2s.pp.rank_fit(adata, **arguments)
    assert set(adata.uns["c2s"]) == {"taken", "screen"}


def test_a_fit_of_ones_own_is_replaced():
    adata = adata_of(negative_binomial(30))
    for fit_range in (None, (1, 20)):
        scc2s.pp.rank_fit(adata, key_added="line", fit_range=fit_range)
        assert RankFit.from_dict(adata.uns["c2s"]["line"]).fit_range == fit_range
        assert "written" in adata.uns["c2s"]["line"]
