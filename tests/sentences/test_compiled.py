from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import scc2s

WRITE = """
import numpy as np
from scc2s.sentences import join, parse, rank
X = np.array([[0, 3, 1, 1], [2, 0, 2, 0]], dtype="float32")
ranks = rank(X, names=["A", "B", "C", "D"], tie_break="name")
assert join(ranks, ["A", "B", "C", "D"]).tolist() == ["B C D", "A C"]
assert parse(["B A B"], ["A", "B"]).ranks.tolist() == [[0, 1]]
print("written")
"""
SPOIL = """
import os, shutil
import scc2s.sentences
folder = os.environ["NUMBA_CACHE_DIR"]
shutil.rmtree(folder)
open(folder, "w").close()
"""
MESSAGE = "compiled code cannot be kept on disk"


def run(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA")}
    command = [sys.executable, "-B", "-c", script]
    return subprocess.run(command, env={**env, **variables}, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.slow
def test_without_a_folder_to_write_to_it_compiles_without_a_cache_and_says_so_once(tmp_path: Path) -> None:
    package = tmp_path / "src" / "scc2s"
    shutil.copytree(Path(scc2s.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    # even root cannot write to folders in these places
    (package / "sentences" / "__pycache__").write_text("")
    nowhere = "/proc/nonexistent" if Path("/proc").is_dir() else str(package / "sentences" / "__pycache__" / "home")
    done = run(WRITE, PYTHONPATH=str(package.parent), HOME=nowhere, USERPROFILE=nowhere)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "written\n"
    assert done.stderr.count(MESSAGE) == 1
    assert "NUMBA_CACHE_DIR" in done.stderr


@pytest.mark.slow
def test_a_cache_folder_that_vanishes_or_fills_up_is_no_error(tmp_path: Path) -> None:
    source = str(Path(scc2s.__file__).parents[1])
    done = run(SPOIL + WRITE, PYTHONPATH=source, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "written\n"
    assert done.stderr.count(MESSAGE) == 1


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run compiles and keeps."""
    folder = tmp_path_factory.mktemp("cache")
    source = str(Path(scc2s.__file__).parents[1])
    assert run(WRITE, PYTHONPATH=source, NUMBA_CACHE_DIR=str(folder)).returncode == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "what"), [("nbi", b""), ("nbi", b"\x80\x04nonsense"), ("nbc", b"\x80\x04nonsense")])
def test_damaged_files_of_the_cache_are_made_anew(cache: Path, tmp_path: Path, ending: str, what: bytes) -> None:
    shutil.copytree(cache, tmp_path, dirs_exist_ok=True)
    kept = [path for path in tmp_path.rglob(f"*.{ending}") if "_kernels" in path.name]
    assert len(kept) >= 4
    for path in kept:
        path.write_bytes(what)
    done = run(WRITE, PYTHONPATH=str(Path(scc2s.__file__).parents[1]), NUMBA_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert MESSAGE not in done.stderr
    assert all(path.stat().st_size > len(what) for path in kept)
