"""Many cells with labels and a map, for the time and size of a report."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

import scc2s
from scc2s.models import CallableModel


def many_cells(n: int, n_genes: int = 2000, n_labels: int = 30) -> ad.AnnData:
    """`n` cells of counts with 5 % of the genes each, in `n_labels` types."""
    rng = np.random.default_rng(0)
    counts = sparse.random(n, n_genes, density=0.05, format="csr", random_state=rng, dtype=np.float32)
    counts.data = np.ceil(counts.data * 20)
    var = pd.DataFrame(index=[f"GENE{i}" for i in range(n_genes)])
    adata = ad.AnnData(counts, var=var, obs=pd.DataFrame(index=[f"cell{i}" for i in range(n)]))
    scc2s.pp.sentences(adata, n_genes=50)
    scc2s.pp.rank_fit(adata)
    kinds = rng.integers(0, n_labels, n)
    adata.obsm["X_umap"] = rng.normal(size=(n, 2)) + rng.normal(0, 8, (n_labels, 2))[kinds]
    state = {"row": 0}

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        at = np.arange(state["row"], state["row"] + len(prompts)) % n
        state["row"] += len(prompts)
        return np.where(np.arange(len(choices)) == kinds[at][:, None], 4.0, 0.0)

    labels = [f"type {i}" for i in range(n_labels)]
    scc2s.tl.annotate(adata, labels=labels, model=CallableModel(score=score, id="rule"), controls=False, min_prob=0.2)
    return adata
