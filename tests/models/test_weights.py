from __future__ import annotations

import hashlib
import os
import pathlib

import pytest

from scc2s.models import _weights
from scc2s.models._weights import weights_hash


def test_one_file_has_its_own_sha256(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"numbers")
    (tmp_path / "config.json").write_text("{}")
    assert weights_hash(tmp_path) == hashlib.sha256(b"numbers").hexdigest()


def test_parts_count_in_the_order_of_their_names(tmp_path):
    for name, content in (("model-2.safetensors", b"b"), ("model-1.safetensors", b"a")):
        (tmp_path / name).write_bytes(content)
    hashes = hashlib.sha256(b"a").hexdigest() + hashlib.sha256(b"b").hexdigest()
    assert weights_hash(tmp_path) == hashlib.sha256(hashes.encode()).hexdigest()


def test_other_weights_have_another_hash(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"one")
    first = weights_hash(tmp_path)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert weights_hash(tmp_path) != first


def test_a_file_is_read_once(tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").write_bytes(b"read once")
    first = weights_hash(tmp_path)
    monkeypatch.setattr(pathlib.Path, "open", lambda *_, **__: pytest.fail("read again"))
    assert weights_hash(tmp_path) == first


def test_a_file_of_the_hub_cache_is_not_read_at_all(tmp_path, monkeypatch):
    name = "a" * 64
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / name).write_bytes(b"large")
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "model.safetensors").symlink_to(tmp_path / "blobs" / name)
    monkeypatch.setattr(_weights, "_read_hash", lambda *_: pytest.fail("read"))
    assert weights_hash(tmp_path / "snapshot") == name
