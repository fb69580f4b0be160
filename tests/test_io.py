from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pytest

from scc2s._io import replacing, write_h5ad, write_text

if TYPE_CHECKING:
    from pathlib import Path

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
