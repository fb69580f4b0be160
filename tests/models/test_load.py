from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from tiny_models import prompts

import scc2s
from scc2s import models
from scc2s.models import _load


def test_models_import_neither_torch_nor_transformers():
    code = (
        "import sys; import scc2s.models as m; m.catalogue(); m.CallableModel(generate=list); m.LabelScores;"
        "heavy = {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_is_loaded_once(model_folder):
    folder = model_folder("gpt_neox")
    first = models.load(folder, device="cpu", dtype="float32")
    assert models.load(str(folder), device="cpu", dtype="float32") is first
    assert models.load(folder, device="cpu", dtype="bfloat16") is not first
    assert models.load(folder, device="cpu", dtype="float32") is first


def test_a_model_trained_further_is_loaded_anew(model_folder, tmp_path):
    folder = shutil.copytree(model_folder("gpt_neox"), tmp_path / "model")
    text = prompts(1, 0)
    first = models.load(folder, dtype="float32")
    before = first.embed(text)  # some versions of safetensors map the file, which is written over below
    weights = load_file(folder / "model.safetensors")
    save_file({name: 2 * value for name, value in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    os.utime(folder / "model.safetensors", ns=(1, 1))
    second = models.load(folder, dtype="float32")
    assert second.info()["weights_hash"] != first.info()["weights_hash"]
    assert np.abs(second.embed(text) - before).max() > 0.01


def test_few_models_are_kept(model_folder, monkeypatch):
    monkeypatch.setattr(_load, "_loaded", type(_load._loaded)())
    monkeypatch.setattr(_load, "_KEEP", 2)
    kinds = ("gpt_neox", "gemma2", "llama")
    loaded = {kind: models.load(model_folder(kind), device="cpu", dtype="float32") for kind in kinds}
    assert len(_load._loaded) == 2
    assert models.load(model_folder("llama"), device="cpu", dtype="float32") is loaded["llama"]
    assert models.load(model_folder("gpt_neox"), device="cpu", dtype="float32") is not loaded["gpt_neox"]


def test_no_name_means_the_one_in_the_settings(model_folder):
    with scc2s.settings.override(model=str(model_folder("gemma2"))):
        assert models.load().id == str(model_folder("gemma2"))


def test_an_object_is_used_as_it_is(tiny):
    model = tiny("gpt_neox")
    assert models.load(model) is model
    with pytest.raises(ValueError, match=r"an object is used as it is: load\(model\)"):
        models.load(model, dtype="float16")
    with pytest.raises(TypeError, match=r"a dict is not a model.*CallableModel\(generate=function\)"):
        models.load({})


def test_unknown_backends_devices_and_number_formats_say_what_there_is(model_folder):
    folder = model_folder("gpt_neox")
    with pytest.raises(ValueError, match='use backend="torch", "onnx" or "server"'):
        models.load(folder, backend="jax")
    with pytest.raises(ValueError, match='device="auto"'):
        models.load(folder, device="quantum")
    with pytest.raises(ValueError, match='dtype="auto"'):
        models.load(folder, dtype="int3")
    for name in (folder, "scc2s-mini"):
        with pytest.raises(ValueError, match="without revision="):
            models.load(name, revision="main")


@pytest.mark.parametrize(
    "name", ["no_such_model", "./here/there", "/no/such/folder", "a/b/c", "bad name/x", "~/nothing"]
)
def test_a_name_that_is_nothing_is_an_error_without_network(name, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was asked"))
    with pytest.raises(FileNotFoundError, match=r"neither a folder, nor a hub id.*catalogue\(\)"):
        models.load(name)


def test_a_local_model_needs_no_network(model_folder, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was asked"))
    monkeypatch.setattr(_load, "_loaded", type(_load._loaded)())
    model = models.load(model_folder("gpt_neox"))
    model.embed(prompts(2, 0))
    model.score(prompts(2, 0), [" B cell"])
    model.generate(prompts(2, 0), max_new_tokens=2)


def test_loading_shows_no_bar_for_what_takes_no_time(model_folder, capsys, monkeypatch):
    from transformers.utils import logging

    monkeypatch.setattr(_load, "_loaded", type(_load._loaded)())
    models.load(model_folder("gpt_neox"), device="cpu")
    assert "Loading" not in capsys.readouterr().err
    assert logging.is_progress_bar_enabled()
