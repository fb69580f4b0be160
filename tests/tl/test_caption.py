from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

import scc2s
from scc2s.models import CallableModel, ReplayModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROMPT = "Genes: {cell_sentence}. Caption:"


def says(rule: Callable[[str], str], **kwargs: object) -> CallableModel:
    """A model whose answer follows from the sentence in its prompt."""

    def generate(prompts: list[str]) -> list[str]:
        return [rule(prompt.removeprefix("Genes: ").removesuffix(". Caption:")) for prompt in prompts]

    return CallableModel(**{"id": "says", "generate": generate, **kwargs})


@pytest.fixture
def adata() -> ad.AnnData:
    """Five cells of group "t" (CD3D in all, QKI in one), four of "b" (CD79A), one of "lone"."""
    groups = ["t"] * 5 + ["b"] * 4 + ["lone"]
    genes = ["CD3D", "CD79A", "QKI", "ACTB"]
    X = np.array([[g == "t", g == "b", i == 0, 1] for i, g in enumerate(groups)], dtype="float32")
    X *= np.linspace(1, 2, len(X), dtype="float32")[:, None]
    obs = pd.DataFrame({"group": pd.Categorical(groups)}, index=[f"cell{i}" for i in range(len(groups))])
    out = ad.AnnData(X, obs=obs, var=pd.DataFrame(index=genes))
    scc2s.pp.sentences(out)
    return out


def captions(adata: ad.AnnData, model: object, key: str = "captions", **kwargs: object) -> pd.DataFrame:
    scc2s.tl.caption(adata, groupby="group", model=model, key_added=key, **{"prompt": PROMPT, **kwargs})
    return adata.uns["c2s"][key].set_index("group")


def test_each_group_has_one_caption_and_the_genes_of_scanpys_own_test(adata: ad.AnnData) -> None:
    table = captions(adata, says(lambda _: " A cell."), n_top=2)
    assert table.index.tolist() == ["b", "lone", "t"]
    assert table["text"].tolist() == ["A cell."] * 3
    assert table["model_text"].all()
    copy = adata.copy()
    sc.tl.rank_genes_groups(copy, "group", groups=["b", "t"])
    for group in ("b", "t"):
        first = sc.get.rank_genes_groups_df(copy, group).query("scores > 0")["names"].head(2).tolist()
        assert table.loc[group, "genes"].split(", ") == first
    assert "rank_genes_groups" not in adata.uns


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_counts_are_normalised_for_the_evidence_and_left_alone(adata: ad.AnnData, form: Callable[..., object]) -> None:
    adata.X = form(np.rint(10 * adata.X))
    before = adata.X.copy()
    table = captions(adata, says(lambda _: "CD3D"))
    assert table.loc["t", "genes"].split(", ")[0] == "CD3D"
    assert table["genes_not_expressed"].tolist() == ["CD3D", "CD3D", ""]
    assert abs(adata.X - before).max() == 0


def test_genes_are_checked_against_the_group_the_caption_is_about(adata: ad.AnnData) -> None:
    table = captions(adata, says(lambda _: "CD3D, QKI and QXZ7"), min_share=0.2)
    assert table["genes_named"].tolist() == ["CD3D, QKI"] * 3
    assert table["genes_unknown"].tolist() == ["QXZ7"] * 3
    assert table.loc["t", "genes_not_expressed"] == ""
    assert table.loc["b", "genes_not_expressed"] == "CD3D, QKI"
    assert table["share_grounded"].tolist() == pytest.approx([0, 0, 2 / 3])
    table = captions(adata, says(lambda _: "CD3D, QKI"), min_share=0.21)
    assert table.loc["t", "genes_not_expressed"] == "QKI"


def test_type_is_held_against_its_markers_in_the_group_and_elsewhere(
    adata: ad.AnnData, caplog: pytest.LogCaptureFixture
) -> None:
    markers = {"T cell": ["CD3D", "QKI"], "B cell": ["CD79A", "ACTB"]}
    table = captions(adata, says(lambda p: f"A T cell ({p.count(' ')})." if p else "?"), markers=markers)
    assert table["type"].tolist() == ["T cell"] * 3
    assert table["type_supported"].tolist() == ["no", "", "yes"]
    assert table["flagged"].tolist() == [True, False, False]
    assert table.loc["lone", "why"] == "not judged: it takes two cells in the group and two elsewhere"
    assert "1 of 3 captions are flagged: b (markers of T cell: " in caplog.text
    record = adata.uns["c2s"]["caption"]["params"]
    assert list(record["markers"]) == ["T cell: CD3D, QKI", "B cell: CD79A, ACTB"]


def test_a_model_that_does_not_look_at_the_cell_is_flagged_everywhere(adata: ad.AnnData) -> None:
    table = captions(adata, says(lambda _: "A fine cell from blood."))
    assert table["null_text"].tolist() == ["A fine cell from blood."] * 3
    assert (table[["like_null", "like_others"]] == 1).all(axis=None)
    assert table["flagged"].all()
    assert table["why"].str.startswith("the model says the same without a cell").all()


def test_a_model_that_looks_is_less_like_its_answer_without_a_cell(adata: ad.AnnData) -> None:
    table = captions(adata, says(lambda p: f"first of all {p.split()[0]}" if p else "nothing at all"))
    assert table["null_text"].tolist() == ["nothing at all"] * 3
    assert (table["like_null"] < 1).all()
    assert table.loc["t", "like_others"] < 1
    assert not table["why"].str.contains("without a cell").any()


def test_without_controls_no_prompt_lacks_a_cell(adata: ad.AnnData) -> None:
    asked: list[str] = []
    model = says(lambda p: asked.append(p) or "x")
    table = captions(adata, model, controls=False)
    assert all(asked)
    assert table["like_null"].isna().all()
    captions(adata, model)
    assert asked.count("") == 1


def test_caption_without_genes_is_neither_grounded_nor_ungrounded(adata: ad.AnnData) -> None:
    table = captions(adata, says(lambda _: "A cell from blood."))
    assert table["share_grounded"].isna().all()
    assert (table[["genes_named", "genes_not_expressed", "genes_unknown"]] == "").all(axis=None)


def test_labels_of_the_model_and_names_of_groups_are_no_claims(adata: ad.AnnData) -> None:
    adata.obs["group"] = adata.obs["group"].cat.rename_categories({"t": "CD3D cell"})
    table = captions(adata, says(lambda _: "A CD3D cell or a CD79A thing", labels=["CD79A thing"]))
    assert (table["genes_named"] == "").all()


def test_group_of_one_cell_keeps_its_row_without_tested_genes(
    adata: ad.AnnData, caplog: pytest.LogCaptureFixture
) -> None:
    table = captions(adata, says(lambda _: "ACTB"))
    assert table.loc["lone", "genes"] == ""
    assert table.loc["lone", ["text", "cells", "share_grounded"]].tolist() == ["ACTB", "cell9", 1.0]
    assert "no genes stand out in lone" in caplog.text


def test_single_group_has_nothing_to_compare_with(adata: ad.AnnData) -> None:
    one = adata[:5].copy()
    assert captions(one, says(lambda _: "x"))["genes"].tolist() == [""]


def test_chosen_cells_depend_on_names_and_seed_alone(adata: ad.AnnData) -> None:
    model = says(str)
    shown = captions(adata, model, n_cells=2)["cells"].to_dict()
    order = np.random.default_rng(0).permutation(adata.n_obs)
    assert captions(adata[order].copy(), model, n_cells=2)["cells"].to_dict() == shown
    others = {captions(adata, model, n_cells=2, random_state=seed)["cells"]["t"] for seed in range(8)}
    assert len(others) > 1


def test_answer_the_other_cells_agree_with_is_the_caption(adata: ad.AnnData) -> None:
    table = captions(adata, says(lambda p: "odd one" if "QKI" in p else "the usual"), n_cells=5)
    assert table.loc["t", "text"] == "the usual"
    assert sorted(table.loc["t", "cells"].split(", ")) == [f"cell{i}" for i in range(5)]
    assert not table.loc["t", "cells"].startswith("cell0")


def test_captions_of_a_group_come_from_different_cells_while_it_has_enough(adata: ad.AnnData) -> None:
    table = captions(adata, says(str), n_cells=2, n_captions=2)
    assert table["caption"].tolist() == [0, 1] * 3
    first, second = (set(cells.split(", ")) for cells in table.loc["t", "cells"])
    assert not first & second
    assert table.loc["lone", "cells"].tolist() == ["cell9", "cell9"]


def test_cells_without_a_sentence_are_not_shown_and_a_group_of_them_keeps_its_row(adata: ad.AnnData) -> None:
    adata.obs.loc[["cell5", "cell6", "cell7", "cell9"], "c2s_sentence"] = ""
    table = captions(adata, says(lambda _: "x"), n_cells=4)
    assert table["cells"].tolist()[:2] == ["cell8", ""]
    assert table.loc["lone", "text"] == ""


def test_cells_without_a_group_and_groups_without_cells_have_no_row(adata: ad.AnnData) -> None:
    adata.obs["group"] = adata.obs["group"].cat.add_categories(["none"])
    adata.obs.loc["cell9", "group"] = np.nan
    assert captions(adata, says(lambda _: "x")).index.tolist() == ["b", "t"]


def test_own_test_result_is_used_and_one_of_other_groups_refused(adata: ad.AnnData) -> None:
    sc.tl.rank_genes_groups(adata, "group", groups=["t"], method="wilcoxon", key_added="mine")
    assert captions(adata, says(lambda _: "x"), rank_genes_key="mine")["genes"].tolist()[:2] == ["", ""]
    assert adata.uns["c2s"]["captions"]["genes"].iloc[2].startswith("CD3D")
    adata.obs["other"] = adata.obs["group"]
    with pytest.raises(ValueError, match="compares groups of 'group'"):
        scc2s.tl.caption(adata, groupby="other", model=says(lambda _: "x"), prompt=PROMPT, rank_genes_key="mine")


def test_scaled_x_is_refused_with_the_way_out_and_a_layer_is_taken(adata: ad.AnnData) -> None:
    adata.layers["log"] = adata.X.copy()
    adata.X = adata.X - adata.X.mean(axis=0)
    with pytest.raises(ValueError, match="pass layer="):
        captions(adata, says(lambda _: "x"))
    assert "captions" not in adata.uns["c2s"]
    assert captions(adata, says(lambda _: "x"), layer="log").loc["b", "genes"].startswith("CD79A")


def test_echo_of_the_prompt_names_no_genes(adata: ad.AnnData) -> None:
    echoes = CallableModel(generate=lambda prompts: [prompt + " A cell." for prompt in prompts])
    table = captions(adata, echoes)
    assert table["text"].tolist() == ["A cell."] * 3


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"groupby": "nope"}, KeyError, "sc.tl.leiden"),
        ({"n_cells": 0}, ValueError, "n_cells= a number from 1"),
        ({"temperature": -1}, ValueError, "temperature"),
        ({"rank_genes_key": "nope"}, KeyError, "sc.tl.rank_genes_groups"),
        ({"min_auroc": 1.5}, ValueError, "min_auroc"),
        ({"markers": {}}, ValueError, "markers is empty"),
        ({"prompt": "no cell"}, ValueError, "cell_sentence"),
        ({"prompt": None, "model": says(lambda _: "x", tasks=["cell_type"])}, ValueError, "not trained on"),
        ({"model": CallableModel(score=lambda p, c: [])}, TypeError, "cannot generate"),
    ],
)
def test_bad_input_is_refused_and_nothing_written(adata: ad.AnnData, kwargs, error, message) -> None:
    before = list(adata.uns["c2s"])
    with pytest.raises(error, match=message):
        scc2s.tl.caption(adata, **{"groupby": "group", "model": says(lambda _: "x"), "prompt": PROMPT, **kwargs})
    assert list(adata.uns["c2s"]) == before


@pytest.mark.parametrize("store", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_table_survives_a_file(adata: ad.AnnData, tmp_path: Path, store: str) -> None:
    captions(adata, says(lambda _: "CD3D, QXZ1"))
    table = adata.uns["c2s"]["captions"]
    path = tmp_path / f"a.{store}"
    getattr(adata, f"write_{store}")(path)
    back = (ad.read_h5ad if store == "h5ad" else ad.read_zarr)(path)
    found = back.uns["c2s"]["captions"]
    pd.testing.assert_frame_equal(found.astype(object), table.astype(object))
    assert back.uns["c2s"]["caption"]["params"]["groupby"] == "group"
    assert found["share_grounded"].dtype == float


def test_copy_view_and_mudata(adata: ad.AnnData) -> None:
    model = says(lambda _: "x")
    kwargs = {"groupby": "group", "model": model, "prompt": PROMPT}
    out = scc2s.tl.caption(adata, copy=True, **kwargs)
    assert "captions" in out.uns["c2s"]
    assert "captions" not in adata.uns["c2s"]
    view = adata[:9]
    scc2s.tl.caption(view, **kwargs)
    assert "captions" not in adata.uns["c2s"]
    data = mudata.MuData({"gex": adata})
    scc2s.tl.caption(data, mod="gex", **kwargs)
    assert "captions" in data["gex"].uns["c2s"]


def test_rerun_from_the_cache_asks_nothing(adata: ad.AnnData, tmp_path: Path) -> None:
    first = captions(adata, says(str), cache=tmp_path / "a.sqlite")

    def never(_: str) -> str:
        raise AssertionError

    pd.testing.assert_frame_equal(captions(adata, says(never), cache=tmp_path / "a.sqlite"), first)


def test_draws_are_seeded_and_each_caption_has_its_own(blood: ad.AnnData, tiny: Callable[..., object]) -> None:
    blood.obs["group"] = ["one"] + ["rest"] * (blood.n_obs - 1)
    kwargs = {"temperature": 1.5, "max_new_tokens": 8, "n_captions": 3}
    first = captions(blood, tiny(), **kwargs)
    assert captions(blood, tiny(), **kwargs)["text"].tolist() == first["text"].tolist()
    assert first.loc["one", "text"].nunique() > 1


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
def test_random_models_write_something_for_every_group(
    blood: ad.AnnData, pieces: Callable[[str], object], kind: str
) -> None:
    blood.obs["c2s_sentence"] = [" ".join(s.split()[:10]) for s in blood.obs["c2s_sentence"]]
    table = captions(blood_groups(blood), pieces(kind), n_cells=1, max_new_tokens=6)
    assert len(table) == 3


def blood_groups(blood: ad.AnnData) -> ad.AnnData:
    blood.obs["group"] = pd.Categorical(np.array(["x", "y", "z"])[np.arange(blood.n_obs) % 3])
    return blood


def test_answers_of_a_model_on_file_give_the_same_table(blood: ad.AnnData, tmp_path: Path) -> None:
    blood_groups(blood)
    live = captions(blood, ReplayModel(tmp_path / "a.jsonl", model=says(lambda p: p[:6])))
    again = captions(blood, ReplayModel(tmp_path / "a.jsonl"))
    pd.testing.assert_frame_equal(again, live)


def test_mini_names_real_genes_that_most_groups_express() -> None:
    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.sentences(adata)
    scc2s.tl.caption(adata, groupby="bulk_labels")
    table = adata.uns["c2s"]["captions"].set_index("group")
    assert (table["text"].str.len() > 0).all()
    assert table["share_grounded"].median() == 1
    assert "B cell" in table.loc["CD19+ B", "text"]
