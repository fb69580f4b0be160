from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
def test_an_exported_model_embeds_as_the_model_does(run: Run, cells: Path, model: str, tmp_path: Path) -> None:
    code, out, _ = run("export", model, tmp_path / "onnx", "--json")
    assert code == 0
    assert json.loads(out)["agreement"]["embedding_max_difference"] <= 1e-4
    run("embed", cells, tmp_path / "a.h5ad", "--model", model, "--dtype", "float32")
    code, _, _ = run("embed", cells, tmp_path / "b.h5ad", "--model", tmp_path / "onnx", "--backend", "onnx")
    assert code == 0
    a, b = (ad.read_h5ad(tmp_path / name).obsm["X_c2s"] for name in ("a.h5ad", "b.h5ad"))
    assert np.abs(a - b).max() < 1e-4


def test_bad_input_is_one_line(run: Run, model: str, tmp_path: Path) -> None:
    code, _, err = run("export", model, tmp_path / "onnx", "--precision", "int4")
    assert code == 1
    assert 'use --precision fp32, "fp16" or "int8"' in err
    code, _, err = run("annotate", tmp_path / "no.h5ad", tmp_path / "a.h5ad", "--model", tmp_path, "--backend", "onnx")
    assert code == 1
