"""What the values of all cells are: looked at block by block, for steps that take logarithms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import expression
from scc2s._cells.values import Facts, Values, evenly

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anndata import AnnData

    from scc2s.atlas._task import Job

_WINDOW = 2048
"""Cells of a block in memory, in each of which some are looked at more closely."""
CHOICES = ("layer", "use_raw", "gene_symbols", "on_duplicate")
"""Parameters that choose the matrix."""


def facts_of(job: Job, cells: AnnData, rows: tuple[int, int], **params: Any) -> dict[str, np.ndarray]:
    """Facts of some cells, as arrays; what is looked at closely is as in memory, whatever the block."""
    expressed = expression(cells, **params)
    start, stop = rows
    close = []
    for window in range(start // _WINDOW * _WINDOW, stop, _WINDOW):
        close.append(window + evenly(min(_WINDOW, job.source.n_obs - window)))
    chosen = np.concatenate(close)
    facts = Facts()
    for first, block in expressed.blocks(_WINDOW):
        low = start + first
        facts.add(block, chosen[(chosen >= low) & (chosen < low + block.shape[0])] - low)
    return facts.state()


def verdict_of(states: Iterable[Mapping[str, np.ndarray]]) -> tuple[Values, int]:
    """What the values are, and how many are above 0."""
    facts = Facts()
    for state in states:
        facts.add_state(state)
    return facts.verdict(), facts.counts["n_positive"]
