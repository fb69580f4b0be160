"""The command that serves: it says where, ends when it is told to, and refuses what it cannot do before it reads."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest
from talking_cells import talking_cells

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    adata = talking_cells()
    adata.obsm["X_umap"] = adata.X[:, :2]
    adata.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_serves_until_it_is_told_to_stop_and_leaves_the_file_as_it_is(source: Path) -> None:
    before = source.read_bytes()
    code = "import sys; from scc2s.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "serve", str(source), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        address = json.loads(process.stdout.readline())["address"]
        with urllib.request.urlopen(f"{address}api/data") as response:
            assert json.load(response)["n_obs"] == 96
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "the page is closed; what was not downloaded from it is gone" in err
    assert source.read_bytes() == before


def test_a_port_that_is_taken_is_said_before_the_file_is_read(run, source: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = run("serve", source.with_name("not-there.h5ad"), "--port", taken.getsockname()[1])
    assert code == 1
    assert "pass --port another one, or 0 for any that is free" in err


def test_a_file_that_is_not_there_is_said(run, tmp_path: Path) -> None:
    code, _, err = run("serve", tmp_path / "none.h5ad", "--port", 0)
    assert (code, "there is no file" in err) == (1, True)


def test_an_address_of_another_machine_is_refused(run, source: Path) -> None:
    code, _, err = run("serve", source, "--host", "192.0.2.1", "--port", 0)
    assert code == 1
    assert "cannot listen at 192.0.2.1" in err
