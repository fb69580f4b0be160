from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from talking_cells import MARKERS, has_genes, saying, talking_cells

import scc2s

if TYPE_CHECKING:
    from pathlib import Path

SAYS = "Hypothesis: T cells send CD3D to cells with ISG15; CD79A is higher in B. LYZ and QXZ9 drive it."
KNOWN = pd.DataFrame(
    {
        "ligand": ["CD3D", "ACTB", "CD79A_MS4A1", "CD3E", "ISG15"],
        "receptor": ["ISG15", "B2M", "B2M", "LYZ", "ACTB"],
    }
)
"""Of a gene that changes; of none; of a complex; with a gene that is nowhere; of a gene that does not change."""


@pytest.fixture
def adata() -> ad.AnnData:
    adata = talking_cells()
    scc2s.pp.interactions(adata, KNOWN, extracellular=False)
    return adata


def hypothesize(adata: Any, model: Any = None, **kwargs: Any) -> Any:
    given = {"interactions": "interactions", "markers": MARKERS, "model": model or saying(SAYS)} | kwargs
    scc2s.tl.hypothesize(adata, "type", "T", "B", **given)
    return adata.uns["c2s"][kwargs.get("key_added", "hypothesize")]


def test_the_text_says_what_it_is_and_what_it_is_not(adata: ad.AnnData) -> None:
    found = hypothesize(adata)
    row = found["table"].loc["T"]
    assert row["text"].startswith("Hypothesis, not a finding: T cells send")
    assert row["text"].count("ypothesis") == 1
    assert row["status"] == "hypothesis, not tested"
    assert "not signalling" in found["notice"]


def test_interactions_are_those_expressed_of_which_a_partner_differs(adata: ad.AnnData) -> None:
    found = hypothesize(adata)
    table = found["interactions"].set_index("ligand")
    assert sorted(table.index) == ["CD3D", "CD79A+MS4A1"]
    assert table.loc["CD3D", ["receptor", "ligand_in", "ligand_higher_in", "receptor_higher_in"]].tolist() == [
        "ISG15", "T", "T", "",
    ]  # fmt: skip
    assert table.loc["CD79A+MS4A1", ["receptor", "ligand_in", "receptor_in", "ligand_higher_in"]].tolist() == [
        "B2M", "B", "B, T", "B",
    ]  # fmt: skip
    assert table["named"].to_dict() == {"CD3D": True, "CD79A+MS4A1": False}
    assert found["params"]["n_known"] == len(KNOWN)
    assert found["table"].loc["T", "interactions"] == ", ".join(found["interactions"]["text"])


def test_shares_of_partners_are_those_of_the_cells(adata: ad.AnnData) -> None:
    who = hypothesize(adata)["expressing"].set_index(["partner", "group"])
    counts, is_b = adata.to_df(), adata.obs["type"] == "B"
    assert who.loc[("ISG15", "B"), "share"] == pytest.approx((counts.loc[is_b, "ISG15"] > 0).mean())
    least = (counts.loc[is_b, ["CD79A", "MS4A1"]] > 0).mean().min()
    assert who.loc[("CD79A+MS4A1", "B"), "share"] == pytest.approx(least)
    assert (who["n_cells"] == 48).all()


def test_cell_types_within_the_two_groups_are_who_expresses(adata: ad.AnnData) -> None:
    scc2s.tl.hypothesize(
        adata, "condition", "stim", "ctrl", interactions="interactions", cell_type_key="type", model=saying(SAYS)
    )
    found = adata.uns["c2s"]["hypothesize"]
    table = found["interactions"].set_index("ligand")
    assert set(table.index) >= {"CD3D", "ISG15"}
    assert "CD3E" not in table.index  # its partner is nowhere
    assert table.loc["CD3D", "receptor_in"] == "B (stim), T (stim)"
    assert table.loc["CD3D", "receptor_higher_in"] == "stim"
    assert set(found["expressing"]["group"]) == {"B (stim)", "T (stim)", "B (ctrl)", "T (ctrl)"}
    assert (found["expressing"]["n_cells"] == 24).all()


def test_the_prompt_holds_all_evidence_and_the_one_without_cells_none_of_it(adata: ad.AnnData) -> None:
    asked: list[Any] = []
    found = hypothesize(adata, saying(SAYS, asked))
    shown, null = asked
    assert has_genes(shown)
    assert not has_genes(null)
    for gene in found["genes"]["gene"]:
        assert gene in shown[0]["content"]
    assert "CD3D signals to ISG15 (CD3D: expressed in T (" in shown[0]["content"]
    assert "higher in T; ISG15: expressed in" in shown[0]["content"]
    assert "signals to" not in null[0]["content"]
    assert "CD3D" not in null[0]["content"]
    assert "mechanism" in shown[1]["content"]
    assert json.loads(found["table"].loc["T", "prompt"]) == shown


def test_what_it_names_is_held_against_the_cells_and_the_evidence(adata: ad.AnnData) -> None:
    found = hypothesize(adata)
    holds = found["claims"].set_index("name")["holds"]
    assert holds[["CD79A", "LYZ", "QXZ9"]].tolist() == ["yes", "no", "no"]
    assert found["table"].loc["T", "genes_not_in_evidence"] == "LYZ, QXZ9"
    assert found["table"].loc["T", "flagged"]


def test_genes_are_those_that_compare_finds(adata: ad.AnnData) -> None:
    scc2s.tl.compare(adata, "type", "T", "B", model=saying(SAYS), markers=MARKERS, n_top=2)
    pd.testing.assert_frame_equal(hypothesize(adata, n_top=2)["genes"], adata.uns["c2s"]["compare"]["genes"])
    # interactions are of all genes that differ, however few are told
    assert len(hypothesize(adata, n_top=0)["interactions"]) == 2
    assert hypothesize(adata, n_top=0)["genes"].empty


def test_a_test_of_ones_own_decides_what_differs(adata: ad.AnnData) -> None:
    sc.pp.normalize_total(adata)
    sc.pp.log1p(adata)
    sc.tl.rank_genes_groups(adata, "type", groups=["T"], reference="B", method="wilcoxon", key_added="mine")
    found = hypothesize(adata, rank_genes_key="mine")
    assert sorted(found["interactions"]["ligand"]) == ["CD3D", "CD79A+MS4A1"]
    top = sc.get.rank_genes_groups_df(adata, "T", key="mine").set_index("names")["scores"]
    score = found["interactions"].set_index("ligand").loc["CD3D", "score"]
    assert score == pytest.approx(top["CD3D"], rel=1e-6)


def test_the_order_of_rows_and_few_interactions(adata: ad.AnnData) -> None:
    other = adata[::-1].copy()
    one, two = hypothesize(adata), hypothesize(other)
    for name in ("interactions", "expressing"):
        pd.testing.assert_frame_equal(one[name], two[name])
    fewer = hypothesize(adata, max_interactions=1)["interactions"]
    pd.testing.assert_frame_equal(fewer, one["interactions"].iloc[:1])
    assert one["interactions"]["score"].is_monotonic_decreasing


def test_without_interactions_genes_are_the_evidence(adata: ad.AnnData) -> None:
    asked: list[Any] = []
    found = hypothesize(adata, saying(SAYS, asked), interactions=None)
    assert found["interactions"].empty
    assert list(found["interactions"].columns) == [*hypothesize(adata)["interactions"].columns]
    assert "nteraction" not in asked[0][0]["content"]
    assert not found["genes"].empty


def test_where_nothing_differs_it_says_that_there_is_no_evidence(
    adata: ad.AnnData, caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(0)
    adata.obs["half"] = pd.Categorical(rng.permuted(np.repeat(["x", "y"], 48)))
    asked: list[Any] = []
    scc2s.tl.hypothesize(
        adata, "half", "x", "y", interactions="interactions", model=saying("It is unknown.", asked), markers=MARKERS
    )
    row = adata.uns["c2s"]["hypothesize"]["table"].loc["x"]
    assert row["flagged"]
    assert "no evidence" in row["why"]
    assert "rests on nothing in these cells" in caplog.text
    assert "No known interaction has two partners" in asked[0][0]["content"]


def test_wrong_input_is_refused_before_a_model_is_loaded(adata: ad.AnnData) -> None:
    for given, error, said in (
        ({"interactions": "gone"}, KeyError, "c2s_interactions"),
        ({"interactions": "sentences"}, KeyError, "c2s_interactions"),
        ({"cell_type_key": "gone"}, KeyError, "no column 'gone'"),
        ({"rank_genes_key": "gone"}, KeyError, "has no 'gone'"),
        ({"max_interactions": 0}, ValueError, "too small"),
        ({"key_added": "compare"}, ValueError, "belongs to another tool"),
    ):
        with pytest.raises(error, match=said):
            hypothesize(adata, **{"model": "/no/such/model"} | given)
    for a, b, said in (("T", "T", "both 'T'"), ("T", "X", "no value 'X'")):
        with pytest.raises(ValueError, match=said):
            scc2s.tl.hypothesize(adata, "type", a, b, model="/no/such/model")
    assert "hypothesize" not in adata.uns["c2s"]


@pytest.mark.slow
def test_it_survives_files_and_other_results_stay(adata: ad.AnnData, tmp_path: Path) -> None:
    hypothesize(adata)
    hypothesize(adata, key_added="second", cell_type_key="donor")
    adata.write_h5ad(tmp_path / "a.h5ad")
    adata.write_zarr(tmp_path / "a.zarr")
    for read in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        assert set(read.uns["c2s"]) >= {"hypothesize", "second", "interactions"}
        now, then = (one.uns["c2s"]["hypothesize"]["interactions"] for one in (read, adata))
        assert now["named"].tolist() == then["named"].tolist()
        assert now["receptor_higher_in"].astype(object).tolist() == then["receptor_higher_in"].tolist()
        hypothesize(read)


def test_real_cells_and_a_real_table_of_interactions(shared_data: Path) -> None:
    adata = ad.read_h5ad(shared_data / "kang_ifnb.h5ad")
    keep = adata.obs["cell_type"].isin(["CD14+ monocyte", "NK cell"]) if "cell_type" in adata.obs else slice(None)
    adata = adata[keep].copy()
    scc2s.pp.sentences(adata, n_genes=60)
    known = pd.read_csv(shared_data / "ligand_receptor.csv")[["ligand", "receptor"]]
    scc2s.pp.interactions(adata, known, extracellular=False)
    conditions = sorted(adata.obs["condition"].astype(str).unique())
    control = next(name for name in conditions if name.lower().startswith(("c", "ctrl")))
    treated = next(name for name in conditions if name != control)
    scc2s.tl.hypothesize(
        adata, "condition", treated, control, interactions="interactions", cell_type_key="cell_type",
        model=saying("CXCL10 is higher in the treated cells and signals to CXCR3."), n_cells=1,
    )  # fmt: skip
    pairs = adata.uns["c2s"]["hypothesize"]["interactions"]
    assert 1 <= len(pairs) <= 20
    cxcl10 = pairs[(pairs["ligand"] == "CXCL10") & (pairs["receptor"] == "CXCR3")]
    assert (cxcl10["ligand_higher_in"] == treated).all()
    assert adata.uns["c2s"]["hypothesize"]["claims"].set_index("name").loc["CXCL10", "holds"] == "yes"


@pytest.mark.slow
def test_a_real_instruct_model_is_asked_and_its_words_are_marked(adata: ad.AnnData, instruct: Path) -> None:
    """It knows no biology: what counts is that it is asked in its own form, and that its text is marked and checked."""
    found = hypothesize(adata, str(instruct), n_cells=1, n_genes=4, n_top=2, max_new_tokens=12, controls=False)
    assert found["table"].loc["T", "text"].startswith("Hypothesis, not a finding: ")
    assert found["model"]["backend"] == "torch"
