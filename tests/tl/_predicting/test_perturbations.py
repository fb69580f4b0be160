from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s.prompts import custom
from scc2s.tl._predicting.perturbations import name_of, one_a_cell, perturbation_names, with_details


@pytest.fixture
def adata() -> ad.AnnData:
    obs = pd.DataFrame({"drug": pd.Categorical(["IFN", None, "TNF"])}, index=list("abc"))
    return ad.AnnData(np.ones((3, 2), dtype="float32"), obs=obs)


@pytest.mark.parametrize(
    "value", [("TNF", "IFN-beta"), ["IFN-beta", "TNF", "TNF"], {"TNF", "IFN-beta"}, "TNF + IFN-beta"]
)
def test_a_combination_is_a_set_in_alphabetical_order(value: object) -> None:
    assert name_of(value) == "IFN-beta + TNF"


@pytest.mark.parametrize("value", [None, float("nan"), pd.NA, "", " ", []])
def test_no_name_is_no_question(value: object) -> None:
    assert name_of(value) is None


def test_a_plus_inside_a_name_is_part_of_it() -> None:
    assert name_of("Ca2+ ionophore") == "Ca2+ ionophore"


def test_one_name_a_list_a_column_and_a_combination_for_all(adata: ad.AnnData) -> None:
    assert perturbation_names(adata, "IFN", None) == ["IFN"] * 3
    assert perturbation_names(adata, ["IFN", None, ("TNF", "IFN")], None) == ["IFN", None, "IFN + TNF"]
    assert perturbation_names(adata, None, "drug") == ["IFN", None, "TNF"]
    assert perturbation_names(adata, ("TNF", "IFN"), None) == ["IFN + TNF"] * 3


def test_a_column_that_is_not_there_is_named(adata: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="no column 'compound'.*'drug'"):
        perturbation_names(adata, None, "compound")


@pytest.mark.parametrize(
    ("perturbation", "key", "text"),
    [
        (["IFN"], None, "1 values for 3 cells"),
        ([None, None, np.nan], None, "no cell has a perturbation"),
        (None, None, "perturbation_key="),
        ("IFN", "drug", "perturbation_key="),
        (pd.Series(["IFN"] * 3), None, "series.loc"),
    ],
)
def test_bad_input_is_told_what_to_pass(adata: ad.AnnData, perturbation: object, key: str | None, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        perturbation_names(adata, perturbation, key)


def test_dose_and_time_go_to_their_fields_or_behind_the_name(adata: ad.AnnData) -> None:
    details = {name: one_a_cell(v, adata, name) for name, v in (("dose", [1, 2, None]), ("time", "6 h"))}
    names = ["IFN", None, "TNF"]
    plain = custom("{cell_sentence} {perturbation}")
    assert with_details(names, plain, details) == (["IFN, 1, 6 h", None, "TNF, 6 h"], {})
    own = custom("{cell_sentence} {perturbation} {dose}")
    with pytest.raises(ValueError, match="dose is missing for 1 cells"):
        with_details(names, own, details)
    details["dose"] = [1, None, 3]  # a cell that is not asked about needs no dose
    assert with_details(names, own, details) == (["IFN, 6 h", None, "TNF, 6 h"], {"dose": ["1", "None", "3"]})
