from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from report_small import cells, scorer

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable

    import anndata as ad


@pytest.fixture
def make() -> Callable[..., ad.AnnData]:
    return cells


@pytest.fixture
def labelled() -> ad.AnnData:
    """Cells with sentences and labels, some of them unassigned."""
    adata = cells()
    scc2s.pp.sentences(adata, n_genes=5)
    scc2s.tl.annotate(adata, labels=["B cell", "T cell", "NK cell"], model=scorer(), prompt="{cell_sentence}")
    key = "c2s_cell_type"
    adata.obs[key] = adata.obs[key].cat.add_categories("unassigned")
    adata.obs.loc[adata.obs_names[:3], key] = "unassigned"
    return adata
