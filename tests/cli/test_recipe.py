"""A recipe says what is wrong with it, by file, table and key, before a cell is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from scc2s.cli._recipe import EXAMPLE, read

GOOD = 'model = "scc2s-mini"\noutput = "runs"\n[[data]]\nfile = "cells.h5ad"\n'


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
    keys = {*vars(found), *vars(found.data[0]), *vars(found.training)}
    assert {key for key in keys if key not in EXAMPLE} == set()


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
