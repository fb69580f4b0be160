from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
from talking_cells import talking_cells

import scc2s
from scc2s._cells.texts import texts_about


@pytest.fixture
def adata():
    return talking_cells(2)


def test_texts_about_the_data_set_and_about_samples_stand_side_by_side(adata, tmp_path):
    scc2s.pp.add_text(adata, "Blood of two donors.", source="abstract")
    scc2s.pp.add_text(adata, {"d1": "A man.", "d2": "A woman."}, level="donor", source="notes")
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    for one in (adata, again):
        rows = np.flatnonzero(one.obs["donor"] == "d2")
        assert texts_about(one, rows) == [("abstract", "Blood of two donors."), ("notes (donor d2)", "A woman.")]
        assert len(texts_about(one, np.arange(one.n_obs))) == 3


def test_the_same_text_is_replaced_and_others_stay(adata):
    scc2s.pp.add_text(adata, {"d1": "A man.", "d2": "A woman."}, level="donor")
    scc2s.pp.add_text(adata, {"d1": "A boy."}, level="donor")
    assert sorted(adata.uns["c2s"]["text"]["table"]["text"]) == ["A boy.", "A woman."]
    assert "sentences" in adata.uns["c2s"]


def test_a_copy_leaves_the_cells_alone(adata):
    out = scc2s.pp.add_text(adata, "x", copy=True)
    assert "text" in out.uns["c2s"]
    assert "text" not in adata.uns["c2s"]


@pytest.mark.parametrize(
    ("text", "kwargs", "said"),
    [
        ("", {}, "says nothing"),
        (3, {}, "text is int"),
        ({"d1": "x"}, {}, "level='dataset' takes one text"),
        ("x", {"level": "donor"}, "pass texts by value"),
        ({"d9": "x"}, {"level": "donor"}, "no value 'd9'"),
        ({"d1": 3}, {"level": "donor"}, "text is int"),
        ({"d1": "x"}, {"level": "nope"}, "no column 'nope'"),
        ("x", {"source": ""}, "source='' says nothing"),
        ("a\0b", {}, "cannot be written"),
    ],
)
def test_what_is_no_text_is_refused(adata, text, kwargs, said):
    with pytest.raises((TypeError, ValueError, KeyError), match=said):
        scc2s.pp.add_text(adata, text, **kwargs)
    assert "text" not in adata.uns["c2s"]


def test_a_text_about_a_column_that_is_gone_is_told(adata):
    scc2s.pp.add_text(adata, {"d1": "x"}, level="donor")
    del adata.obs["donor"]
    with pytest.raises(KeyError, match="no column 'donor'"):
        texts_about(adata, np.arange(2))
