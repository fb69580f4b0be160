from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

RADIUS = ("--radius", 0.05, "--unit", "mm")


@pytest.fixture(scope="module")
def tissue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    adata = sc.datasets.pbmc68k_reduced()[:200].copy()
    adata.obsm["spatial"] = np.random.default_rng(0).uniform(0, 400, (200, 2))
    path = tmp_path_factory.mktemp("tissue") / "cells.h5ad"
    adata.write_h5ad(path)
    return path


def test_contexts_alone_are_those_of_the_library(run: Run, tissue: Path, tmp_path: Path) -> None:
    options = (*RADIUS, "--spatial-unit", "um", "--matched", "bulk_labels", "--n-contexts", 20, "--draw-only")
    code, out, _ = run("neighborhood", tissue, tmp_path / "a.h5ad", *options, "--json")
    assert code == 0
    expected = ad.read_h5ad(tissue)
    scc2s.pp.neighborhoods(expected, radius=0.05, unit="mm", spatial_unit="um", matched="bulk_labels", n_contexts=20)
    found = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"]["neighborhoods"]
    assert found["cells"]["cell"].tolist() == expected.uns["c2s"]["neighborhoods"]["cells"]["cell"].tolist()
    assert json.loads(out)["contexts"]["neighborhood"] == 20
    run("neighborhood", tissue, tmp_path / "a.csv", *options)
    assert pd.read_csv(tmp_path / "a.csv")["context"].tolist() == found["table"].index.tolist()


def test_the_report_has_the_model_beside_what_needs_none(run: Run, tissue: Path, model: str, tmp_path: Path) -> None:
    options = (*RADIUS, "--spatial-unit", "um", "--matched", "bulk_labels", "--n-contexts", 8, "--n-cells", 2)
    code, out, err = run("neighborhood", tissue, tmp_path / "a.csv", *options, "--model", model, "--json")
    assert code == 0, err
    report = pd.read_csv(tmp_path / "a.csv")
    assert {"model", "share of the same type", "correlation of sentences"} == set(report["answer"])
    assert {"negative", "matched negative"} == set(report["negatives"])
    assert len(json.loads(out)["report"]) == len(report)


def test_a_unit_that_nothing_says_ends_with_one_line(run: Run, tissue: Path, tmp_path: Path) -> None:
    code, _, err = run("neighborhood", tissue, tmp_path / "a.csv", *RADIUS)
    assert code == 1
    assert "--spatial-unit" in err.splitlines()[-1]
    assert run("neighborhood", tissue, tmp_path / "a.csv", "--radius", 5)[0] == 2
