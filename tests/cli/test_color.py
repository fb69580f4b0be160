from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

pty = pytest.importorskip("pty")

COLOR = re.compile("\x1b\\[[0-9;]*3[1-7]m")
CODE = "from scc2s.cli import main; main(['embed', '--help'])"


def helped(*, terminal: bool, **more: str) -> str:
    """What ``scc2s embed --help`` writes, to a terminal or into a pipe."""
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS")}
    env = {**clean, "TERM": "xterm", "GITHUB_ACTIONS": "", **more}
    if not terminal:
        return subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True).stdout
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", CODE], env=env, stdout=theirs, stderr=theirs):
        os.close(theirs)
        found = b""
        try:
            while some := os.read(ours, 65536):
                found += some
        except OSError:  # the other end was closed
            pass
    os.close(ours)
    return found.decode()


def test_help_is_in_color_on_a_terminal_and_nowhere_else() -> None:
    assert COLOR.search(helped(terminal=True))
    assert "\x1b" not in helped(terminal=False)


def test_no_color_is_honored() -> None:
    said = helped(terminal=True, NO_COLOR="1")
    assert "--explain" in re.sub("\x1b\\[[0-9;]*m", "", said)
    assert not COLOR.search(said)
