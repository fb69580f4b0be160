from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s._cells.combinations import column_names, combinations


def cells(**obs: object) -> ad.AnnData:
    table = pd.DataFrame(obs)
    table.index = [f"c{i}" for i in range(len(table))]
    return ad.AnnData(np.ones((len(table), 1)), obs=table)


def test_rows_are_the_combinations_that_cells_have_in_the_order_of_the_categories() -> None:
    donor = pd.Categorical(["2", "1", "2", None], categories=["2", "1", "3"])
    found = combinations(cells(donor=donor, kind=["T", "B", "B", "B"]), ["donor", "kind"], "by")
    assert found.table.index.tolist() == ["2_B", "2_T", "1_B"]
    assert found.codes.tolist() == [1, 2, 0, -1]
    assert list(found.table["donor"].cat.categories) == ["2", "1"]


def test_names_that_read_the_same_are_told_apart() -> None:
    found = combinations(cells(a=["x_y", "x"], b=["z", "y_z"]), ["a", "b"], "by")
    assert found.table.index.tolist() == ["x_y_z", "x_y_z (2)"]


def test_what_names_no_group_is_refused() -> None:
    with pytest.raises(KeyError, match="pass by= one of its columns"):
        combinations(cells(a=["x"]), ["b"], "by")
    with pytest.raises(ValueError, match="no cell has a value in all"):
        combinations(cells(a=["x", None], b=[None, "y"]), ["a", "b"], "by")
    for wrong, error in (([], ValueError), (["a", "a"], ValueError), ([1], TypeError)):
        with pytest.raises(error, match="pass by="):
            column_names(wrong, "by")
    assert column_names("a", "by") == ["a"]
