from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s

TABLE = pd.DataFrame(
    {
        "name": ["a", "b", "c", "d"],
        "split": [0.9, 1.5, 0.4, 0.2],
        "low": [0.6, 0.1, 0.3, -0.1],
        "effect_neutral": [0.0, 0.5, -0.05, 0.0],
        "validity": [1.0, 1.0, 0.7, 1.0],
        "agreement": [1.0, 0.6, 0.8, 0.5],
        "q": [0.01, 0.02, 0.04, 0.5],
        "hit": [True, False, False, False],
        "reasons": ["", "effect in the neutral context", "too few valid words", "interval reaches 0"],
    }
)


def test_the_lower_bound_decides_not_the_size():
    assert scc2s.tl.shortlist(TABLE)["name"].tolist() == ["a", "c", "b", "d"]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({"only_hits": True}, ["a"]),
        ({"max_neutral": 0.1}, ["a", "c", "d"]),
        ({"min_validity": 0.9}, ["a", "b", "d"]),
        ({"max_q": 0.05}, ["a", "c", "b"]),
        ({"min_agreement": 0.75}, ["a", "c"]),
        ({"n": 2}, ["a", "c"]),
        ({"max_neutral": 0.01, "min_validity": 0.9, "max_q": 0.05}, ["a"]),
    ],
)
def test_filters(filters, left):
    assert scc2s.tl.shortlist(TABLE, **filters)["name"].tolist() == left


def test_known_names_are_marked_in_any_capitals_and_the_file_is_the_table(tmp_path):
    adata = ad.AnnData(np.ones((1, 1)), uns={"c2s": {"screen": TABLE}})
    found = scc2s.tl.shortlist(adata, known=["A", "x"], path=tmp_path / "list.csv")
    assert found["novel"].tolist() == [False, True, True, True]
    assert "research use" in found.attrs["notice"]
    again = pd.read_csv(tmp_path / "list.csv", keep_default_na=False)
    assert again["name"].tolist() == found["name"].tolist()
    assert again["reasons"].tolist() == found["reasons"].tolist()
    assert again["note"].str.contains("research use only").all()
    assert [p.name for p in tmp_path.iterdir()] == ["list.csv"]


def test_bad_input_names_the_mend():
    with pytest.raises(KeyError, match=r"sc\.tl\.c2s_screen"):
        scc2s.tl.shortlist(ad.AnnData(np.ones((1, 1))))
    with pytest.raises(ValueError, match="n= a number from 1"):
        scc2s.tl.shortlist(TABLE, n=0)
