"""Cells of one neighbourhood, and as many that are of none: for the question whether cells share a neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ._near import Near

POSITIVE, NEGATIVE, MATCHED = "neighborhood", "negative", "matched negative"
_CHUNK = 2048
"""Centres whose neighbours are held at a time."""
_TRIES = 20
"""Draws of a negative before it is given up: by chance it may be a neighbourhood of its own."""


@dataclass(frozen=True)
class Drawn:
    """One context."""

    kind: str
    center: int
    """Cell that the positive is around; of a negative: of the positive that it stands beside."""
    number: int
    """Which of the negatives of its kind beside one positive, from 0."""
    cells: np.ndarray
    """In an order of chance, so that the centre is not told by its place."""
    n_around: int
    """Cells near the centre, those that are not in the context too."""


@dataclass
class Counts:
    """What was left out, and why."""

    isolated: int = 0
    """Cells with too few others near them."""
    border: int = 0
    """Centres whose neighbourhood reaches out of their part, as far as they were looked at."""
    no_negative: int = 0
    """Centres without as many cells outside, left out."""
    no_match: int = 0
    """Negatives of the same types that could not be drawn."""


@dataclass(frozen=True)
class Pool:
    """Cells that negatives are drawn from, in an order that depends on no row.

    Parameters
    ----------
    group
        Number of the section and part of each cell; below 0: not to be drawn.
    type
        Number of the type of each cell; ``None``: nothing is matched.
    """

    group: np.ndarray
    type: np.ndarray | None
    _of: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def cells(self, group: int, kind: int = -1) -> np.ndarray:
        """All of a group, or those of a type."""
        if (group, kind) not in self._of:
            here = np.flatnonzero(self.group == group)
            if kind >= 0 and self.type is not None:
                here = here[self.type[here] == kind]
            self._of[group, kind] = here
        return self._of[group, kind]


def draw(
    near: Near,
    pool: Pool,
    *,
    hashes: np.ndarray,
    n_contexts: int | None,
    n_cells: int | None,
    min_cells: int,
    n_negatives: int,
    seed: int,
) -> tuple[list[Drawn], Counts]:
    """Neighbourhoods around the first cells that have one, each with its negatives.

    Parameters
    ----------
    near
        Neighbours.
    pool
        What may stand in a context; a neighbourhood that reaches into another group is none.
    hashes
        uint64 of the name of each cell: what is drawn for a centre depends on its name and the seed.
    n_contexts
        Positives; ``None``: around every cell.
    n_cells
        Most cells of a context; ``None``: all that are near.
    min_cells
        Fewest cells of a neighbourhood, the centre counted.
    n_negatives
        For each positive, of each kind: cells of chance, and with ``pool.type`` cells of the same types.
    seed
        Of the draws.
    """
    wanted = np.inf if n_contexts is None else n_contexts
    crowded = near.n_around() + 1 >= min_cells
    counts = Counts(isolated=int((~crowded & (pool.group >= 0)).sum()))
    centers = np.flatnonzero(crowded & (pool.group >= 0))
    found: list[Drawn] = []
    n_found = 0
    for start in range(0, len(centers), _CHUNK):
        some = centers[start : start + _CHUNK]
        for center, around in zip(some.tolist(), near.around(some), strict=True):
            if n_found >= wanted:
                return found, counts
            if (pool.group[around] != pool.group[center]).any():
                counts.border += 1
                continue
            rng = np.random.default_rng([seed, int(hashes[center])])
            shown = _some(around, center, n_cells, rng)
            beside = [_negative(near, pool, center, shown, around, rng) for _ in range(n_negatives)]
            if any(cells is None for cells in beside):
                counts.no_negative += 1
                continue
            n_found += 1
            found.append(Drawn(POSITIVE, center, 0, shown, len(around) - 1))
            found += [Drawn(NEGATIVE, center, i, c, len(around) - 1) for i, c in enumerate(beside) if c is not None]
            if pool.type is None:
                continue
            for number in range(n_negatives):
                cells = _matched(near, pool, center, shown, around, rng)
                if cells is None:
                    counts.no_match += 1
                else:
                    found.append(Drawn(MATCHED, center, number, cells, len(around) - 1))
    return found, counts


def _some(around: np.ndarray, center: int, n_cells: int | None, rng: np.random.Generator) -> np.ndarray:
    """The centre and cells of chance around it."""
    if n_cells is not None and len(around) > n_cells:
        others = around[around != center]
        around = np.append(rng.choice(others, n_cells - 1, replace=False), center)
    return rng.permutation(around)


def _negative(
    near: Near, pool: Pool, center: int, shown: np.ndarray, around: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """As many cells of the group that are not near the centre, and not all near one of them."""
    cells = pool.cells(int(pool.group[center]))
    for _ in range(_TRIES):
        drawn = _outside(cells, around, len(shown), rng)
        if drawn is None:
            return None
        if not near.together(drawn):
            return drawn
    return None


def _matched(
    near: Near, pool: Pool, center: int, shown: np.ndarray, around: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """The same, with as many cells of each type as are shown."""
    if pool.type is None:
        return None
    kinds, n = np.unique(pool.type[shown], return_counts=True)
    group = int(pool.group[center])
    for _ in range(_TRIES):
        parts = [
            _outside(pool.cells(group, kind), around, m, rng)
            for kind, m in zip(kinds.tolist(), n.tolist(), strict=True)
        ]
        there = [part for part in parts if part is not None]
        if len(there) < len(parts):
            return None
        drawn = rng.permutation(np.concatenate(there))
        if not near.together(drawn):
            return drawn
    return None


def _outside(cells: np.ndarray, around: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray | None:
    """`n` of the cells that are not around, each as likely; ``None`` where there are fewer."""
    # Of n + len(around) different cells at most len(around) are to be left out, so no draw is ever repeated.
    drawn = rng.choice(cells, min(len(cells), n + len(around)), replace=False)
    drawn = drawn[~np.isin(drawn, around, assume_unique=True)][:n]
    return drawn if len(drawn) == n else None
