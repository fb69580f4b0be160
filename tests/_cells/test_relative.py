from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

from scc2s._cells.access import expression
from scc2s._cells.relative import relative_to


def cells(n: int = 30, seed: int = 0) -> ad.AnnData:
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame({"kind": rng.choice(["a", "b"], n)}, index=[f"c{i}" for i in range(n)])
    X = sparse.csr_matrix(rng.poisson(1.5, (n, 9)).astype("float32"))
    return ad.AnnData(X, obs=obs, var=pd.DataFrame(index=[f"GENE{i}A" for i in range(9)]))


def logged(adata: ad.AnnData) -> np.ndarray:
    return sc.pp.log1p(sc.pp.normalize_total(adata, target_sum=1e4, copy=True), copy=True).X.toarray()


def found(adata: ad.AnnData, reference: object) -> np.ndarray:
    relative = relative_to(adata, expression(adata), reference, mod="rna")
    return sparse.vstack([block for _, block in relative.blocks()]).toarray()


@pytest.mark.parametrize("dense", [False, True])
def test_differences_are_those_of_log_normalised_values(dense: bool) -> None:
    adata = cells()
    Y = logged(adata)
    if dense:
        adata.X = adata.X.toarray()
    np.testing.assert_allclose(found(adata, "mean"), np.maximum(Y - Y.mean(0), 0), atol=1e-5)
    by_kind = np.array([Y[adata.obs["kind"] == kind].mean(0) for kind in adata.obs["kind"]])
    np.testing.assert_allclose(found(adata, "kind"), np.maximum(Y - by_kind, 0), atol=1e-5)
    given = pd.Series(np.linspace(0, 9, 9), index=adata.var_names)
    expected = np.maximum(Y - given.to_numpy(), 0)
    np.testing.assert_allclose(found(adata, given[::-1]), expected, atol=1e-5)
    np.testing.assert_allclose(found(adata, given.to_numpy()), expected, atol=1e-5)
    other = cells(20, 1)
    np.testing.assert_allclose(found(adata, other), np.maximum(Y - logged(other).mean(0), 0), atol=1e-5)


def test_genes_that_the_reference_lacks_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    values = found(adata, pd.Series(0.0, index=adata.var_names[:4]))
    assert (values[:, 4:] == 0).all()
    assert (values[:, :4] > 0).any()
    assert "5 of 9 genes have no value in reference=" in caplog.text


@pytest.mark.parametrize(
    ("reference", "error", "text"),
    [
        ("nope", KeyError, "pass reference= one of its columns"),
        ([1.0, 2.0], ValueError, "2 values for 9 genes"),
        (pd.Series(1.0, index=["X", "Y"]), ValueError, "none of 9 genes"),
        (pd.Series(1.0, index=["X", "X"]), ValueError, "several values of 'X'"),
        (np.full(9, -1.0), ValueError, "negative or infinite"),
        (np.full(9, np.inf), ValueError, "negative or infinite"),
        ({"a": 1}, TypeError, "is no reference; pass reference='mean'"),
        (3.0, TypeError, "is no reference"),
    ],
)
def test_what_is_no_reference_is_refused(reference: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        found(cells(), reference)


def test_a_cell_without_a_group_is_refused() -> None:
    adata = cells()
    adata.obs["kind"] = adata.obs["kind"].where(adata.obs["kind"] == "a")
    with pytest.raises(ValueError, match=r"is missing for .* cells"):
        found(adata, "kind")
