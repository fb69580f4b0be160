"""The sessions on the pages of the documentation run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest

DOCS = Path(__file__).parents[1] / "docs"


PAGES = [
    "captions.md",
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
    text = (DOCS / page).read_text(encoding="utf-8")
    session = re.search(r"## A session\n(.*?)(?=\n## |\Z)", text, re.DOTALL)
    blocks = re.findall(r"```python\n(.*?)```", session.group(1) if session else text, re.DOTALL)
    space: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), space)
    assert blocks
