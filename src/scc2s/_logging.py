"""The `scc2s` logger: as talkative as ``scanpy.settings.verbosity``."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

COMMAND_LINE = "scc2s.cli"
"""Logger of the command line, whose notes are always shown: it has no other way to say what it does unasked."""


class _ScanpyVerbosity(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == COMMAND_LINE:
            return record.levelno >= logging.INFO
        # A message is not a reason to import scanpy, whose default is to warn.
        settings = getattr(sys.modules.get("scanpy"), "settings", None)
        verbosity = 1 if settings is None else int(settings.verbosity)
        level = {0: logging.ERROR, 1: logging.WARNING, 2: logging.INFO}.get(verbosity, logging.DEBUG)
        return record.levelno >= level


class _Stderr(logging.StreamHandler[TextIO]):
    """Looks `sys.stderr` up at each message, so that notebooks and tests that replace it see the messages."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)  # StreamHandler's own would set the stream

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # read-only: nobody sets it
        return sys.stderr


logger = logging.getLogger("scc2s")
if not logger.handlers:
    _handler = _Stderr()
    _handler.setFormatter(logging.Formatter("scc2s: %(message)s"))
    _handler.addFilter(_ScanpyVerbosity())
    logger.addHandler(_handler)
    logger.setLevel(logging.DEBUG)
