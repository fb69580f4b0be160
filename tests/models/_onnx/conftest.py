from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from scc2s.models import export_onnx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def exported(model_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Folder of an export, written once for all processes of the tests: torch takes half a minute for a graph."""
    shared = tmp_path_factory.getbasetemp().parent / "onnx"

    def make(kind: str, precision: str = "fp32") -> Path:
        folder = shared / f"{kind}-{precision}"
        shared.mkdir(exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                export_onnx(kind if kind == "scc2s-mini" else model_folder(kind), folder, precision=precision)
        return folder

    return make
