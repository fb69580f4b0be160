"""Some cells of many, chosen by their names, so that the same data in another order gives the same cells."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from scc2s.sentences import name_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def shuffled(names: Iterable[object], seed: int, *, ties: Sequence[str] | None = None) -> np.ndarray:
    """Rows in an order of chance that depends on the names alone.

    Where a cell stands, and which others there are, changes nothing about who of two cells comes first.

    Parameters
    ----------
    names
        Name of each row.
    seed
        Another seed gives another order.
    ties
        What tells rows of the same name apart, e.g. their sentences; ``None`` leaves these in the order they have.

    Examples
    --------
    >>> names = ["a", "b", "c", "d"]
    >>> [names[i] for i in shuffled(names, 0)] == [names[::-1][i] for i in shuffled(names[::-1], 0)]
    True
    """
    first = name_hashes([str(name) for name in names], seed=seed)
    if ties is None or len(np.unique(first)) == len(first):
        return np.argsort(first, kind="stable")
    return np.lexsort((name_hashes(list(ties), seed=seed), first))


def some_of_each(
    groups: np.ndarray, names: Sequence[object], most: int, seed: int, *, ties: Sequence[str] | None = None
) -> np.ndarray:
    """Rows of at most `most` cells of each group, group by group in the order of their labels.

    Parameters
    ----------
    groups
        Label of each row; ``None``: in no group.
    names, seed, ties
        As in :func:`shuffled`. A cell is drawn or not whatever other groups there are.
    most
        Cells of a group.

    Examples
    --------
    >>> some_of_each(np.array(["x", "y", "x", None], dtype=object), list("abcd"), 1, 0).tolist() in ([0, 1], [2, 1])
    True
    """
    order = shuffled(names, seed, ties=ties)
    label = [None if group is None else str(group) for group in groups]
    place = {group: i for i, group in enumerate(sorted({group for group in label if group is not None}))}
    codes = np.array([-1 if group is None else place[group] for group in label], dtype=np.intp)[order]
    by_group = np.argsort(codes, kind="stable")  # in a group as they were drawn
    starts = np.searchsorted(codes[by_group], np.arange(len(place) + 1))
    picked = [order[by_group[start : min(start + most, end)]] for start, end in pairwise(starts.tolist())]
    return np.concatenate([np.empty(0, dtype=np.intp), *picked])
