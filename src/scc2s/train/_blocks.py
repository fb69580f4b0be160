"""Space cut into blocks for training and for tests, with a band between them that belongs to neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s.sentences import name_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._near import Near

TRAIN, TEST, GUARD = 0, 1, -1
_PER_SECTION = 25
"""Blocks that a section is cut into, where no size is given."""
_LEAST_WIDE = 4.0
"""Width of a block in widths of the band: narrower ones would be little else than band."""


def usual_size(points: np.ndarray, section: np.ndarray, guard: float) -> float:
    """Side of a block: 25 to a section of middling area, at least four times the band."""
    areas = []
    for name in np.unique(section):
        here = points[section == name, :2]
        sides = here.max(axis=0) - here.min(axis=0)
        areas.append(float(np.prod(np.maximum(sides, sides.max() / _PER_SECTION))))
    return max(float(np.sqrt(np.median(areas) / _PER_SECTION)), _LEAST_WIDE * guard)


def blocks(points: np.ndarray, section: np.ndarray, names: Sequence[str], size: float) -> np.ndarray:
    """Name of the block of each cell: squares of `size` over x and y, from the corner of the section's first cell.

    Parameters
    ----------
    points
        Cells x 2 or more.
    section
        Number of the section of each cell.
    names
        Name of each section; one without a name stands in no name of a block.
    size
        Side of a square.

    Examples
    --------
    >>> blocks(np.array([[0.0, 0.0], [5.0, 9.0], [11.0, 0.0]]), np.zeros(3, dtype=int), ["A"], 10.0).tolist()
    ['A 0,0', 'A 0,0', 'A 1,0']
    """
    found = np.empty(len(points), dtype=object)
    for number, name in enumerate(names):
        rows = np.flatnonzero(section == number)
        if not len(rows):
            continue
        places = np.floor((points[rows, :2] - points[rows, :2].min(axis=0)) / size).astype(np.int64)
        found[rows] = [f"{name} {x},{y}".strip() for x, y in places.tolist()]
    return found


def parts(block: np.ndarray, section: np.ndarray, near: Near, test_share: float, seed: int) -> np.ndarray:
    """0 for cells to train with, 1 for cells to test with, -1 for cells of training that are too near to a test.

    Of each section with several blocks some of chance, by their names and the seed, are for the test until they hold
    `test_share` of its cells. Cells of other blocks that touch one of the test are left out, so that nothing of a test
    is near anything of training.

    Raises
    ------
    ValueError
        If no section has two blocks, or the band leaves nothing to train with.
    """
    names = block.astype(str)
    part = np.full(len(names), TRAIN)
    for number in np.unique(section):
        rows = np.flatnonzero(section == number)
        there, counts = np.unique(names[rows], return_counts=True)
        order = np.argsort(name_hashes([str(name) for name in there], seed=seed), kind="stable")
        before = np.cumsum(counts[order]) - counts[order]
        chosen = order[before < test_share * counts.sum()][: len(there) - 1]
        part[rows[np.isin(names[rows], there[chosen])]] = TEST
    if not (part == TEST).any():
        msg = (
            "the cells of a section lie in a single block, so that none is left for a test; pass a smaller block_size= "
            "(or radius=), or split=None"
        )
        raise ValueError(msg)
    training, testing = np.flatnonzero(part == TRAIN), np.flatnonzero(part == TEST)
    part[training[near.touching(training, testing)]] = GUARD
    if not (part == TRAIN).any():
        msg = "all cells are too near to a test block to train with; pass a larger block_size= or a smaller radius="
        raise ValueError(msg)
    return part
