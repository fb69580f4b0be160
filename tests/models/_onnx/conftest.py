from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def graph_at_hand(exported: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports of the small GPT-NeoX take the graph that another test has made: for tests of what is done with it."""

    def copy(_source: object, path: Path, precision: str) -> None:
        for file in exported("gpt_neox", precision).glob(f"{path.name}*"):
            shutil.copy(file, path.parent)

    for precision in ("fp32", "fp16"):
        exported("gpt_neox", precision)
    monkeypatch.setattr("scc2s.models._onnx._export._write_graph", copy)
