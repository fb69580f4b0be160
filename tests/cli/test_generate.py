from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def test_new_cells_have_the_genes_of_the_file_and_the_values_asked_for(run: Run, cells: Path, tmp_path: Path) -> None:
    asked = ("--obs", "cell_type=B cell", "--obs", "cell_type=NK cell", "--n", 2, "--n-genes", 15)
    code, out, _ = run("generate", cells, tmp_path / "a.h5ad", *asked, "--json")
    assert code == 0
    new = ad.read_h5ad(tmp_path / "a.h5ad")
    assert new.obs["cell_type"].tolist() == ["B cell", "B cell", "NK cell", "NK cell"]
    assert new.var_names.tolist() == ad.read_h5ad(cells).var_names.tolist()
    assert (new.obs["c2s_n_genes"] == 15).all()
    assert json.loads(out)["share_valid"] == 1
    assert json.loads(out)["n_obs"] == 4


def test_seed_decides_and_sentences_and_fit_in_the_file_are_used(run: Run, cells: Path, tmp_path: Path) -> None:
    run("sentences", cells, tmp_path / "s.h5ad", "--n-genes", 12)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run("generate", tmp_path / "s.h5ad", tmp_path / f"{name}.h5ad", "--random-state", seed)[0] == 0
    a, b, c = (ad.read_h5ad(tmp_path / f"{name}.h5ad").obs["c2s_sentence"].iloc[0] for name in "abc")
    assert a == b != c
    assert len(a.split()) == 12


def test_bad_input_ends_with_one_line(run: Run, cells: Path, tmp_path: Path) -> None:
    for asked, message in ((("--obs", "B cell"), "column=value"), (("--temperature", -1), ""), (("--n", 0), "--n 0")):
        code, _, err = run("generate", cells, tmp_path / "a.h5ad", *asked)
        assert code in (1, 2)
        assert message in err
        assert not (tmp_path / "a.h5ad").exists()
    assert "ends in .h5ad" in run("generate", cells, tmp_path / "a.csv")[2]
