"""A few cells for reports, and a model that labels them."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

import scc2s
from scc2s.models import CallableModel

GENES = ["CD3D", "CD3E", "CD79A", "MS4A1", "LYZ", "NKG7", "ACTB", "B2M"]


def cells(n: int = 12, genes: list[str] | None = None) -> ad.AnnData:
    """Counts of a few genes."""
    names = genes or GENES
    counts = np.random.default_rng(0).poisson(2.0, (n, len(names))).astype("float32") + 1
    return ad.AnnData(
        counts, obs=pd.DataFrame(index=[f"cell{i}" for i in range(n)]), var=pd.DataFrame(index=pd.Index(names))
    )


def scorer(strength: float = 4.0) -> CallableModel:
    """Tells labels by the first gene of a cell, so that some are sure and some are not."""

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        first = [sum(map(ord, prompt.split()[-1])) for prompt in prompts]
        return np.array([[strength * ((one + i) % 3 == 0) for i, _ in enumerate(choices)] for one in first])

    return CallableModel(score=score, id="scorer")


def labelled_cells() -> ad.AnnData:
    """Cells with sentences and labels, some of them unassigned."""
    adata = cells()
    scc2s.pp.sentences(adata, n_genes=5)
    scc2s.tl.annotate(adata, labels=["B cell", "T cell", "NK cell"], model=scorer(), prompt="{cell_sentence}")
    key = "c2s_cell_type"
    adata.obs[key] = adata.obs[key].cat.add_categories("unassigned")
    adata.obs.loc[adata.obs_names[:3], key] = "unassigned"
    return adata
