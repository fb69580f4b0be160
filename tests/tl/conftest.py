from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import scanpy as sc
from tiny_gene_model import write_tiny_model
from tiny_models import build_model, build_tokenizer

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


@pytest.fixture(scope="session")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], object]:
    """Loaded tiny random model whose gene names are several tokens long: ``pieces("gemma2")``."""
    folders: dict[str, Path] = {}

    def load(kind: str) -> object:
        if kind not in folders:
            folder = tmp_path_factory.mktemp(kind)
            build_model(kind).save_pretrained(folder)
            build_tokenizer(bos=kind == "gemma2").save_pretrained(folder)
            folders[kind] = folder
        return scc2s.models.load(folders[kind], device="cpu", dtype="float32")

    return load
