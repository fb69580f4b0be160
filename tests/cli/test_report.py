from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import mudata
import pytest

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bare(cells: Path, tmp_path: Path) -> Path:
    adata = ad.read_h5ad(cells)
    scc2s.pp.sentences(adata, n_genes=10)
    del adata.obsm["X_umap"], adata.obsm["X_pca"]
    path = tmp_path / "my cells.h5ad"
    adata.write_h5ad(path)
    return path


def test_a_report_is_that_of_the_library(run: Run, bare: Path, tmp_path: Path) -> None:
    code, out, err = run("report", bare, "-o", tmp_path / "r.html")
    assert code == 0, err
    assert "12 cells" in out
    assert "r.html" in out
    scc2s.tl.report(ad.read_h5ad(bare), tmp_path / "other.html", title="my cells")
    assert (tmp_path / "r.html").read_text() == (tmp_path / "other.html").read_text()


def test_without_a_target_it_has_the_name_of_the_file(
    run: Run, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    code, out, _ = run("report", bare, "--json", "--title", "Blood <1>")
    assert code == 0
    text = (tmp_path / "here" / "my cells.html").read_text()
    assert "<h1>Blood &lt;1&gt;</h1>" in text
    assert json.loads(out)["bytes"] == len(text.encode())
    assert str(tmp_path) not in text


def test_a_modality_is_chosen(run: Run, bare: Path, tmp_path: Path) -> None:
    one = ad.read_h5ad(bare)
    mudata.MuData({"a": one, "b": one[:3].copy()}).write_h5mu(tmp_path / "a.h5mu")
    assert run("report", tmp_path / "a.h5mu", "-o", tmp_path / "r.html", "--mod", "b")[0] == 0
    assert "The file holds" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("report", "none.h5ad"), "there is no file"),
        (("report", "{bare}", "-o", "r.pdf"), "ends in .html"),
        (("report", "{bare}", "-o", "no/r.html"), "mkdir -p no"),
    ],
)
def test_bad_input_ends_with_one_line(
    run: Run, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*(arg.format(bare=bare) for arg in args))
    assert (code, out) == (1, "")
    assert message in err.splitlines()[-1]
    assert [file.name for file in tmp_path.iterdir()] == ["my cells.h5ad"]
