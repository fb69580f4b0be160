"""The main job from end to end on real cells, measured: what ``scc2s demo`` does."""

from ._report import CAVEAT, belief, tables
from ._run import run

__all__ = ["CAVEAT", "belief", "run", "tables"]
