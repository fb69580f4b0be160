from __future__ import annotations

import numpy as np
import pytest
from cell_writers import cells

from scc2s.tl._predicting.controls import ReportOptions


def options(**changes: object) -> ReportOptions:
    given = {"truth": None, "groupby": None, "n_cells": 10, "program": None, "n_boot": 0, "donor_key": None}
    return ReportOptions(**(given | changes))


def test_the_draw_of_a_group_does_not_depend_on_the_others_nor_on_the_order_of_the_cells() -> None:
    adata = cells(84)
    adata.obs["type"] = ["a"] * 30 + ["b"] * 5 + ["c"] * 40 + [None] * 9
    some = options(groupby="type")

    def drawn(rows: np.ndarray, seed: int = 0) -> list[str]:
        part = adata[rows].copy()
        condition = np.full(len(rows), "IFN", dtype=object)
        sentences = part.obs["c2s_sentence"].tolist()
        return part.obs_names[some.pick(part, np.arange(len(rows)), condition, sentences, seed)].tolist()

    every = drawn(np.arange(84))
    assert adata.obs["type"].loc[every].value_counts().to_dict() == {"a": 10, "c": 10, "b": 5}
    assert drawn(np.arange(30)) == every[:10]
    assert drawn(np.random.default_rng(0).permutation(84)) == every
    assert drawn(np.arange(84), seed=1) != every


def test_cells_of_two_conditions_are_drawn_apart() -> None:
    adata = cells(40)
    condition = np.array(["x"] * 20 + ["y"] * 20, dtype=object)
    picked = options(n_cells=5).pick(adata, np.arange(40), condition, adata.obs["c2s_sentence"].tolist(), 0)
    assert (picked < 20).sum() == (picked >= 20).sum() == 5


def test_groups_without_cells_are_refused() -> None:
    adata = cells(2)
    adata.obs["type"] = None
    with pytest.raises(ValueError, match="groupby="):
        options(groupby="type").pick(adata, np.arange(2), np.array(["x", "x"]), ["G1", "G2"], 0)


@pytest.mark.parametrize("change", [{"n_cells": 0}, {"n_cells": 2.5}, {"n_cells": True}, {"n_boot": -1}])
def test_numbers_that_make_no_report_are_refused(change: dict) -> None:
    with pytest.raises((TypeError, ValueError), match="a number from"):
        options(**change).check(cells(2), ["x", "x"])
