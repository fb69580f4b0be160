from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from page_server import page
from scipy import sparse
from talking_cells import saying, talking_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    import anndata as ad

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")


def served_cells() -> ad.AnnData:
    """96 cells with a map, columns of all kinds, and a matrix as files have it."""
    adata = talking_cells()
    rng = np.random.default_rng(0)
    adata.obsm["X_umap"] = np.stack(
        [(adata.obs["type"] == "B").to_numpy() * 4.0, (adata.obs["condition"] == "stim").to_numpy() * 4.0], axis=1
    ) + rng.normal(0, 0.3, (adata.n_obs, 2))
    adata.obsm["X_pca"] = rng.normal(size=(adata.n_obs, 5))
    adata.X = sparse.csr_matrix(adata.X)
    adata.obs["score"] = np.where(np.arange(adata.n_obs) % 7, np.arange(adata.n_obs) / 2, np.nan)
    adata.obs["good"] = np.arange(adata.n_obs) % 2 == 0
    adata.obs["note"] = [f"note {i % 3}" for i in range(adata.n_obs)]
    adata.uns["type_colors"] = ["#ff0000", "navy"]
    return adata


def model() -> Any:
    """A model that says what cells of type B are, in words, labels, vectors and cells."""

    def generate(prompts: list[str], genes: Any = None) -> list[str]:
        return ["CD79A MS4A1 ACTB B2M" for _ in prompts]

    return saying(
        lambda messages: "A B cell: CD79A is higher." if "1. " in messages[0]["content"] else "No genes are shown.",
        generate=generate,
        embed=lambda prompts: np.array([[len(one), one.count("CD79A")] for one in prompts], dtype=float),
        score=lambda prompts, choices: np.array([[one.count("CD79A"), 0.5] for one in prompts], dtype=float),
        log_likelihood=lambda prompts, answers: [-3.0 + 2 * ("CD79A" in one) for one in prompts],
        labels=["B cell", "T cell"],
    )


@pytest.fixture
def cells() -> ad.AnnData:
    return served_cells()


@pytest.fixture
def served(cells: ad.AnnData) -> Iterator[Any]:
    with page(cells, model=model(), name="small.h5ad") as running:
        yield running
