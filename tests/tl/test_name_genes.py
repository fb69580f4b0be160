from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROMPT = "{n_genes} genes of {organism}: {cell_sentence} are"


def echo(**kwargs: object) -> CallableModel:
    """Answers with the prompt's own words, in brackets, so that a test sees what was asked."""
    return CallableModel(**{"generate": lambda prompts: [f" <x>[{p}].\nmore" for p in prompts], **kwargs})


@pytest.fixture
def adata() -> ad.AnnData:
    """Four cells of "t" with CD3D and CD2, four of "b" with CD79A, one of "lone"."""
    groups = ["t"] * 4 + ["b"] * 4 + ["lone"]
    X = np.array([[g == "t", g == "b", g == "t", 1] for g in groups], dtype="float32")
    X *= np.linspace(1, 2, len(X), dtype="float32")[:, None]
    obs = pd.DataFrame({"group": pd.Categorical(groups)}, index=[f"cell{i}" for i in range(len(groups))])
    return ad.AnnData(X, obs=obs, var=pd.DataFrame(index=["CD3D", "CD79A", "CD2", "ACTB"]))


def test_list_is_shown_in_alphabetical_order_each_gene_once() -> None:
    name = scc2s.tl.name_genes(["MX1", "IFI6", "MX1"], model=echo(), prompt=PROMPT)
    assert name == "[2 genes of Homo sapiens: IFI6 MX1 are]"


def test_organism_is_given_or_told_by_the_names() -> None:
    assert "Mus musculus" in scc2s.tl.name_genes(["Mx1", "Ifi6"], model=echo(), prompt=PROMPT)
    assert "Danio" in scc2s.tl.name_genes(["mx1"], model=echo(), prompt=PROMPT, organism="Danio rerio")


def test_several_lists_give_a_table() -> None:
    table = scc2s.tl.name_genes({"a": ["B1", "A1"], "b": ["C1"]}, model=echo(), prompt=PROMPT)
    assert table["group"].tolist() == ["a", "b"]
    assert table["genes"].tolist() == ["A1, B1", "C1"]
    assert table["n_genes"].tolist() == [2, 1]
    assert table["model_text"].all()


def test_groups_are_named_by_their_highest_genes(adata: ad.AnnData) -> None:
    scc2s.tl.name_genes(adata, groupby="group", model=echo(), prompt=PROMPT, n_top=2)
    table = adata.uns["c2s"]["gene_set_names"].set_index("group")
    assert table.loc["t", "genes"] == "CD2, CD3D"
    assert "CD2 CD3D" in table.loc["t", "name"]
    assert table.loc["lone", ["name", "genes"]].tolist() == ["", ""]
    assert adata.uns["c2s"]["name_genes"]["params"]["organism"] == "Homo sapiens"


def test_own_test_result_is_used(adata: ad.AnnData) -> None:
    sc.tl.rank_genes_groups(adata, "group", groups=["b"], key_added="mine")
    scc2s.tl.name_genes(adata, groupby="group", model=echo(), prompt=PROMPT, rank_genes_key="mine")
    table = adata.uns["c2s"]["gene_set_names"].set_index("group")
    assert "CD79A" in table.loc["b", "genes"]
    assert table.loc["t", "n_genes"] == 0


def test_list_too_long_for_the_model_is_cut_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    genes = [f"G{i:03}" for i in range(90)]
    name = scc2s.tl.name_genes(genes, model=echo(max_tokens=60), prompt=PROMPT, max_new_tokens=20)
    assert "lost the last genes of the alphabet" in caplog.text
    assert "G000" in name
    assert "G089" not in name


@pytest.mark.parametrize(
    ("genes", "kwargs", "error", "message"),
    [
        ([], {}, ValueError, "at least one"),
        ({"a": ["X"], "b": []}, {}, ValueError, "in 'b'"),
        (["X"], {"prompt": "no genes"}, ValueError, "cell_sentence"),
        (["X"], {"prompt": "{cell_sentence} {tissue}"}, ValueError, "{tissue}"),
        (["X"], {"prompt": None, "model": echo(tasks=["cell_type"])}, ValueError, "name_genes"),
        (["X"], {"max_new_tokens": 0}, ValueError, "max_new_tokens"),
    ],
)
def test_bad_input_is_refused(genes, kwargs, error, message) -> None:
    with pytest.raises(error, match=message):
        scc2s.tl.name_genes(genes, **{"model": echo(), "prompt": PROMPT, **kwargs})


def test_cells_need_a_column_and_one_organism(adata: ad.AnnData) -> None:
    with pytest.raises(ValueError, match="groupby="):
        scc2s.tl.name_genes(adata, model=echo(), prompt=PROMPT)
    adata.obs["organism"] = ["human"] * 5 + ["mouse"] * 4
    with pytest.raises(ValueError, match="2 organisms"):
        scc2s.tl.name_genes(adata, groupby="group", model=echo(), prompt=PROMPT)
    assert "c2s" not in adata.uns
    scc2s.tl.name_genes(adata, groupby="group", model=echo(), prompt=PROMPT, organism="human")


@pytest.mark.parametrize("store", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_table_survives_a_file(adata: ad.AnnData, tmp_path: Path, store: str) -> None:
    scc2s.tl.name_genes(adata, groupby="group", model=echo(), prompt=PROMPT)
    getattr(adata, f"write_{store}")(tmp_path / "a")
    back = (ad.read_h5ad if store == "h5ad" else ad.read_zarr)(tmp_path / "a")
    pd.testing.assert_frame_equal(
        back.uns["c2s"]["gene_set_names"].astype(object), adata.uns["c2s"]["gene_set_names"].astype(object)
    )


def test_copy_and_mudata(adata: ad.AnnData) -> None:
    kwargs = {"groupby": "group", "model": echo(), "prompt": PROMPT, "key_added": "sets"}
    out = scc2s.tl.name_genes(adata, copy=True, **kwargs)
    assert {"sets", "name_genes_sets"} <= set(out.uns["c2s"])
    assert "c2s" not in adata.uns
    scc2s.tl.name_genes(mudata.MuData({"gex": adata}), mod="gex", **kwargs)
    assert "sets" in adata.uns["c2s"]


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2"])
def test_random_models_name_too(pieces: Callable[[str], object], kind: str) -> None:
    assert isinstance(scc2s.tl.name_genes(["CD1", "IL2"], model=pieces(kind), prompt=PROMPT, max_new_tokens=4), str)


def test_mini_knows_the_genes_of_interferon() -> None:
    genes = ["ISG15", "IFI6", "MX1", "IFIT1", "IFIT3", "OAS1", "ISG20", "LY6E", "IFIT2", "RSAD2"]
    assert "IFN" in scc2s.tl.name_genes(genes)
