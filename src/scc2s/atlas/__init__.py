"""Cells that do not fit into memory: steps of :mod:`scc2s.pp` and :mod:`scc2s.tl` block by block, by many workers."""

from ._run import run

__all__ = ["run"]
