from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s


@pytest.fixture
def adata():
    out = ad.AnnData(np.ones((8, 2), dtype="float32"))
    out.obs["mine"] = pd.Categorical(["T", "T", "T/NK", "B", "B", "B", None, "unassigned"])
    out.obs["mine_prob"] = [0.9, 0.8, 0.99, 0.7, 0.6, 0.95, np.nan, 0.3]
    out.obs["truth"] = ["T", "T", "T", "T", "B", "B", "B", None]
    out.obs["donor"] = list("uuvvwwxx")
    return out


def result(adata: ad.AnnData, name: str = "mine_vs_truth") -> dict:
    return adata.uns["c2s"]["compare_labels"][name]


def test_planted_disagreements_are_found_and_listed_the_surest_first(adata):
    scc2s.tl.compare_labels(adata, "mine", "truth")
    found = result(adata)
    row = found["measures"].loc["agreement"]
    assert (row["value"], row["floor"]) == (pytest.approx(4 / 7), pytest.approx(4 / 7))
    assert found["disagreements"][["a", "b"]].to_numpy().tolist() == [["T/NK", "T"], ["B", "T"], ["no label", "B"]]
    assert found["disagreements"].index.tolist() == ["2", "3", "6"]
    assert (found["n"], found["n_left_out"]) == (7, 1)
    assert adata.obs["c2s_mine_vs_truth"].tolist()[:7] == ["same"] * 2 + ["different"] * 2 + ["same"] * 2 + [
        "different"
    ]
    assert adata.obs["c2s_mine_vs_truth"].isna().sum() == 1


def test_types_have_precision_recall_and_what_they_are_called_instead(adata):
    scc2s.tl.compare_labels(adata, "mine", "truth")
    types = result(adata)["types"]
    assert types.loc["T", ["precision", "recall", "n"]].tolist() == [1, 0.5, 4]
    assert types.loc["B", ["precision", "recall"]].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert types.loc["B", "instead"] == "no label"
    assert types.loc["T", "recall_low"] == pytest.approx(0.15, abs=0.001)  # Wilson, 2 of 4
    confusion = result(adata)["confusion"]
    assert confusion.loc["T"].to_dict() == {"B": 1, "T": 2, "T|NK": 1, "no label": 0}


def test_synonyms_make_two_wordings_one(adata):
    scc2s.tl.compare_labels(adata, "mine", "truth", synonyms={"T/NK": "T"}, key_added="joined")
    assert result(adata, "joined")["measures"].loc["agreement", "value"] == pytest.approx(5 / 7)


def test_labels_that_have_no_word_in_common_are_said_and_the_rand_index_still_counts(adata, caplog):
    adata.obs["cluster"] = adata.obs["truth"].map({"T": "1", "B": "2"})
    scc2s.tl.compare_labels(adata, "cluster", "truth", n_boot=0)
    measures = result(adata, "cluster_vs_truth")["measures"]["value"]
    assert (measures["agreement"], measures["adjusted Rand"]) == (0, 1)
    assert "only the adjusted Rand index means something" in caplog.text


def test_intervals_draw_donors_where_they_are_named(adata):
    scc2s.tl.compare_labels(adata, "mine", "truth", donor_key="donor", n_boot=50)
    other = scc2s.tl.compare_labels(adata, "mine", "truth", n_boot=50, copy=True)
    assert result(adata)["measures"]["low"].notna().all()
    assert result(adata)["measures"].loc["agreement", "low"] != result(other)["measures"].loc["agreement", "low"]


def test_the_order_of_cells_changes_nothing(adata):
    other = adata[::-1].copy()
    for each in (adata, other):
        scc2s.tl.compare_labels(each, "mine", "truth")
    for table in ("measures", "types", "confusion", "disagreements"):
        pd.testing.assert_frame_equal(result(adata)[table], result(other)[table])


def test_without_probabilities_the_commonest_disagreement_comes_first(adata):
    del adata.obs["mine_prob"]
    scc2s.tl.compare_labels(adata, "mine", "truth", n_top=1)
    assert len(result(adata)["disagreements"]) == 1


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        (("x", "truth"), {}, KeyError, "pass a="),
        (("mine", "x"), {}, KeyError, "pass b="),
        (("mine", "empty"), {}, ValueError, "pass b="),
        (("mine", "truth"), {"donor_key": "x"}, KeyError, "donor_key"),
        (("mine", "truth"), {"n_boot": -1}, ValueError, "n_boot"),
        (("mine", "truth"), {"key_added": "a/b"}, ValueError, "without '/'"),
    ],
    ids=str,
)
def test_what_cannot_be_compared_is_refused(adata, args, kwargs, error, message):
    adata.obs["empty"] = pd.Categorical([None] * 8, categories=["T"])
    with pytest.raises(error, match=message):
        scc2s.tl.compare_labels(adata, *args, **kwargs)
    assert "c2s" not in adata.uns


def test_one_cell_that_agrees_and_none_that_does_are_compared_too(adata):
    scc2s.tl.compare_labels(adata, "truth", "truth")
    assert (result(adata, "truth_vs_truth")["measures"]["value"] == 1).all()
    assert not len(result(adata, "truth_vs_truth")["disagreements"])
    one = adata[:1].copy()
    scc2s.tl.compare_labels(one, "mine", "truth")
    assert result(one)["measures"].loc["agreement", "value"] == 1


@pytest.fixture
def worded():
    out = ad.AnnData(np.ones((6, 1), dtype="float32"))
    out.obs["mine"] = ["regulatory T cells", "B-cell", "T cell", "naive B cell", "tumor 5", None]
    out.obs["truth"] = ["Treg", "B cell", "Treg", "B cell", "B cell", "B cell"]
    return out


def test_with_the_ontology_other_names_of_one_term_agree_and_relations_are_told(worded):
    pytest.importorskip("cellxgene_ontology_guide")
    scc2s.tl.compare_labels(worded, "mine", "truth", n_boot=0)
    found = result(worded)
    assert found["measures"].loc["agreement", "value"] == pytest.approx(2 / 6)
    assert sorted(found["params"]["same_terms"]) == ["B-cell = B cell", "regulatory T cells = Treg"]
    assert found["params"]["ontology"].startswith("CL v")
    shares = found["relations"]["value"]
    assert shares[["same", "wider", "narrower", "unmatched"]].tolist() == pytest.approx([2 / 6, 1 / 6, 1 / 6, 2 / 6])
    assert set(found["confusion"].index) == {"Treg", "B cell"}


def test_letter_for_letter_no_other_wording_agrees(worded):
    scc2s.tl.compare_labels(worded, "mine", "truth", n_boot=0, ontology=False)
    assert result(worded)["measures"].loc["agreement", "value"] == 0
    assert "relations" not in result(worded)


def test_an_explicit_request_without_the_extra_names_it(worded, monkeypatch):
    import sys

    from scc2s.ontology import _terms

    _terms.terms.cache_clear()
    monkeypatch.setitem(sys.modules, "cellxgene_ontology_guide.supported_versions", None)
    with pytest.raises(ImportError, match=r'pip install "scc2s\[ontology\]"'):
        scc2s.tl.compare_labels(worded, "mine", "truth", ontology=True)
    assert "c2s" not in worded.uns


def test_comparison_with_the_ontology_survives_files(worded, tmp_path):
    pytest.importorskip("cellxgene_ontology_guide")
    scc2s.tl.compare_labels(worded, "mine", "truth", n_boot=0)
    worded.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(result(again)["relations"], result(worded)["relations"])
