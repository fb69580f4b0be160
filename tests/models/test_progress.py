from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest
import scanpy as sc

from scc2s.models._progress import bar

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _without_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.delenv("READTHEDOCS", raising=False)
    before = sc.settings.verbosity
    sc.settings.verbosity = 1
    yield
    sc.settings.verbosity = before


def written(capsys: pytest.CaptureFixture[str], *, show: bool = True, terminal: bool = True) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.stderr, "isatty", lambda: terminal)
        with bar(2, "embed", show=show) as running:
            time.sleep(1.2)
            running.update(1)
            running.update(1)
    return capsys.readouterr().err


@pytest.mark.parametrize("value", [None, "", "0", "False"])
def test_a_bar_appears_after_a_second(monkeypatch, capsys, value):
    if value is not None:
        monkeypatch.setenv("TQDM_DISABLE", value)
    assert "embed" in written(capsys)


@pytest.mark.parametrize(("name", "value"), [("TQDM_DISABLE", "1"), ("TQDM_DISABLE", "true"), ("READTHEDOCS", "True")])
def test_none_is_written_where_the_surroundings_ask_for_silence(monkeypatch, capsys, name, value):
    monkeypatch.setenv(name, value)
    assert written(capsys) == ""


def test_none_is_written_at_verbosity_0_or_where_it_is_not_wanted(capsys):
    assert written(capsys, show=False) == ""
    sc.settings.verbosity = 0
    assert written(capsys) == ""


@pytest.mark.parametrize(("value", "shown"), [(None, False), ("", False), ("0", True)])
def test_none_is_written_to_a_log_unless_asked_for(monkeypatch, capsys, value, shown):
    if value is not None:
        monkeypatch.setenv("TQDM_DISABLE", value)
    assert ("embed" in written(capsys, terminal=False)) == shown
