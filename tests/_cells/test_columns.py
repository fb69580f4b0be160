from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s._cells.columns import column, donors_of, opened, rows_of


@pytest.fixture
def adata() -> ad.AnnData:
    obs = pd.DataFrame({"donor": ["a", None], "n": [1, 2]}, index=["c0", "c1"])
    return ad.AnnData(np.ones((2, 2), dtype="float32"), obs=obs, var=pd.DataFrame(index=["A", "B"]))


def test_a_column_that_is_not_there_is_answered_with_those_that_are(adata: ad.AnnData) -> None:
    with pytest.raises(KeyError, match=r"no column 'x'; pass groupby= one of its columns: 'donor', 'n'"):
        column(adata, "x", "groupby")


def test_missing_values_are_refused_where_none_may_be(adata: ad.AnnData) -> None:
    assert column(adata, "donor", "donor_key").isna().sum() == 1
    with pytest.raises(ValueError, match="missing for 1 cells"):
        donors_of(adata, "donor")
    assert donors_of(adata, None) is None
    assert donors_of(adata, "n").tolist() == ["1", "2"]


def test_cells_are_found_by_name(adata: ad.AnnData) -> None:
    assert rows_of(adata, ["c1", "c0"]).tolist() == [1, 0]
    assert rows_of(adata, None).tolist() == [0, 1]
    with pytest.raises(KeyError, match="no cell 'z'"):
        rows_of(adata, ["c0", "z"])


def test_numbers_as_names_are_refused_before_anything_is_copied(adata: ad.AnnData) -> None:
    adata.obs.index = pd.RangeIndex(2)
    with pytest.raises(ValueError, match=r"adata.obs_names = adata.obs_names.astype\(str\)"):
        opened(adata, mod="rna", copy=True)


def test_a_copy_is_another_object_and_its_modality_is_the_copy_s(adata: ad.AnnData) -> None:
    out, data = opened(adata, mod="rna", copy=True)
    assert out is data is not adata
    assert opened(adata, mod="rna", copy=False) == (adata, adata)


def test_numbers_as_names_are_taken_where_no_table_is_written(adata: ad.AnnData) -> None:
    adata.obs.index = pd.RangeIndex(2)
    assert opened(adata, mod="rna", copy=False, tables=False) == (adata, adata)
