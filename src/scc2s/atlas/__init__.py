"""Cells that do not fit into memory: steps of :mod:`scc2s.pp` and :mod:`scc2s.tl` block by block, by many workers."""

from ._resume import resume
from ._run import run
from ._status import status

__all__ = ["resume", "run", "status"]
