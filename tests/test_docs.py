"""The sessions on the pages of the documentation run as they stand."""

from __future__ import annotations

import importlib
import importlib.util
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import pytest
import scanpy as sc
from peer_folders import like_cell2sentence, like_helical

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[1] / "docs"


PAGES = [
    "captions.md",
    "howto.md",
    "metrics.md",
    "onnx.md",
    "ontology.md",
    "report.md",
    "screening.md",
    "space.md",
    "training/corpora.md",
    "training/grpo.md",
    "training/teachers.md",
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.slow
def test_session_runs(page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mpl.use("Agg")
    if not (DOCS / page).is_file():
        pytest.skip("the documentation is not part of a source distribution")
    if page == "ontology.md":
        pytest.importorskip("cellxgene_ontology_guide")
    monkeypatch.chdir(tmp_path)
    run(page, blocks_of(page))


def blocks_of(page: str) -> list[str]:
    """Its code; of a page with a session, that of the session alone."""
    text = (DOCS / page).read_text(encoding="utf-8")
    session = re.search(r"## A session\n(.*?)(?=\n## |\Z)", text, re.DOTALL)
    found = re.findall(r"```python\n(.*?)```", session.group(1) if session else text, re.DOTALL)
    assert found
    return found


def run(page: str, blocks: list[str]) -> None:
    space: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), space)


def test_every_plot_has_a_figure_and_words_for_it() -> None:
    """The build of the documentation runs them; there a failure is an error."""
    folder = DOCS / "figures"
    if not folder.is_dir():
        pytest.skip("the documentation is not part of a source distribution")
    described = tomllib.loads((folder / "alt.toml").read_text(encoding="utf-8"))
    scripts = {path.stem for path in folder.glob("*.py")}
    assert set(scc2s.pl.__all__) == scripts == set(described)
    for name in scripts:
        code = (folder / f"{name}.py").read_text(encoding="utf-8")
        assert f"pl.c2s_{name}(" in code or f"pl.{name}(" in code
        assert 40 < len(described[name]) < 220


@pytest.fixture
def dead_links(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[str]]:
    pytest.importorskip("sphinx")
    if not (DOCS / "extensions").is_dir():
        pytest.skip("the documentation is not part of a source distribution")
    monkeypatch.syspath_prepend(str(DOCS / "extensions"))
    return importlib.import_module("dead_links").dead_links


def test_dead_links_are_found_and_live_ones_are_not(dead_links: Callable[[Path], list[str]], tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "a.html").write_text('<h1 id="x y">A</h1><a href="../b.html#here">b</a><img src="no.png">')
    (tmp_path / "b.html").write_text(
        '<p id="here"></p><a href="api/a.html#x%20y">live</a><a href="#">top</a><a href="api/">none</a>'
        '<a href="#gone">dead</a><a href="api/a.html#gone">dead</a><a href="https://example.org/x#y">far</a>'
        '<a href="mailto:a@b.c">mail</a><a href="../outside.html">dead</a>'
    )
    assert dead_links(tmp_path) == [
        "api/a.html: no.png is not there",
        "b.html: #gone names a place that the page does not have",
        "b.html: ../outside.html is not there",
        "b.html: api/ is not there",
        "b.html: api/a.html#gone names a place that the page does not have",
    ]


@pytest.mark.slow
def test_who_comes_from_another_package_can_follow_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With cell2sentence itself where it is installed, else with a folder in its form."""
    if not (DOCS / "migration.md").is_file():
        pytest.skip("the documentation is not part of a source distribution")
    mpl.use("Agg")
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of("migration.md")
    cells = sc.datasets.pbmc68k_reduced()[:50].raw.to_adata()
    like_helical(cells, tmp_path / "helical_blood")
    if importlib.util.find_spec("cell2sentence") is None:
        theirs = [block for block in blocks if "import cell2sentence" in block]
        assert len(theirs) == 1
        blocks.remove(theirs[0])
        like_cell2sentence(cells, tmp_path / "csdata" / "blood", ("bulk_labels",))
    run("migration.md", blocks)
