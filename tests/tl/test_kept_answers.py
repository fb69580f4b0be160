"""A killed run goes on from where it was, in every tool that lets a model write."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import kept_runs
import pandas as pd
import pytest

from scc2s.models import ResponseCache

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = [tool if tool == "generate" else pytest.param(tool, marks=pytest.mark.slow) for tool in kept_runs.TOOLS]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a process cannot be killed so")
@pytest.mark.parametrize("tool", TOOLS)
def test_a_killed_run_goes_on_and_a_finished_one_asks_nothing_again(tool: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    command = [sys.executable, kept_runs.__file__, tool, str(path), "90"]
    killed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL, f"{killed.stdout[-2000:]}\n{killed.stderr[-4000:]}"
    n_kept = len(ResponseCache(path))
    assert n_kept >= 20
    writer = kept_runs.model()
    found = kept_runs.run(tool, path, writer)
    assert len(writer.asked) == len(ResponseCache(path)) - n_kept > 0
    writer.asked.clear()
    again = kept_runs.run(tool, path, writer)
    assert not writer.asked
    whole = kept_runs.run(tool, tmp_path / "other.sqlite", kept_runs.model())
    for tables in (again, whole):
        for one, other in zip(found, tables, strict=True):
            pd.testing.assert_frame_equal(one, other)
