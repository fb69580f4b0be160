"""Cells of one niche, and as many of which the others are of other niches."""

from __future__ import annotations

import numpy as np

from ._neighborhoods import MATCHED, NEGATIVE, Drawn

SAME = "same niche"


def draw_niches(
    niche: np.ndarray,
    group: np.ndarray,
    types: np.ndarray | None,
    *,
    hashes: np.ndarray,
    n_contexts: int | None,
    n_cells: int,
    n_negatives: int,
    seed: int,
) -> tuple[list[Drawn], int]:
    """Contexts around the first cells that have others of their niche and of another one beside them.

    Parameters
    ----------
    niche
        Number of the niche of each cell.
    group
        Number of the section and part of each cell; contexts stay within one.
    types
        Number of the type of each cell, for negatives whose other cells are of the same types; ``None``: none.
    hashes
        uint64 of the name of each cell: what is drawn for a cell depends on its name and the seed.
    n_contexts
        Positives; ``None``: one for every cell.
    n_cells
        Cells of a context.
    n_negatives
        For each positive, of each kind.
    seed
        Of the draws.

    Returns
    -------
    Contexts, and the number of matched negatives that could not be drawn.
    """
    pools: dict[tuple[int, int, bool, int], np.ndarray] = {}

    def pool(center: int, *, own: bool, kind: int = -1) -> np.ndarray:
        key = (int(group[center]), int(niche[center]), own, kind)
        if key not in pools:
            here = (group == key[0]) & ((niche == key[1]) == own)
            pools[key] = np.flatnonzero(here if kind < 0 or types is None else here & (types == kind))
        return pools[key]

    found: list[Drawn] = []
    n_found = n_lost = 0
    for center in range(len(niche)):
        if n_contexts is not None and n_found >= n_contexts:
            break
        same, other = pool(center, own=True), pool(center, own=False)
        if len(same) < n_cells or len(other) < n_cells - 1:
            continue
        rng = np.random.default_rng([seed, int(hashes[center])])
        drawn = rng.choice(same, n_cells, replace=False)
        mates = drawn[drawn != center][: n_cells - 1]
        n_found += 1
        found.append(Drawn(SAME, center, 0, rng.permutation(np.append(mates, center)), len(same) - 1))
        for number in range(n_negatives):
            others = rng.choice(other, n_cells - 1, replace=False)
            found.append(Drawn(NEGATIVE, center, number, rng.permutation(np.append(others, center)), len(same) - 1))
        for number in range(0 if types is None else n_negatives):
            kinds, counts = np.unique(np.asarray(types)[mates], return_counts=True)
            of_kind = [pool(center, own=False, kind=int(kind)) for kind in kinds]
            if any(len(cells) < n for cells, n in zip(of_kind, counts, strict=True)):
                n_lost += 1
                continue
            alike = [rng.choice(cells, n, replace=False) for cells, n in zip(of_kind, counts, strict=True)]
            cells = rng.permutation(np.append(np.concatenate(alike), center))
            found.append(Drawn(MATCHED, center, number, cells, len(same) - 1))
    return found, n_lost
