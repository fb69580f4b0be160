"""Commands that ask a model that talks: what the library writes, from a file and a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import pandas as pd
import pytest
from server_script import Script, serving
from talking_cells import talking_cells

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def says(body):
    text = "CD3D is higher in T. QXZ9 rises."
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("talk") / "cells.h5ad"
    talking_cells().write_h5ad(path)
    return path


@pytest.mark.parametrize(
    ("command", "options", "names"),
    [
        ("ask", ["--kind", "state", "--groupby", "type"], ["B", "T"]),
        ("ask", ["--question", "Which?", "--groupby", "type", "--group", "T"], ["T"]),
        ("compare", ["--groupby", "type", "--a", "T", "--b", "B"], ["T"]),
        ("abstract", ["--groupby", "donor", "--groupby", "type"], ["d1 | B", "d1 | T", "d2 | B", "d2 | T"]),
    ],
)
def test_answers_go_into_the_file_or_into_a_table(
    run: Run, file: Path, tmp_path: Path, command, options, names
) -> None:
    with serving(Script(says)) as url:
        model = ["--model", url, "--backend", "server"]
        code, out, err = run(command, file, tmp_path / "a.h5ad", *options, *model, "--json")
        assert code == 0, err
        assert run(command, file, tmp_path / "a.csv", *options, *model)[0] == 0
    found = ad.read_h5ad(tmp_path / "a.h5ad").uns["c2s"][command]
    assert found["table"].index.tolist() == names
    assert pd.read_csv(tmp_path / "a.csv")["context"].tolist() == names
    summary = json.loads(out)
    assert summary["n_answers"] == len(names)
    assert summary["n_contradicted"] >= len(names)  # QXZ9 is no gene
    assert list(summary["flagged"]) == names
    assert summary["model"]["backend"] == "server"


def test_what_is_wrong_ends_with_one_line_in_words_of_the_command(run: Run, file: Path, tmp_path: Path) -> None:
    code, _, err = run("ask", file, tmp_path / "a.h5ad", "--kind", "treatment", "--groupby", "condition")
    assert code == 1
    assert "--versus" in err.splitlines()[-1]
    code, _, err = run("ask", file, tmp_path / "a.h5ad", "--question", "Which?", "--groupby", "type")
    assert code == 1
    assert "scc2s-mini has no chat template" in err.splitlines()[-1]
    assert not (tmp_path / "a.h5ad").exists()
