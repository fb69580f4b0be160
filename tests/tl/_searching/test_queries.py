from __future__ import annotations

from itertools import pairwise

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s.tl._searching.queries import query_rows, query_text, reordered


@pytest.fixture
def data() -> ad.AnnData:
    return ad.AnnData(obs=pd.DataFrame({"b": [True, False, True, False]}, index=list("wxyz")))


def test_names_and_booleans_mark_the_same_cells(data: ad.AnnData) -> None:
    queries = [["w", "y"], np.array(["y", "w", "y"]), pd.Index(["w", "y"]), [True, False, True, False], data.obs["b"]]
    queries += [
        data.obs["b"][::-1],
        data.obs["b"].to_numpy(),
        data.obs["b"][::-1].astype(object),
        pd.Series(["w", "y"]),
    ]
    for query in queries:
        assert sorted(query_rows(data, query)) == [0, 2]


@pytest.mark.parametrize(
    ("query", "error", "said"),
    [
        (["w", "q"], KeyError, "no cell 'q'"),
        ([], ValueError, "marks no cell"),
        ([False] * 4, ValueError, "marks no cell"),
        ([True] * 4, ValueError, "marks all cells"),
        ([True, False], ValueError, "2 booleans for 4 cells"),
        ([0, 1], TypeError, "neither a name nor a boolean"),
        (3, TypeError, "query is int"),
        (b"w", TypeError, "query is bytes"),
        (np.eye(4, dtype=bool), TypeError, "shape"),
        (pd.Series([True, False], index=["w", "q"]), ValueError, "about other cells"),
        (pd.Series([True, None, False, False], index=list("wxyz"), dtype="boolean"), ValueError, "missing values"),
    ],
)
def test_what_marks_no_cells_is_refused(data: ad.AnnData, query: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        query_rows(data, query)


def test_names_that_repeat_are_refused_and_marks_are_not(data: ad.AnnData) -> None:
    data.obs_names = list("wwyz")
    with pytest.raises(ValueError, match="obs_names_make_unique"):
        query_rows(data, ["w"])
    assert query_rows(data, [True, False, False, False]).tolist() == [0]


def test_a_text_is_put_on_one_line_and_is_no_name_of_a_cell(data: ad.AnnData) -> None:
    assert query_text(data, "  B\ncell ") == "B cell"
    with pytest.raises(ValueError, match="empty text"):
        query_text(data, " \n")
    with pytest.raises(ValueError, match=r"query=\['w'\]"):
        query_text(data, "w")


@pytest.mark.parametrize("text", ["a b c", "a b c d", "one two three four five six seven eight nine"])
def test_other_orders_have_the_same_words_are_all_different_and_follow_the_seed(text: str) -> None:
    found = reordered(text, 5, 1)
    assert len(found) == len(set(found)) == 5
    assert text not in found
    assert all(sorted(one.split()) == sorted(text.split()) for one in found)
    assert found == reordered(text, 5, 1)
    assert any(one != other for one, other in pairwise([reordered(text, 2, seed) for seed in range(4)]))


def test_words_without_another_order_have_none() -> None:
    assert reordered("platelet", 5, 0) == reordered("a a a", 5, 0) == []
    assert reordered("a a b", 9, 0) != reordered("a a b", 1, 0)
    assert len(reordered("a a b", 9, 0)) == 2
