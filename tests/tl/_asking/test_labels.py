"""Whatever labels are asked for or come back, the result can be read again, and none is taken for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s.models import CallableModel
from scc2s.tl._asking.answers import given_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = [
    "a/b",
    "a|b",
    "a/b/",
    "_index",
    ".",
    "..",
    "é",
    "CD4+ αβ T cell (naïve)",
    "'\"",
    "__categories",
    "0",
    "B cell",
]


@pytest.fixture
def again(tmp_path: Path) -> Callable[..., ad.AnnData]:
    def write_and_read(adata: ad.AnnData, form: str = "h5ad") -> ad.AnnData:
        path = tmp_path / f"a.{form}"
        getattr(adata, f"write_{form}")(path)
        return getattr(ad, f"read_{form}")(path)

    return write_and_read


def scores(prompts: list[str], choices: list[str]) -> np.ndarray:
    """One label a cell, in turn."""
    out = np.zeros((len(prompts), len(choices)))
    out[np.arange(len(prompts)), np.arange(len(prompts)) % len(choices)] = 5.0
    return out


@pytest.mark.parametrize(
    "as_column", [list, np.array, pd.Series, pd.Index, pd.Categorical], ids=lambda kind: kind.__name__
)
def test_labels_of_any_kind_of_list_come_out_one_by_one(blood, again, as_column):
    blood.obs_names.name = "B cell"
    scc2s.tl.annotate(blood, labels=as_column(LABELS), model=CallableModel(score=scores))
    want = [LABELS[i % len(LABELS)] for i in range(blood.n_obs)]
    found = again(blood)
    assert found.obs["c2s_cell_type"].tolist() == want
    probs = found.obsm["c2s_cell_type_probs"]
    assert probs.shape == (blood.n_obs, len(LABELS)) == (len(probs), probs.columns.nunique())
    assert probs.to_numpy().argmax(axis=1).tolist() == [i % len(LABELS) for i in range(blood.n_obs)]
    assert list(found.uns["c2s"]["annotate"]["params"]["labels"]) == LABELS


ZARR = pytest.param("zarr", marks=pytest.mark.slow)
"""Written by the same code of anndata as h5ad, ten times as slowly: where names become those of folders."""


@pytest.mark.parametrize("form", ["h5ad", ZARR])
@pytest.mark.parametrize("labels", [LABELS, None], ids=["chosen from", "free"])
def test_written_answers_of_any_kind_can_be_read_again(blood, again, labels, form):
    said = [*LABELS, "unmapped", "unassigned", "a\0b", "\ud800", "", "nan", "\x1b[31m", "a\nb"]
    model = CallableModel(generate=lambda prompts: [said[i % len(said)] for i in range(len(prompts))])
    scc2s.tl.annotate(blood, labels=labels, model=model, mode="generate", groupby="louvain", synonyms=None)
    found = again(blood, form)
    assert found.obs["c2s_cell_type"].astype(object).tolist() == blood.obs["c2s_cell_type"].astype(object).tolist()
    if labels:  # a full stop at the end is none of an answer
        read = [label if label.strip(".") else "unmapped" for label in LABELS]
        assert found.obs["c2s_cell_type"].tolist()[: len(LABELS)] == read
    assert found.obs["c2s_cell_type_raw"].astype(object).tolist() == blood.obs["c2s_cell_type_raw"].tolist()


def test_labels_that_the_model_declares_may_be_words_of_ours(blood, again):
    model = CallableModel(score=scores, labels=["unassigned", "B cell", "unmapped"])
    scc2s.tl.annotate(blood, model=model, min_prob=0.5)
    assert set(again(blood).obs["c2s_cell_type"]) == {"unassigned", "B cell", "unmapped"}


KINDS = [["a/b", "a|b"], ["_index", "."], [1, 2], [True, False], ["a", None]]
IN_ZARR = [pytest.param(values, "zarr", marks=pytest.mark.slow) for values in KINDS[:2]]


@pytest.mark.parametrize(("values", "form"), [*((values, "h5ad") for values in KINDS), *IN_ZARR], ids=repr)
def test_groups_of_any_kind_can_be_captioned_and_named(blood, again, values, form):
    blood.obs["group"] = pd.Series([values[i % 2] for i in range(blood.n_obs)], index=blood.obs_names)
    if values[1] is not None:
        blood.obs["group"] = blood.obs["group"].astype("category")
    says = CallableModel(generate=lambda prompts: [" A cell." for _ in prompts])
    scc2s.tl.caption(blood, groupby="group", model=says)
    scc2s.tl.name_genes(blood, groupby="group", model=says)
    scc2s.tl.annotate(blood, labels=LABELS, model=CallableModel(score=scores), groupby="group")
    found = again(blood, form)
    known = [str(value) for value in values if value is not None]
    for name in ("captions", "gene_set_names"):
        assert sorted(found.uns["c2s"][name]["group"]) == sorted(known)
    assert found.obs["c2s_cell_type_group"].nunique() >= 1


def test_blanks_at_the_ends_and_whole_numbers_are_made_texts():
    assert given_labels([" B cell ", 3, np.int64(4), "T cell\t"], "cell_type", scored=True) == [
        "B cell",
        "3",
        "4",
        "T cell",
    ]
    assert given_labels({"b", "a"}, "cell_type", scored=True) == ["a", "b"]


def test_wordings_that_differ_by_case_may_be_written_but_share_no_probability():
    assert given_labels(["B Cell", "B cell"], "cell_type", scored=False) == ["B Cell", "B cell"]
    with pytest.raises(ValueError, match="read the same"):
        given_labels(["B Cell", "B cell"], "cell_type", scored=True)
    with pytest.raises(ValueError, match="read the same"):
        given_labels(["café", "cafe\u0301"], "cell_type", scored=False)
