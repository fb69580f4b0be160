"""A choice of genes is that of their names, wherever they stand later."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from scc2s._cells.masks import mask_params, stored_mask

GENES = ["CD3D", "LYZ", "NKG7", "MS4A1"]
MASK = np.array([True, False, True, False])


def cells() -> AnnData:
    return AnnData(np.ones((2, 4), dtype=np.float32), var=pd.DataFrame(index=GENES))


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0], [1, 3]])
def test_genes_that_were_moved_or_left_out_are_found_by_name(order: list[int]) -> None:
    params = mask_params(cells(), MASK, layer=None, use_raw=None)
    index = pd.Index(GENES)[order]
    mask = stored_mask(index, params)
    assert list(index[mask]) == [name for name in index if name in ("CD3D", "NKG7")]


def test_a_series_is_read_by_its_index() -> None:
    given = pd.Series(MASK, index=GENES).iloc[::-1]
    assert mask_params(cells(), given, layer=None, use_raw=None)["var_mask_genes"] == ["CD3D", "NKG7"]


def test_of_raw_the_genes_of_raw_are_kept() -> None:
    adata = cells()
    adata.raw = adata
    adata = adata[:, :2].copy()
    params = mask_params(adata, MASK, layer=None, use_raw=True)
    assert params["var_mask_genes"] == ["CD3D", "NKG7"]
    assert stored_mask(adata.var_names, params).tolist() == [True, False]


@pytest.mark.parametrize(("given", "back"), [(None, None), ("None", None), ("highly_variable", "highly_variable")])
def test_names_of_columns_and_none_come_back_as_they_were(given: str | None, back: str | None) -> None:
    params = mask_params(cells(), given, layer=None, use_raw=None)
    assert stored_mask(pd.Index(GENES), params) == back


def test_positions_of_older_records_are_taken_as_they_are() -> None:
    assert stored_mask(pd.Index(GENES), {"var_mask": MASK}).tolist() == MASK.tolist()
    assert stored_mask(pd.Index(GENES), {}) is None
