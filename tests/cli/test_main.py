from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def test_sentences_are_those_of_the_library(run: Run, cells: Path, tmp_path: Path) -> None:
    code, out, _ = run("sentences", cells, tmp_path / "a.h5ad", "--n-genes", 20)
    assert code == 0
    assert "12 cells" in out
    expected = ad.read_h5ad(cells)
    sc.pp.c2s_sentences(expected, n_genes=20)
    assert ad.read_h5ad(tmp_path / "a.h5ad").obs["c2s_sentence"].tolist() == expected.obs["c2s_sentence"].tolist()


def test_embed_makes_sentences_where_there_are_none(run: Run, cells: Path, model: str, tmp_path: Path) -> None:
    code, out, _ = run("embed", cells, tmp_path / "a.h5ad", "--model", model, "--device", "cpu", "--json")
    assert code == 0
    summary = json.loads(out)
    assert (summary["command"], summary["n_obs"], summary["width"]) == ("embed", 12, 16)
    assert summary["model"]["device"] == "cpu"
    back = ad.read_h5ad(tmp_path / "a.h5ad")
    assert back.obsm["X_c2s"].shape == (12, 16)
    assert "c2s_sentence" in back.obs


def test_embed_keeps_sentences_that_are_there(run: Run, cells: Path, model: str, tmp_path: Path) -> None:
    run("sentences", cells, tmp_path / "a.h5ad", "--n-genes", 5)
    run("embed", tmp_path / "a.h5ad", tmp_path / "a.h5ad", "--model", model)
    back = ad.read_h5ad(tmp_path / "a.h5ad")
    assert back.obs["c2s_n_genes"].max() == 5
    assert "X_c2s" in back.obsm


def test_annotate_takes_labels_one_by_one(run: Run, cells: Path, model: str, tmp_path: Path) -> None:
    code, out, _ = run(
        "annotate", cells, tmp_path / "a.h5ad", "--model", model, "--label", "x, y", "--label", "z", "--json"
    )
    assert code == 0
    assert sum(json.loads(out)["cells"].values()) == 12
    assert ad.read_h5ad(tmp_path / "a.h5ad").obsm["c2s_cell_type_probs"].columns.tolist() == ["x, y", "z"]


def test_annotate_takes_labels_from_a_column_or_the_model(run: Run, cells: Path, model: str, tmp_path: Path) -> None:
    run("annotate", cells, tmp_path / "a.h5ad", "--model", model, "--labels-from", "phase")
    assert ad.read_h5ad(tmp_path / "a.h5ad").obsm["c2s_cell_type_probs"].columns.tolist() == ["G1", "G2M", "S"]
    run("annotate", cells, tmp_path / "a.h5ad", "--model", model, "--groupby", "louvain")
    back = ad.read_h5ad(tmp_path / "a.h5ad")
    assert back.obsm["c2s_cell_type_probs"].columns.tolist() == ["B cell", "CD8+ T cell", "natural killer cell"]
    assert "c2s_cell_type_louvain" in back.obs


def test_annotate_says_whether_the_cells_matter_unless_told_not_to(
    run: Run, cells: Path, model: str, tmp_path: Path
) -> None:
    out = tmp_path / "a.h5ad"
    said = json.loads(run("annotate", cells, out, "--model", model, "--json")[1])
    assert said["verdict"] == ad.read_h5ad(out).uns["c2s"]["annotate"]["verdict"]
    assert "verdict" not in json.loads(run("annotate", cells, out, "--model", model, "--no-controls", "--json")[1])
    assert "c2s_cell_type_trust" not in ad.read_h5ad(out).obs


@pytest.mark.slow
def test_a_cache_gives_the_answers_of_the_first_run(run: Run, cells: Path, model: str, tmp_path: Path) -> None:
    cache = tmp_path / "answers.sqlite"
    for command, options in (("embed", ()), ("annotate", ()), ("annotate", ("--mode", "generate"))):
        files = [tmp_path / f"{i}.h5ad" for i in range(2)]
        for file in files:
            assert run(command, cells, file, "--model", model, "--cache", cache, *options)[0] == 0
        one, other = map(ad.read_h5ad, files)
        if command == "embed":
            assert np.array_equal(one.obsm["X_c2s"], other.obsm["X_c2s"])
        else:
            assert one.obs["c2s_cell_type"].equals(other.obs["c2s_cell_type"])
    with sqlite3.connect(cache) as db:
        n_numbers, n_answers = (db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("numbers", "answers"))
    db.close()
    n_cells = ad.read_h5ad(cells).n_obs
    controls = n_cells + 1  # each cell with its genes shuffled, and once without
    assert (n_numbers, n_answers) == (2 * n_cells + controls, n_cells + controls)


def test_models_lists_the_catalogue(run: Run) -> None:
    code, out, _ = run("models", "--json")
    assert code == 0
    assert "scc2s-mini" in {m["id"] for m in json.loads(out)}
    assert "scc2s-mini" in run("models")[1]


def test_version_names_scc2s_and_what_it_stands_on(run: Run) -> None:
    import scc2s

    found = json.loads(run("version", "--json")[1])
    assert found["scc2s"] == scc2s.__version__
    assert f"scc2s {scc2s.__version__}" in run("version")[1]


class TestBadInput:
    @pytest.mark.parametrize(
        ("args", "message"),
        [
            (("sentences", "none.h5ad", "out.h5ad"), "there is no file none.h5ad"),
            (("sentences", "{cells}", "no/folder/out.h5ad"), "mkdir -p no/folder"),
            (("sentences", "{text}", "out.h5ad"), "text.h5ad"),
            (("sentences", "{cells}", "out.h5ad", "--layer", "nope"), "nope"),
            (("embed", "{cells}", "out.h5ad", "--model", "{model}", "--pooling", "max"), "--pooling mean"),
            (("embed", "{cells}", "out.h5ad", "--model", "{model}", "--prompt", "{{tissue}}"), "{cell_sentence}"),
            (("annotate", "{cells}", "out.h5ad", "--labels-from", "nope"), "nope"),
            (("annotate", "{cells}", "out.h5ad", "--labels-from", "phase", "--label", "x"), "not both"),
        ],
    )
    def test_ends_with_code_1_and_one_line_that_says_what_to_do(
        self, run: Run, cells: Path, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args, message
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "text.h5ad").write_text("no h5ad")
        args = [a.format(cells=cells, model=model, text=tmp_path / "text.h5ad") for a in args]
        code, out, err = run(*args)
        lines = [line for line in err.splitlines() if "Traceback" in line or "Error" in line or message in line]
        assert (code, out) == (1, "")
        assert err.splitlines()[-1].startswith("scc2s: ")
        assert len(lines) == 1
        assert message in lines[0]
        assert [p.name for p in tmp_path.iterdir()] == ["text.h5ad"]

    def test_failing_run_leaves_the_output_that_is_there(self, run: Run, cells: Path, tmp_path: Path) -> None:
        target = tmp_path / "a.h5ad"
        target.write_bytes(b"old")
        assert run("sentences", cells, target, "--layer", "nope")[0] == 1
        assert target.read_bytes() == b"old"

    @pytest.mark.parametrize("args", [("nonsense",), ("sentences",), ("sentences", "a", "b", "--n-genes", "many")])
    def test_wrong_usage_ends_with_code_2(self, run: Run, args: tuple[str, ...]) -> None:
        code, out, err = run(*args)
        assert (code, out) == (2, "")
        assert "Traceback" not in err


def test_help_needs_no_torch() -> None:
    code = "import sys; from scc2s.cli import main\ntry: main(['--help'])\nfinally: print('torch' in sys.modules)"
    env = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.splitlines()[-1] == "False"
    for command in (
        "demo",
        "sentences",
        "embed",
        "annotate",
        "caption",
        "ask",
        "compare",
        "abstract",
        "generate",
        "perturb",
        "screen",
        "match-bulk",
        "neighborhood",
        "evaluate",
        "models",
    ):
        assert command in done.stdout


def test_console_script_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from scc2s.cli import main; main(['version'])"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "numpy " + np.__version__ in done.stdout
