from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import pytest
import scanpy as sc
from tiny_gene_model import write_tiny_model

from scc2s.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

LABELS = ["B cell", "CD8+ T cell", "natural killer cell"]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cells") / "cells.h5ad"
    sc.datasets.pbmc68k_reduced()[:12].copy().write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def model(cells: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    genes = list(ad.read_h5ad(cells).raw.var_names)
    return str(write_tiny_model(tmp_path_factory.mktemp("model"), genes, labels=LABELS, context=512))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, standard output and standard error of ``scc2s`` with some arguments."""

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(a) for a in args])
        return (int(end.value.code or 0), *capsys.readouterr())

    return call
