"""`scc2s train` shows what it will do, does it, and goes on where it was stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import scanpy as sc

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

RECIPE = """\
model = "scc2s-mini"
output = "runs"
[[data]]
file = "cells.h5ad"
tasks = ["cell_type", "generate"]
columns = { cell_type = "bulk_labels" }
n_genes = 12
n_samples = 16
[training]
batch_size = 8
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    sc.datasets.pbmc68k_reduced()[:80].copy().write_h5ad(tmp_path / "cells.h5ad")
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def test_a_dry_run_shows_samples_tokens_memory_and_time_and_writes_nothing(recipe, run):
    code, out, said = run("train", recipe, "--dry-run", "--json")
    assert code == 0
    for part in (
        "-- sample 3 (cell_type)",
        "]]",
        "32 samples (16 cell_type, 16 generate)",
        "tokens in all",
        "GB on a",
    ):
        assert part in said
    found = json.loads(out)
    assert found["samples"] == 32
    assert 0 < found["validation"] <= 40
    assert sorted(path.name for path in recipe.parent.iterdir()) == ["cells.h5ad", "recipe.toml"]


def test_the_example_can_be_printed_and_a_recipe_is_asked_for(run):
    assert "[[data]]" in run("train", "--example")[1]
    code, _, said = run("train")
    assert code == 1
    assert "scc2s train --example > recipe.toml" in said


def refused(run: Run, *args: object) -> str:
    code, _, said = run("train", *args)
    assert code == 1
    assert len([line for line in said.splitlines() if line.startswith("scc2s: ")]) == 1
    return said


def test_what_the_library_refuses_is_one_line(recipe, run):
    recipe.write_text(RECIPE.replace("bulk_labels", "celltype"))
    assert "celltype" in refused(run, recipe, "--dry-run")
    recipe.write_text(RECIPE.replace('"generate"', '"perturb"'))
    assert "needs the keys perturbation and control" in refused(run, recipe, "--dry-run")
    recipe.write_text(RECIPE + "max_length = 20\n")
    assert "too long" in refused(run, recipe)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "full"])
def test_it_trains_and_a_finished_run_is_not_run_again(recipe, run, method):
    recipe.write_text(RECIPE + f'method = "{method}"\n')
    first = json.loads(run("train", recipe, "--json")[1])
    adapter = {"adapter": first["folder"]} if method == "lora" else {}
    model = scc2s.models.load("scc2s-mini" if adapter else first["folder"], **adapter)
    adata = sc.datasets.pbmc68k_reduced()[:4].copy()
    scc2s.pp.sentences(adata, n_genes=12)
    scc2s.tl.annotate(adata, labels=["CD19+ B", "Dendritic"], model=model, controls=False)
    assert json.loads(run("train", recipe, "--json")[1]) == first
