from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s.models import CallableModel


def cells(sentences: list[str] | None) -> ad.AnnData:
    X = np.array([[3, 2, 1], [1, 2, 3]], dtype="float32")
    adata = ad.AnnData(X, var=pd.DataFrame(index=["CD3D", "LYZ", "CD14"]))
    adata.obs_names = ["a", "b"]
    scc2s.pp.sentences(adata)
    scc2s.pp.rank_fit(adata)
    if sentences is None:
        del adata.obs["c2s_sentence"]
    else:
        adata.obs["c2s_sentence"] = sentences
    return adata


def writer(asked: list[str], tasks: list[str]) -> CallableModel:
    def generate(prompts: list[str]) -> list[str]:
        asked.extend(prompts)
        return [" CD3D LYZ"] * len(prompts)

    return CallableModel(generate=generate, tasks=tasks)


@pytest.mark.parametrize(
    ("tasks", "sentences", "shown"),
    [
        (["generate", "generate_like"], ["LYZ CD14", "LYZ CD3D"], True),
        (["generate"], ["LYZ CD14", "LYZ CD3D"], False),
        (["generate", "generate_like"], None, False),
        (["generate", "generate_like"], ["", ""], False),
    ],
)
def test_a_model_that_was_taught_it_is_shown_the_strongest_genes_of_the_data(tasks, sentences, shown) -> None:
    asked: list[str] = []
    how = {"constrain": False, "n_genes": 2, "controls": False}
    scc2s.tl.generate(cells(sentences), obs={"cell_type": "B cell"}, model=writer(asked, tasks), **how)
    assert all(("Sample: LYZ CD14 CD3D\n" in prompt) == shown for prompt in asked)
    assert all("Cell type: B cell" in prompt for prompt in asked)
