"""Tiny random models, written to folders as any user would have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from tiny_models import build_model, build_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Folder of a tiny random model: ``model_folder("gpt_neox")``; written once a session."""
    made: dict[str, Path] = {}

    def make(kind: str, **changes) -> Path:
        name = "-".join([kind, *(f"{key}_{value}" for key, value in changes.items())])
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            build_model(kind, **changes).save_pretrained(folder)
            build_tokenizer(bos=kind.startswith("gemma")).save_pretrained(folder)
            made[name] = folder
        return made[name]

    return make


@pytest.fixture(scope="session")
def tiny(model_folder: Callable[..., Path]) -> Callable[..., object]:
    """Loaded tiny model on the CPU in float32: ``tiny("gemma2")``."""
    from scc2s import models

    return lambda kind, dtype="float32", **changes: models.load(
        model_folder(kind, **changes), device="cpu", dtype=dtype
    )


@pytest.fixture(scope="session")
def exported(model_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Folder of an export, written once for all processes of the tests: torch takes half a minute for a graph."""
    from scc2s.models import export_onnx

    shared = tmp_path_factory.getbasetemp().parent / "onnx"

    def make(kind: str, precision: str = "fp32") -> Path:
        folder = shared / f"{kind}-{precision}"
        shared.mkdir(exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                export_onnx(kind if kind == "scc2s-mini" else model_folder(kind), folder, precision=precision)
        return folder

    return make
