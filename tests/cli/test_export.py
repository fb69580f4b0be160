from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def test_bad_input_is_one_line(run: Run, model: str, tmp_path: Path) -> None:
    code, _, err = run("export", model, tmp_path / "onnx", "--precision", "int4")
    assert code == 1
    assert 'use --precision fp32, "fp16" or "int8"' in err
    code, _, err = run("annotate", tmp_path / "no.h5ad", tmp_path / "a.h5ad", "--model", tmp_path, "--backend", "onnx")
    assert code == 1
