from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from report_page import Page, untraced
from report_small import scorer

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_it_is_a_tool_and_in_scanpy() -> None:
    from scc2s.report import report

    assert scc2s.tl.report is sc.tl.c2s_report is report
    assert "report" in scc2s.tl.__all__
    assert "report" in dir(scc2s.tl)
    with pytest.raises(AttributeError, match="module 'scc2s.tl' has no attribute 'nothing'"):
        _ = scc2s.tl.nothing


def test_one_file_is_written_and_the_data_stay(labelled: ad.AnnData, tmp_path: Path) -> None:
    before = (list(labelled.obs), list(labelled.uns), list(labelled.obsm), sorted(labelled.uns["c2s"]))
    assert scc2s.tl.report(labelled, tmp_path / "r.html") is None
    assert [file.name for file in tmp_path.iterdir()] == ["r.html"]
    assert (list(labelled.obs), list(labelled.uns), list(labelled.obsm), sorted(labelled.uns["c2s"])) == before
    page = read(tmp_path / "r.html")
    assert page.headings[0] == (1, "Report on 12 cells")
    assert scc2s.__version__ in page.text


def test_a_title_can_be_given(make: Callable[..., ad.AnnData], tmp_path: Path) -> None:
    scc2s.tl.report(make(1), tmp_path / "r.HTML", title="Patient A & B")
    assert read(tmp_path / "r.HTML").headings[0] == (1, "Patient A & B")
    scc2s.tl.report(make(1), str(tmp_path / "r.htm"))
    assert read(tmp_path / "r.htm").headings[0] == (1, "Report on 1 cell")


def test_a_wrong_path_is_refused_before_the_work(make: Callable[..., ad.AnnData], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pass a path that ends in \.html"):
        scc2s.tl.report(make(), tmp_path / "r.pdf")
    with pytest.raises(FileNotFoundError, match="mkdir -p"):
        scc2s.tl.report(make(), tmp_path / "no" / "r.html")
    with pytest.raises(TypeError, match="expected an AnnData or a MuData"):
        scc2s.tl.report(pd.DataFrame(), tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


def test_a_modality_of_several(labelled: ad.AnnData, make: Callable[..., ad.AnnData], tmp_path: Path) -> None:
    both = mudata.MuData({"rna": labelled, "other": make(12, [f"g{i}" for i in range(4)])})
    scc2s.tl.report(both, tmp_path / "r.html")
    page = read(tmp_path / "r.html")
    assert "of the modality rna (adata is mdata['rna'])" in page.text
    assert untraced(page, both.mod["rna"]) == []
    with pytest.raises(KeyError, match="no modality 'none'"):
        scc2s.tl.report(both, tmp_path / "r.html", mod="none")


def test_the_summary_says_what_the_slots_hold_and_no_more(labelled: ad.AnnData, tmp_path: Path) -> None:
    scc2s.tl.report(labelled, tmp_path / "r.html")
    text = read(tmp_path / "r.html").text
    obs = labelled.obs
    n = int((obs["c2s_cell_type"] != "unassigned").sum())
    counts = obs.loc[obs["c2s_cell_type"] != "unassigned", "c2s_cell_type"].value_counts()
    summary = text[text.index("In short Research") : text.index("Cells and genes")]
    assert f"The model gives {n} of 12 cells a label (c2s_cell_type); 3 cells have none." in summary
    assert f"The most frequent label is {counts.index[0]}, of {100 * counts.iloc[0] / 12:.3g} % of all cells" in summary
    assert "half of the sentences have 5 genes or more" in summary
    for word in ("diagnos", "patient", "significant", "novel", "validated that"):
        assert word not in summary.replace("validated for diagnosis", "")


def test_other_organisms_are_named(make: Callable[..., ad.AnnData], tmp_path: Path) -> None:
    adata = make(6, ["Cd3d", "Cd79a", "Lyz2", "Nkg7", "Actb", "B2m"])
    scc2s.tl.report(adata, tmp_path / "r.html")
    assert "named like those of Mus musculus" in read(tmp_path / "r.html").text
    scc2s.pp.sentences(adata, organism="mouse")
    scc2s.tl.report(adata, tmp_path / "r.html")
    assert "6 cells of Mus musculus with 6 genes" in read(tmp_path / "r.html").text


@pytest.mark.parametrize("kind", ["one", "none", "empty", "not finite", "ids", "twice", "below 0", "backed", "view"])
def test_odd_data_have_a_report(make: Callable[..., ad.AnnData], kind: str, tmp_path: Path) -> None:
    adata = make(6)
    if kind == "one":
        adata = make(1)
        scc2s.pp.sentences(adata)
        scc2s.tl.annotate(adata, labels=["a", "b"], model=scorer(), prompt="{cell_sentence}")
    elif kind == "none":
        adata = adata[:0].copy()
    elif kind == "empty":
        adata.X[:] = 0
        scc2s.pp.sentences(adata)
    elif kind == "not finite":
        adata.X[0, 0] = np.nan
    elif kind == "ids":
        adata.var_names = [f"ENSG{i:011d}" for i in range(adata.n_vars)]
    elif kind == "twice":
        adata.var_names = ["A", "A", *adata.var_names[2:]]
    elif kind == "below 0":
        adata.X -= 3
    elif kind == "backed":
        adata.write_h5ad(tmp_path / "a.h5ad")
        adata = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    elif kind == "view":
        scc2s.pp.sentences(adata)
        adata = adata[::2]
    scc2s.tl.report(adata, tmp_path / "r.html")
    page = read(tmp_path / "r.html")
    assert page.wrong == page.open == []
    assert untraced(page, adata) == []
    said = {
        "not finite": "NaN",
        "ids": "gene_symbols",
        "twice": "on_duplicate",
        "below 0": "negative",
        "empty": "6 cells have an empty sentence",
    }.get(kind, "The file holds")
    assert said.lower() in page.text.lower()


def test_eighty_labels_are_all_there_with_a_color_each(make: Callable[..., ad.AnnData], tmp_path: Path) -> None:
    adata = make(160)
    names = [f"type {i:02d} with a longer name" for i in range(80)]
    adata.obs["mine"] = pd.Categorical(np.resize(names, 160))
    adata.uns["c2s"] = {"annotate": {"params": {"key_added": "mine"}}}
    scc2s.tl.report(adata, tmp_path / "r.html")
    page = read(tmp_path / "r.html")
    assert all(name in page.text for name in names)
    swatches = [attrs["style"] for attrs in page.named("span") if attrs.get("class") == "swatch"]
    assert len(set(swatches)) == 80
    assert (tmp_path / "r.html").stat().st_size < 8e6
