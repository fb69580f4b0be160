"""Tutorials whose cells come with no package have an executed copy in the repository, made from the same source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "tutorials"
if not FOLDER.is_dir():
    pytest.skip("a source distribution has no tutorials", allow_module_level=True)

ALL = sorted(FOLDER.glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def needs_data(path: Path) -> bool:
    return any("SCC2S_SHARED_DATA" in "".join(cell["source"]) for cell in cells(path))


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_is_committed_without_outputs(path: Path) -> None:
    assert not [cell for cell in cells(path) if cell.get("outputs")]


@pytest.mark.parametrize("path", [path for path in ALL if needs_data(path)], ids=lambda path: path.stem)
def test_copy_was_executed_from_this_source_without_errors(path: Path) -> None:
    copy = FOLDER / "executed" / path.name
    assert copy.is_file(), f"python scripts/execute_tutorials.py {path.stem}"
    made = cells(copy)
    assert [cell["source"] for cell in made] == [cell["source"] for cell in cells(path)], f"execute {path.stem} again"
    outputs = [output for cell in made for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output["output_type"] == "error"]
