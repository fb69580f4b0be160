from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


@dataclass(frozen=True)
class GRPOResult:
    """What a run of :func:`scc2s.train.grpo` gave."""

    folder: Path
    """The finished model, for :func:`scc2s.models.load`."""
    history: pd.DataFrame
    """One row a step, also in ``history.csv``."""
    collapsed: bool
    """Whether the run lost its diversity, its signal or its reference."""
    why: tuple[str, ...]
    """How it did, with figures."""
    metrics: dict[str, float]
    """What the trainer says of the run: seconds, steps a second, loss."""
