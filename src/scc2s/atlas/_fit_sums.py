"""One line from rank to expression for all cells: exact sums of blocks, put together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from scc2s.pp._rank_fit import fitted, summed
from scc2s.sentences._rank_sums import RankSums

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from anndata import AnnData

    from scc2s._cells.values import Values
    from scc2s.atlas._task import Job

_PAIRS = 2_000_000
_NOT_OF_SUMS = ("fit_range", "key_added")


def halvings(n_pairs: int) -> int:
    """How often the limit of the cells that are kept is halved for sure, with so many pairs in all."""
    return max(0, math.floor(math.log2(max(1, n_pairs) / _PAIRS)) - 2)


def sums_of(job: Job, cells: AnnData, rows: tuple[int, int], **params: Any) -> dict[str, np.ndarray]:  # noqa: ARG001
    """Sums over some cells, as arrays."""
    chosen = {name: value for name, value in params.items() if name not in _NOT_OF_SUMS}
    return summed(cells, **chosen, halved=job.halved)[0].state()


def fit_of(
    states: Iterable[Mapping[str, np.ndarray]], values: Values, params: Mapping[str, Any], halved: int
) -> dict[str, Any] | None:
    """The line through all sums, as a record has it; ``None`` if blocks kept fewer cells than all would in memory."""
    sums = RankSums(seed=int(params.get("random_state", 0)))
    for state in states:
        sums.add_state(state)
    if halved and sums.halved <= halved:
        return None
    wanted = params.get("fit_range", "auto")
    fit_range = tuple(wanted) if isinstance(wanted, list) else wanted
    return fitted(
        sums, values, fit_range, float(params.get("target_sum", 1e4)), float(params.get("base", math.e))
    ).to_dict()
