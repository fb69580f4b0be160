"""A recipe says what is wrong with it, by file, table and key, before a cell is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scc2s.cli._recipe import EXAMPLE, EXAMPLE_NEW, read
from scc2s.models._sources import find

GOOD = 'model = "scc2s-mini"\noutput = "runs"\n[[data]]\nfile = "cells.h5ad"\n'

NEW = 'output = "runs"\n[new_model]\n[[data]]\nfile = "cells.h5ad"\n'


@pytest.fixture
def recipe(tmp_path: Path):
    (tmp_path / "cells.h5ad").touch()

    def write(text: str) -> Path:
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return path

    return write


def test_the_example_is_a_recipe_and_names_every_key(recipe):
    found = read(recipe(EXAMPLE))
    assert (found.model, found.training.rank, found.data[0].columns) == ("scc2s-mini", 16, {"cell_type": "louvain"})
    new = read(recipe(EXAMPLE_NEW))
    keys = {*vars(found), *vars(found.data[0]), *vars(found.training), *vars(new.new_model)}
    assert {key for key in keys if key not in EXAMPLE + EXAMPLE_NEW} == set()


def test_the_example_from_nothing_has_the_shape_and_schedule_of_the_model_in_the_package(recipe):
    found = read(recipe(EXAMPLE_NEW))
    assert (found.model, found.training.method, found.training.steps) == (None, "full", 20000)
    shape = json.loads((find("scc2s-mini").folder / "config.json").read_text())
    new = found.new_model
    assert [new.n_layers, new.width, new.n_heads, new.window, new.dropout] == [
        shape[name]
        for name in (
            "num_hidden_layers", "hidden_size", "num_attention_heads", "max_position_embeddings", "hidden_dropout",
        )
    ]  # fmt: skip
    assert found.training.trl["lr_scheduler_kwargs"]["num_decay_steps"] == found.training.steps / 4


def test_what_is_commented_out_in_the_example_is_right_too(recipe):
    lines = EXAMPLE.splitlines()[2:]
    found = read(recipe("\n".join(line.removeprefix("# ") for line in lines)))
    assert found.data[0].held_out == ["p7", "p9"]
    assert found.training.trl == {"warmup_steps": 20}


def test_paths_are_relative_to_the_recipe(recipe, tmp_path):
    found = read(recipe(GOOD))
    assert Path(found.data[0].file) == tmp_path / "cells.h5ad"
    assert Path(found.output) == tmp_path / "runs"
    (tmp_path / "base").mkdir()
    assert read(recipe(GOOD.replace("scc2s-mini", "base"))).model == str(tmp_path / "base")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = ", "is not TOML"),
        ('model = "a"\n', "the key 'output' is missing"),
        ('model = "a"\noutput = "b"\n', r"has no \[\[data\]\]"),
        ('model = "a"\noutput = "b"\n[data]\nfile = "cells.h5ad"\n', r"data = .* is not a list"),
        ('model = "a"\noutput = "b"\ndata = ["cells.h5ad"]\n', r"write \[\[data\]\] above"),
        (GOOD.replace("file", "fle"), r"\[\[data\]\] 1: there is no key 'fle'; did you mean file"),
        (GOOD + "xyz = 1\n", "known are file, tasks"),
        (GOOD + 'n_genes = "200"\n', "n_genes = '200' is not a whole number"),
        (GOOD + "copies = true\n", "copies = True is not a whole number"),
        (GOOD + 'split = "cell"\n', "split = 'cell' is not known; one of 'cells', 'donor', 'study'"),
        (GOOD + '[training]\nmethod = "qlora"\n', r"\[training\]: method = 'qlora' is not known"),
        (GOOD + "[training]\nepoch = 2\n", "did you mean epochs"),
        (GOOD.replace('model = "scc2s-mini"\n', ""), "give one of them, not neither"),
        (GOOD + "[new_model]\n", "give one of them, not both"),
        (GOOD + "[new_model]\nlayers = 2\n", r"\[new_model\]: there is no key 'layers'; did you mean n_layers"),
        (NEW + '[training]\nmethod = "lora"\n', 'random weights, so an adapter is not enough; write method = "full"'),
        (GOOD + '[training]\nadd_genes = true\nmethod = "lora"\n', "add_genes changes the model itself"),
        (GOOD + "[training]\nsteps = 0\n", "steps = 0 trains on nothing"),
        (GOOD + "copies = 2\n[training]\nsteps = 9\n", "leave copies and n_samples of .*cells.h5ad out"),
        (GOOD + "share = 0\n", "share = 0 of .*cells.h5ad is not above 0"),
    ],
)
def test_what_is_wrong_is_named(recipe, text, said):
    with pytest.raises(ValueError, match=said):
        read(recipe(text))


def test_files_that_are_not_there_are_named(recipe, tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of cells .*other.h5ad; paths in a recipe are relative"):
        read(recipe(GOOD.replace("cells.h5ad", "other.h5ad")))
    with pytest.raises(FileNotFoundError, match="scc2s train --example"):
        read(tmp_path / "none.toml")
