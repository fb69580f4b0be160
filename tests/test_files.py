"""Whatever the tools write can be read again: h5ad and zarr, at once and lazily, under names that files dislike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ["T/NK cell", "T|NK cell", "_index", "B cell", "ω cell", "ω" * 300, "ω" * 301]
FORMS = ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)]


def again(adata: ad.AnnData, form: str, folder: Path) -> list[ad.AnnData]:
    """Written once, read at once and lazily."""
    path = folder / f"cells.{form}"
    getattr(adata, f"write_{form}")(path)
    return [getattr(ad, f"read_{form}")(path), ad.experimental.read_lazy(path).to_memory()]


def model() -> CallableModel:
    """Answers by the text of its prompts."""

    def write(prompts: list[str]) -> list[str]:
        return [" " + " ".join(prompt.split("Genes: ")[-1].split()[:20]) for prompt in prompts]

    def score(prompts: list[str], answers: list[str]) -> np.ndarray:
        return np.array([[-((len(p) + 3 * i) % 7) - 1.0 for i, _ in enumerate(answers)] for p in prompts])

    def embed(prompts: list[str]) -> np.ndarray:
        return np.array([[len(p), len(set(p.split()))] for p in prompts], dtype=np.float32)

    return CallableModel(generate=write, score=score, embed=embed)


@pytest.fixture(scope="module")
def full() -> ad.AnnData:
    """Cells with a result of every tool, under labels and groups that are not good names in files."""
    adata = sc.datasets.pbmc68k_reduced()[:12].copy()
    adata.obs_names = [f"{name}/{i}" for i, name in enumerate(adata.obs_names)]
    adata.obs["kind"] = pd.Categorical(np.resize(LABELS[:3], 12))
    adata.obs["drug"] = np.resize(["ctrl", "IFN/b 10 nM", None], 12)
    adata.obs["time"] = "0 h"
    asked = model()
    sc.pp.c2s_sentences(adata, n_genes=30)
    sc.pp.c2s_sentences(adata, n_genes=30, store="ranks", key_added="ranked")
    sc.pp.c2s_rank_fit(adata)
    sc.pp.c2s_reconstruct(adata)
    sc.tl.c2s_annotate(adata, model=asked, labels=LABELS)
    sc.tl.c2s_annotate(adata, model=asked, labels=LABELS, groupby="kind", key_added="by_kind")
    sc.tl.c2s_annotate(adata, model=asked, labels=LABELS, mode="generate", key_added="written")
    sc.tl.c2s_marker_labels(adata, {"T/NK cell": ["CD3D", "CD3E"], "B cell": ["CD79A", "CD79B"]}, groupby="kind")
    reference = sc.datasets.pbmc68k_reduced()[12:200].copy()
    sc.tl.c2s_transfer_labels(adata, reference, label_key="bulk_labels", method="knn", groupby="kind")
    sc.tl.c2s_compare_labels(adata, "c2s_cell_type", "kind")
    sc.tl.c2s_embed(adata, model=asked)
    sc.tl.c2s_program_score(adata, ["CD3D", "LYZ", "CST3"])
    sc.tl.c2s_perplexity(adata)
    sc.tl.c2s_attention(adata, cells=adata.obs_names[:1])
    sc.tl.c2s_importance(adata, "kind", cells=adata.obs_names[:1], n_genes=2)
    sc.tl.c2s_caption(adata, groupby="kind", model=asked)
    sc.tl.c2s_name_genes(adata, groupby="kind", model=asked)
    free = {"model": asked, "constrain": False}
    sc.tl.c2s_perturb(adata, perturbation_key="drug", program=["CD3D", "LYZ", "CST3"], **free)
    ahead = "Genes: {cell_sentence} {target_time}"
    sc.tl.c2s_fate(adata, time_key="time", target_time="1 h", controls=False, prompt=ahead, **free)
    sc.tl.c2s_screen(adata, ["x", "y/z", "y|z"], program=["CD3D", "LYZ", "CST3"], n_null=1, **free)
    return adata


@pytest.mark.parametrize("form", FORMS)
def test_new_cells_are_read_again_with_their_report(full: ad.AnnData, form: str, tmp_path: Path) -> None:
    asked = {"model": model(), "constrain": False, "prompt": "Genes: CD3D LYZ CST3 {kind}", "n_genes": 3}
    new = sc.tl.c2s_generate(full, 5, obs={"kind": LABELS[:2]}, **asked)
    assert not new.uns["c2s"]["generate"]["controls"].empty
    for back in again(new, form, tmp_path):
        assert same(plain(new.uns["c2s"]["generate"]), plain(back.uns["c2s"]["generate"]))


def plain(value: Any) -> Any:
    """A value as it compares: missing text is missing, kinds of arrays and tables do not count."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if hasattr(value, "to_memory"):
        value = value.to_memory()
    if isinstance(value, pd.DataFrame):
        return {str(name): plain(value[name]) for name in value}
    if sparse.issparse(value):
        value = value.toarray()
    values = np.asarray(value, dtype=object).tolist()
    return values if isinstance(values, list) else [values]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return (pd.isna(a) and pd.isna(b)) or a == b


@pytest.mark.parametrize("form", FORMS)
def test_everything_that_tools_write_is_read_again(full: ad.AnnData, form: str, tmp_path: Path) -> None:
    for back in again(full, form, tmp_path):
        for slot in ("obs", "obsm", "layers"):
            for name, value in getattr(full, slot).items():
                assert same(plain(value), plain(getattr(back, slot)[name])), (slot, name)
        for name, value in full.uns["c2s"].items():
            assert same(plain(value), plain(back.uns["c2s"][name])), name
        assert list(back.obs_names) == list(full.obs_names)
        sc.pl.c2s_captions(back, show=False)
        sc.pl.c2s_screen(back, show=False)
        sc.pl.c2s_perturbation(back, show=False)
        sc.pl.c2s_attention(back, show=False)
        sc.pl.c2s_labels(back, groupby="kind", show=False)
        sc.pl.c2s_confusion(back, show=False)
        sc.pl.c2s_calibration(back, "kind", show=False)
        assert len(scc2s.tl.shortlist(back)) == 3
