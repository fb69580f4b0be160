from __future__ import annotations

import os
import subprocess
import sys

import pytest


def completed(words: str, at: int) -> list[str]:
    """What bash is offered for a line."""
    env = {
        **os.environ, "_SCC2S_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at),
    }  # fmt: skip
    code = "from scc2s.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "at", "offered"),
    [
        ("scc2s ann", 1, {"annotate"}),
        ("scc2s embed a b --expl", 4, {"--explain"}),
        ("scc2s embed a b --model scc2s", 5, {"scc2s-mini"}),
        ("scc2s embed a b --device c", 5, {"cpu", "cuda"}),
    ],
)
def test_the_shell_is_offered_what_fits(words: str, at: int, offered: set[str]) -> None:
    assert set(completed(words, at)) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(shell: str) -> None:
    env = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    code = f"from scc2s.cli import main; main(['--show-completion', '{shell}'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert "_SCC2S_COMPLETE" in done.stdout
