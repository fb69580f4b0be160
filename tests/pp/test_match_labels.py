"""Names of cell types and tissues in `.obs`, as terms."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

import scc2s

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("cellxgene_ontology_guide")


@pytest.fixture
def adata():
    names = ["Treg", "regulatory T cell", "B-cells", "tumor 5", "tumor 5", None, " ", "T/NK"]
    obs = pd.DataFrame({"label": pd.Categorical(names), "tissue": "Whole Blood"}, index=[f"c{i}" for i in range(8)])
    return ad.AnnData(np.ones((8, 1), dtype="float32"), obs=obs)


def record(adata: ad.AnnData, name: str = "label") -> dict:
    return adata.uns["c2s"]["match_labels"][name]


def test_terms_stand_in_obs_and_what_is_none_in_a_list(adata, caplog):
    scc2s.pp.match_labels(adata, "label")
    ids = adata.obs["c2s_label_term_id"]
    assert ids.astype(object).where(ids.notna(), None).tolist() == [
        "CL:0000815", "CL:0000815", "CL:0000236", None, None, None, None, None,
    ]  # fmt: skip
    assert adata.obs["c2s_label_term"].tolist()[:3] == ["regulatory T cell", "regulatory T cell", "B cell"]
    found = record(adata)
    assert (found["n_cells"], found["n_matched"]) == (6, 3)
    assert found["unmatched"].to_dict("index") == {
        "tumor 5": {"n_cells": 2, "suggestion": "neoplastic cell"},
        "T/NK": {"n_cells": 1, "suggestion": "natural killer cell"},
    }
    assert found["table"]["n_cells"].sum() == 6
    assert found["params"]["ontology"].startswith("CL v20")
    assert "2 of 5 names (3 of 6 cells) are no term" in caplog.text
    assert "'tumor 5' (perhaps neoplastic cell)" in caplog.text


def test_own_synonyms_and_tissues(adata):
    scc2s.pp.match_labels(adata, "label", synonyms={"tumor 5": "malignant cell"}, key_added="mine")
    assert record(adata, "mine")["table"].loc["tumor 5", ["id", "by"]].tolist() == ["CL:0001064", "given"]
    scc2s.pp.match_labels(adata, "tissue", terms="UBERON")
    assert (adata.obs["c2s_tissue_term"] == "blood").all()
    assert not len(record(adata, "tissue")["unmatched"])


def test_the_order_of_cells_and_other_cells_change_nothing(adata):
    other = adata[::-1].copy()
    for each in (adata, other):
        scc2s.pp.match_labels(each, "label")
    pd.testing.assert_frame_equal(record(adata)["table"], record(other)["table"])
    pd.testing.assert_series_equal(adata.obs["c2s_label_term"], other.obs["c2s_label_term"][::-1])


@pytest.mark.parametrize("kind", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_results_survive_files(adata, tmp_path, kind):
    adata.obs["none"] = "tumor 5"
    for key in ("label", "none", "tissue"):
        scc2s.pp.match_labels(adata, key, terms="UBERON" if key == "tissue" else "CL")
    path = tmp_path / f"a.{kind}"
    getattr(adata, f"write_{kind}")(path)
    again = getattr(ad, f"read_{kind}")(path)
    for key in ("label", "none", "tissue"):
        for table in ("table", "unmatched"):
            read, written = (record(each, key)[table].rename(index=str) for each in (again, adata))
            # texts of a file have the dtype of their reader
            pd.testing.assert_frame_equal(read, written, check_dtype=False, check_index_type=False)
    assert again.obs["c2s_none_term"].isna().all()
    scc2s.pp.match_labels(again, "label")  # and can be made anew


def test_mudata_and_copies(adata):
    mdata = md.MuData({"rna": adata})
    out = scc2s.pp.match_labels(mdata, "label", copy=True)
    assert "c2s_label_term" in out["rna"].obs
    assert "c2s_label_term" not in mdata["rna"].obs


def test_what_cannot_be_matched_is_refused(adata):
    adata.obs["empty"] = None
    adata.obs["c2s_label"] = "B cell"
    for key, kwargs, error, message in (
        ("x", {}, KeyError, "pass key="),
        ("empty", {}, ValueError, "no cell has a name"),
        ("label", {"terms": "GO"}, ValueError, "terms='CL'"),
        ("label", {"synonyms": {"tumor 5": "x"}}, ValueError, "pass an id"),
        ("label", {"key_added": "a/b"}, ValueError, "without '/'"),
    ):
        with pytest.raises(error, match=message):
            scc2s.pp.match_labels(adata, key, **kwargs)
    assert "c2s" not in adata.uns
    scc2s.pp.match_labels(adata, "label")
    with pytest.raises(ValueError, match="result of column 'label'; pass key_added="):
        scc2s.pp.match_labels(adata, "c2s_label")
    with pytest.raises(ValueError, match="no cells"):
        scc2s.pp.match_labels(adata[:0].copy(), "label")


def test_without_the_extra_the_error_names_it(adata, monkeypatch):
    from scc2s.ontology import _names, _terms

    _terms.terms.cache_clear()
    _names.names.cache_clear()
    monkeypatch.setitem(sys.modules, "cellxgene_ontology_guide.supported_versions", None)
    with pytest.raises(ImportError, match=r'pip install "scc2s\[ontology\]"'):
        scc2s.pp.match_labels(adata, "label")
    assert "c2s" not in adata.uns


def test_labels_of_blood_are_terms_and_clusters_named_by_genes_are_listed(shared_data: Path) -> None:
    blood = ad.read_h5ad(shared_data / "pbmc3k.h5ad")
    for key in ("cell_type", "cell_type_author"):
        scc2s.pp.match_labels(blood, key)
        assert record(blood, key)["n_matched"] == blood.n_obs
    assert (blood.obs["c2s_cell_type_term"].astype(str) == blood.obs["c2s_cell_type_author_term"].astype(str)).all()
    tumour = ad.read_h5ad(shared_data / "breast_tnbc.h5ad")
    scc2s.pp.match_labels(tumour, "cell_type_subset")
    assert "T_cells_c11_MKI67" in record(tumour, "cell_type_subset")["unmatched"].index
