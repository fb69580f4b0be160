from __future__ import annotations

import logging

import pytest
import scanpy as sc

from scc2s._logging import logger


@pytest.mark.parametrize(
    ("verbosity", "shown"),
    [(0, "error"), (1, "error warning"), (2, "error warning info"), (3, "error warning info debug")],
)
def test_logger_is_as_talkative_as_scanpy(verbosity: int, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = sc.settings.verbosity
    sc.settings.verbosity = verbosity
    try:
        for level in ("error", "warning", "info", "debug"):
            getattr(logger, level)(level)
    finally:
        sc.settings.verbosity = before
    out, err = capsys.readouterr()
    assert out == ""
    assert err.split() == [word for level in shown.split() for word in ("scc2s:", level)]


def test_root_logger_is_left_alone() -> None:
    assert logger.name == "scc2s"
    assert not any(h in logging.getLogger().handlers for h in logger.handlers)
