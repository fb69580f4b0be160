"""Whenever a process is killed that replaces an export, the export is there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tiny_models import prompts

from scc2s import models
from scc2s.models._onnx import _swap

KILLED = """
import os, signal, sys
from pathlib import Path
from scc2s.models._onnx import _swap
target, made, after = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
done, rename, rmtree = 0, Path.rename, _swap.shutil.rmtree
def counted(act):
    def step(*args, **options):
        global done
        if done == after:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        return act(*args, **options)
    return step
Path.rename = counted(rename)
_swap.shutil.rmtree = counted(rmtree)
_swap.put(made, target)
"""


def folder_of(path, content):
    path.mkdir()
    (path / "graph").write_text(content)
    return path


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_kill_before_any_step_leaves_the_old_or_the_new_one(tmp_path, after):
    target, made = folder_of(tmp_path / "out", "old"), folder_of(tmp_path / "made", "new")
    done = subprocess.run([sys.executable, "-c", KILLED, str(target), str(made), str(after)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    _swap.restore(target)
    assert (target / "graph").read_text() == ("new" if after == 2 else "old")
    _swap.put(folder_of(tmp_path / "next", "next"), target)
    assert (target / "graph").read_text() == "next"
    assert not list(tmp_path.glob(".out*"))


def test_an_export_that_was_moved_away_by_a_killed_process_loads(exported, tmp_path):
    pytest.importorskip("onnxscript")
    shutil.copytree(exported("gpt_neox"), tmp_path / "out")
    texts = prompts(2, 0)
    want = models.load(tmp_path / "out", backend="onnx", device="cpu").embed(texts)
    (tmp_path / "out").rename(tmp_path / ".out.before")
    found = models.load(tmp_path / "out", backend="onnx", device="cpu").embed(texts)
    np.testing.assert_array_equal(found, want)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failed_move_gives_the_old_one_back(tmp_path):
    target = folder_of(tmp_path / "out", "old")
    with pytest.raises(OSError, match="nowhere"):
        _swap.put(tmp_path / "nowhere", target)
    assert (target / "graph").read_text() == "old"


def test_only_leftovers_of_long_ago_are_deleted(tmp_path):
    old, new = folder_of(tmp_path / ".out-a", "x"), folder_of(tmp_path / ".out-b", "x")
    os.utime(old, (time.time() - 1e6,) * 2)
    _swap.sweep(tmp_path / "out", ".out-")
    assert [path.name for path in tmp_path.iterdir()] == [new.name]
