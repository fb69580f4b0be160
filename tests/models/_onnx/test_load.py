"""A folder that is not what it says, or a runtime that cannot do what is asked, is an error that names the mend."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

import scc2s
from scc2s.models._onnx import _session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(exported: Callable[..., Path], tmp_path: Path) -> Path:
    return shutil.copytree(exported("gpt_neox"), tmp_path / "model")


def load(folder: Path, **arguments):
    return scc2s.models.load(folder, backend="onnx", **arguments)


def test_the_same_call_gives_the_same_object(folder):
    assert load(folder, device="cpu") is load(folder, device="cpu")


def test_a_damaged_or_missing_file_is_named(folder):
    data = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"model.onnx is damaged.*export_onnx"):
        load(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks model.onnx.*export_onnx"):
        load(folder)
    (folder / "scc2s_onnx.json").write_text("{")
    with pytest.raises(ValueError, match=r"is damaged; export the model again"):
        load(folder)
    (folder / "scc2s_onnx.json").unlink()
    with pytest.raises(FileNotFoundError, match="is not an exported model"):
        load(folder)


def test_a_record_of_another_version_is_refused(folder):
    record = json.loads((folder / "scc2s_onnx.json").read_text())
    (folder / "scc2s_onnx.json").write_text(json.dumps(record | {"format": 99}))
    with pytest.raises(ValueError, match="another version of scc2s; export the model again"):
        load(folder)


def test_a_graph_that_onnxruntime_cannot_read_is_an_error(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no graph at all")
    with pytest.raises(ValueError, match="cannot open model.onnx"):
        _session.open_session(tmp_path / "model.onnx", "cpu")


def test_a_folder_of_the_other_backend_names_the_right_one(folder):
    with pytest.raises(ValueError, match=r'is an exported model; use load\(..., backend="onnx"\)'):
        scc2s.models.load(folder)
    with pytest.raises(FileNotFoundError, match="is not an exported model"):
        load(scc2s.models._sources.find("scc2s-mini", None).folder)
    with pytest.raises(ValueError, match="settled when the model was exported"):
        load(folder, dtype="float32")
    with pytest.raises(ValueError, match='use backend="torch", "onnx" or "server"'):
        scc2s.models.load(folder, backend="tensorflow")


def test_a_device_that_does_not_work_is_never_a_silent_fallback(folder):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is a GPU package here")
    assert load(folder, device="auto").device == "cpu"
    with pytest.raises(ValueError, match=r"does not run on 'cuda' here.*scc2s\[onnx-gpu\]"):
        load(folder, device="cuda")
    with pytest.raises(ValueError, match="unknown device 'tpu'"):
        load(folder, device="tpu")


def test_two_distributions_at_once_are_explained(monkeypatch):
    monkeypatch.setattr(_session, "_version", lambda name: "1.31.1")
    with pytest.raises(ImportError, match="both installed .* keep one: pip uninstall -y onnxruntime onnxruntime-gpu"):
        _session.import_runtime()


def test_layers_and_text_that_the_graph_does_not_give_are_refused(folder):
    model = load(folder)
    with pytest.raises(ValueError, match=r'pass layer=-1, or use backend="torch"'):
        model.embed(["Genes: CD3D"], layer=1)
    assert not isinstance(model, scc2s.models.Generates)
    assert isinstance(model, scc2s.models.Embeds)
    assert isinstance(model, scc2s.models.Scores)
    assert isinstance(model, scc2s.models.Reads)


def test_prompts_over_the_context_are_refused_never_cut(folder):
    model = load(folder)
    with pytest.raises(ValueError, match="do not fit the context of 512 tokens"):
        model.embed(["CD3D " * 2000])
    assert np.isfinite(model.embed(["CD3D " * 100], progress=False)).all()
