from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scc2s.cli import _health

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def states(checks: object) -> dict[str, _health.Check]:
    return {check.name: check for check in checks}  # type: ignore[attr-defined]


def test_this_installation_is_well_and_no_network_is_touched(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", connect)
    code, out, err = run("doctor")
    assert code == 0, out
    assert err == ""
    for word in ("environment", "packages", "extras", "backends", "folders", "models", "numpy", "scc2s-mini"):
        assert word in out
    assert "\x1b" not in out
    assert out.endswith("nothing that is needed is missing\n")


def test_json_has_all_checks(run: Run) -> None:
    code, out, _ = run("doctor", "--json")
    assert code == 0
    found = {check["name"]: check for check in json.loads(out)}
    assert found["torch"]["section"] == "packages"
    assert found["torch, cpu"]["state"] == "ok"


def test_a_package_that_is_old_or_missing_is_a_fault_with_the_command_that_mends_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = _health._installed
    monkeypatch.setattr(_health, "_installed", lambda name: {"numpy": "1.26.4", "tqdm": None}.get(name, real(name)))
    found = states(_health.packages())
    assert found["numpy"].state == "fault"
    assert found["numpy"].mend.startswith('pip install "numpy>=')
    assert "not installed" in found["tqdm"].said
    code, out, _ = run("doctor")
    assert code == 1
    assert "2 to mend, marked fault" in out


def test_an_extra_that_is_missing_is_no_fault_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = _health._installed
    monkeypatch.setattr(_health, "_installed", lambda name: None if name == "trl" else real(name))
    found = states(_health.extras())
    assert found["train"].state == "note"
    assert found["train"].said.startswith("no trl")
    assert found["train"].mend == 'pip install "scc2s[train]"'
    assert not set(_health.FOR_DEVELOPERS) & set(found)


def test_a_model_setting_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from scc2s import settings

    for name, state, said in (
        (str(tmp_path), "fault", "not a model folder"),
        ("no such model", "fault", "neither a folder nor a hub id"),
        ("there/is-none", "note", "not downloaded yet"),
        ("http://localhost:1/v1", "ok", "an address"),
    ):
        with settings.override(model=name):
            found = states(_health.model())[name]
        assert found.state == state
        assert said in found.said
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with settings.override(model="there/is-none"):
        found = states(_health.model())
    assert found["there/is-none"].state == "fault"
    assert found["downloads"].mend == "unset HF_HUB_OFFLINE"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir()
    shut.chmod(stat.S_IRUSR | stat.S_IXUSR)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(shut / "kernels"))
    found = states(_health.folders())["compiled kernels"]
    assert found.state == "note"
    assert found.mend == "export NUMBA_CACHE_DIR=FOLDER"


def test_a_place_below_a_file_cannot_be_written_and_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert not _health._writable(tmp_path / "file" / "folder")
    assert _health._writable(tmp_path / "new" / "newer")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.slow
def test_torch_that_cannot_be_imported_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so: cannot open')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from scc2s.cli import _health\n"
        "found = {check.name: check for check in _health.backends()}\n"
        "assert found['torch'].state == 'fault', found\n"
        "assert 'libcudart' in found['torch'].said\n"
        "assert found['torch'].mend == 'pip install --force-reinstall torch'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
