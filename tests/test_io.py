from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from scc2s._io import (
    _machine,
    check_writable,
    clear_leftovers,
    replacing,
    replacing_folder,
    write_h5ad,
    write_text,
)

ENDLESS = """
import sys, time
import anndata as ad, numpy as np
from scc2s._io import write_h5ad

slow = ad.AnnData(np.full((300, 200), 2.0, dtype="float32"))
whole = ad.AnnData.write_h5ad

def write(adata, path):
    whole(adata, path)
    print("written", flush=True)  # the new data are there, the rename is not done
    time.sleep(60)

ad.AnnData.write_h5ad = write
write_h5ad(slow, sys.argv[1])
"""


def hidden(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name.startswith(".")]


def test_file_appears_whole(tmp_path: Path) -> None:
    adata = ad.AnnData(np.eye(3, dtype="float32"))
    write_h5ad(adata, tmp_path / "a.h5ad")
    np.testing.assert_array_equal(ad.read_h5ad(tmp_path / "a.h5ad").X, np.eye(3))
    assert hidden(tmp_path) == []


def test_an_error_on_the_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text("old", path)
    with pytest.raises(RuntimeError, match="stop"), replacing(path) as new:
        new.write_text("half")
        raise RuntimeError("stop")
    assert path.read_text() == "old"
    assert hidden(tmp_path) == []


def test_file_has_the_permissions_of_any_other_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("x")
    write_text("x", tmp_path / "ours.txt")
    assert (tmp_path / "ours.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    write_text("old", tmp_path / "real.txt")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    write_text("new", tmp_path / "link.txt")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    write_h5ad(ad.AnnData(np.ones((2, 2), dtype="float32")), path)
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    finally:
        process.kill()
        process.stdout.close()
    assert (ad.read_h5ad(path).X == 1).all()
    assert len(hidden(tmp_path)) == 1  # the new data, under a name that no one takes for the file
    write_text("x", tmp_path / "b.h5ad")
    assert len(hidden(tmp_path)) == 1  # of another target
    write_text("x", path)
    assert hidden(tmp_path) == []


def leftover(target: Path, kind: str, process: int) -> Path:
    """A hidden name as a process that was killed would have left it."""
    return target.with_name(f".{target.stem}.{kind}-{_machine()}-{process}-0123abcd{target.suffix}")


@pytest.fixture
def dead() -> int:
    """Number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(30)
    return process.pid


@pytest.mark.skipif(os.name != "posix", reason="needs process numbers")
class TestLeftovers:
    def test_files_of_processes_that_run_stay(self, tmp_path: Path, dead: int) -> None:
        target = tmp_path / "a.txt"
        for process in (os.getpid(), os.getppid(), dead):
            leftover(target, "new", process).write_text("half")
        other = tmp_path / ".a.new-00000000-1-0123abcd.txt"  # of another machine
        like = tmp_path / ".a.new-notes.txt"
        for file in (other, like):
            file.write_text("x")
        write_text("x", target)
        left = {leftover(target, "new", process).name for process in (os.getpid(), os.getppid())}
        assert set(hidden(tmp_path)) == left | {other.name, like.name}

    def test_folder_that_was_moved_away_is_put_back(self, tmp_path: Path, dead: int) -> None:
        target = tmp_path / "a.zarr"
        for kind in ("old", "new"):
            leftover(target, kind, dead).mkdir()
            (leftover(target, kind, dead) / "data").write_text(kind)
        clear_leftovers(target)
        assert (target / "data").read_text() == "old"
        assert hidden(tmp_path) == []

    def test_folder_that_was_moved_away_and_replaced_is_removed(self, tmp_path: Path, dead: int) -> None:
        target = tmp_path / "a.zarr"
        target.mkdir()
        leftover(target, "old", dead).mkdir()
        clear_leftovers(target)
        assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


class TestFolder:
    def test_takes_the_place_of_the_one_before(self, tmp_path: Path) -> None:
        for text in ("one", "two"):
            with replacing_folder(tmp_path / "a.zarr") as new:
                (new / text).write_text(text)
        assert [p.name for p in (tmp_path / "a.zarr").iterdir()] == ["two"]
        assert hidden(tmp_path) == []

    def test_an_error_on_the_way_leaves_the_old_one(self, tmp_path: Path) -> None:
        (tmp_path / "a.zarr").mkdir(mode=0o700)
        (tmp_path / "a.zarr" / "old").write_text("x")
        with pytest.raises(RuntimeError, match="stop"), replacing_folder(tmp_path / "a.zarr") as new:
            (new / "half").write_text("x")
            raise RuntimeError("stop")
        assert [p.name for p in (tmp_path / "a.zarr").iterdir()] == ["old"]
        assert hidden(tmp_path) == []

    @pytest.mark.parametrize("fails_at", [1, 2])
    def test_a_rename_that_fails_leaves_the_old_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
    ) -> None:
        (tmp_path / "a.zarr").mkdir()
        (tmp_path / "a.zarr" / "old").write_text("x")
        rename, calls = Path.rename, []

        def failing(self: Path, target: Path) -> Path:
            calls.append(target)
            if len(calls) == fails_at:
                raise OSError("no")
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", failing)
        with pytest.raises(OSError, match="no"), replacing_folder(tmp_path / "a.zarr") as new:
            (new / "new").write_text("x")
        assert [p.name for p in (tmp_path / "a.zarr").iterdir()] == ["old"]
        assert hidden(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="needs permissions")
def test_a_private_file_is_private_all_the_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    with replacing(path) as new:
        assert stat.S_IMODE(new.stat().st_mode) == 0o600
        new.write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (tmp_path / "a.zarr").mkdir(mode=0o700)
    with replacing_folder(tmp_path / "a.zarr") as new:
        assert stat.S_IMODE(new.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a.zarr").stat().st_mode) == 0o700


class TestCheckWritable:
    @pytest.mark.parametrize(
        ("name", "folder", "error", "message"),
        [
            ("no/a.txt", False, FileNotFoundError, "mkdir -p"),
            ("folder", False, IsADirectoryError, "is a folder"),
            ("file", True, NotADirectoryError, "is a file"),
            ("file/a.txt", False, FileNotFoundError, "mkdir -p"),
            ("locked", False, PermissionError, "chmod"),
            ("pipe", False, PermissionError, "neither"),
        ],
    )
    def test_says_what_is_wrong(
        self, tmp_path: Path, name: str, folder: bool, error: type[Exception], message: str
    ) -> None:
        (tmp_path / "folder").mkdir()
        for file in ("file", "locked"):
            (tmp_path / file).write_text("x")
        (tmp_path / "locked").chmod(0o444)
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(error, match=message):
            check_writable(tmp_path / name, folder=folder)

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everywhere")
    def test_folder_that_is_read_only(self, tmp_path: Path) -> None:
        (tmp_path / "locked").mkdir(mode=0o555)
        with pytest.raises(PermissionError, match="cannot write to the folder"):
            check_writable(tmp_path / "locked" / "a.txt")

    def test_changes_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("old")
        for name in ("a.txt", "b.txt"):
            check_writable(tmp_path / name)
        assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
        assert (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_process_killed_at_any_moment_leaves_a_readable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    write_h5ad(ad.AnnData(np.zeros((300, 200), dtype="float32")), path)
    code = (
        "import sys, anndata as ad, numpy as np\nfrom scc2s._io import write_h5ad\nprint('go', flush=True)\n"
        "for i in range(10**6): write_h5ad(ad.AnnData(np.full((300, 200), i, dtype='float32')), sys.argv[1])"
    )
    rng = np.random.default_rng(0)
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0.05, 0.4))
        process.kill()
        process.wait(30)
        process.stdout.close()
        X = ad.read_h5ad(path).X
        assert X.shape == (300, 200)
        assert len(np.unique(X)) == 1
