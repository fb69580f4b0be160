from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import scanpy as sc
from tiny_gene_model import write_tiny_model

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import anndata as ad

LABELS = ["B cell", "CD8+ T cell", "natural killer cell"]


@pytest.fixture(scope="session")
def _blood() -> ad.AnnData:
    adata = sc.datasets.pbmc68k_reduced()[:24].copy()
    scc2s.pp.sentences(adata, n_genes=60)
    return adata


@pytest.fixture
def blood(_blood: ad.AnnData) -> ad.AnnData:
    """24 real cells with sentences."""
    return _blood.copy()


@pytest.fixture(scope="session")
def tiny(_blood: ad.AnnData, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., object]:
    """Loaded tiny random model that knows the genes of `blood`: ``tiny(context=96)``."""
    folders: dict[int, Path] = {}

    def load(context: int = 256) -> object:
        if context not in folders:
            folder = tmp_path_factory.mktemp(f"tiny{context}")
            folders[context] = write_tiny_model(folder, list(_blood.raw.var_names), labels=LABELS, context=context)
        return scc2s.models.load(folders[context], device="cpu", dtype="float32")

    return load
