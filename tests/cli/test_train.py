"""`scc2s train` shows what it will do, does it, and goes on where it was stopped."""

from __future__ import annotations

import json
import shutil
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
    assert "[new_model]" in run("train", "--example-new")[1]
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


NEW = """\
output = "runs"
[new_model]
n_layers = 1
width = 32
n_gene_tokens = 300
n_pieces = 400
[[data]]
file = "cells.h5ad"
tasks = ["cell_type"]
columns = { cell_type = "bulk_labels" }
n_genes = 12
share = 3
[[data]]
file = "cells.h5ad"
tasks = ["generate"]
columns = { cell_type = "bulk_labels" }
n_genes = 12
[training]
steps = 8
batch_size = 4
trl = { logging_steps = 4, save_steps = 4, disable_tqdm = true }
"""


def test_a_recipe_from_nothing_shows_what_it_would_do_and_leaves_nothing(recipe, run):
    recipe.write_text(NEW)
    code, out, said = run("train", recipe, "--dry-run", "--json")
    assert code == 0, said
    assert "8 steps of 4 samples, drawn afresh (cell_type, generate)" in said
    assert json.loads(out)["samples"] == 32
    assert sorted(path.name for path in recipe.parent.iterdir()) == ["cells.h5ad", "recipe.toml"]


@pytest.mark.slow
def test_a_recipe_trains_a_model_from_nothing_and_goes_on_where_it_was_stopped(recipe, run):
    recipe.write_text(NEW)
    code, out, said = run("train", recipe, "--json")
    assert code == 0, said
    first = json.loads(out)
    model = scc2s.models.load(first["folder"])
    assert model.tasks == ["cell_type", "generate"]
    config = json.loads((recipe.parent / "runs" / "start" / "config.json").read_text())
    assert (config["num_hidden_layers"], config["hidden_size"], config["hidden_dropout"]) == (1, 32, 0.05)
    assert len(model.tokenizer) < 710
    card = (recipe.parent / "runs" / "model" / "README.md").read_text()
    assert "| cell_type | 75.0% | 4 |" in card
    assert json.loads(run("train", recipe, "--json")[1]) == first
    shutil.rmtree(recipe.parent / "runs" / "model")
    shutil.rmtree(recipe.parent / "runs" / "checkpoint-8")
    again = json.loads(run("train", recipe, "--json")[1])
    assert again["metrics"]["loss"] == pytest.approx(first["metrics"]["loss"], rel=1e-5)


@pytest.mark.slow
def test_a_recipe_from_mini_gives_tokens_to_genes_that_it_lacks(recipe, run):
    adata = sc.datasets.pbmc68k_reduced()[:80].copy().raw.to_adata()
    adata.var_names = [f"NEWGENE{i}" if i < 5 else name for i, name in enumerate(adata.var_names)]
    adata.write_h5ad(recipe.parent / "cells.h5ad")
    text = RECIPE.replace("[training]", "[training]\nadd_genes = true\nsteps = 2").replace("n_samples = 16\n", "")
    recipe.write_text(text)
    code, out, said = run("train", recipe, "--json")
    assert code == 0, said
    model = scc2s.models.load(json.loads(out)["folder"])
    assert len(model.tokenizer.tokenize(" NEWGENE3")) == 1
    assert model.taught.organisms == scc2s.models.load("scc2s-mini").taught.organisms
