"""The `scc2s` logger: as talkative as ``scanpy.settings.verbosity``."""

from __future__ import annotations

import logging
import sys
from typing import TextIO


class _ScanpyVerbosity(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        from scanpy import settings

        level = {0: logging.ERROR, 1: logging.WARNING, 2: logging.INFO}.get(int(settings.verbosity), logging.DEBUG)
        return record.levelno >= level


class _Stderr(logging.StreamHandler):
    """Looks `sys.stderr` up at each message, so that notebooks and tests that replace it see the messages."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)  # StreamHandler's own would set the stream

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


logger = logging.getLogger("scc2s")
if not logger.handlers:
    _handler = _Stderr()
    _handler.setFormatter(logging.Formatter("scc2s: %(message)s"))
    _handler.addFilter(_ScanpyVerbosity())
    logger.addHandler(_handler)
    logger.setLevel(logging.DEBUG)
