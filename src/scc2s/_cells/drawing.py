"""Several cells drawn together, so that the same cells come out whatever the order of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.sampling import shuffled
from scc2s.sentences import name_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence


class Draws:
    """Sets of cells of a group, each without a repeat.

    A round goes through the cells of a group in an order of chance and cuts it into sets, so that no two sets of one
    round share a cell. Order and sizes depend on the names of the cells, the name of the group and the seed alone.

    Parameters
    ----------
    names
        Name of each row, each once.
    least, most
        Cells of a set: a number from `least` to `most`, each as likely as the others.
    seed
        Seed.

    Examples
    --------
    >>> draws = Draws(list("abcdefg"), 2, 3, 0)
    >>> sets = draws.of("group", np.arange(7), None)
    >>> len(set(np.concatenate(sets).tolist())) >= 6, all(2 <= len(one) <= 3 for one in sets)
    (True, True)
    """

    def __init__(self, names: Sequence[object], least: int, most: int, seed: int) -> None:
        self._names = [str(name) for name in names]
        self._least, self._most, self._seed = least, most, seed
        self._places: dict[int, np.ndarray] = {}

    def of(self, group: str, rows: np.ndarray, n: int | None) -> list[np.ndarray]:
        """Sets of the cells in `rows`: `n` of them, in as many rounds as that takes; ``None``: those of one round."""
        found: list[np.ndarray] = []
        sizes = np.random.default_rng(int(name_hashes([group], seed=self._seed)[0]))
        for number in range(1 if n is None else n):  # a round has at least one
            order = rows[np.argsort(self._place(number)[rows], kind="stable")]
            start = 0
            while len(order) - start >= self._least:
                if n is not None and len(found) == n:
                    return found
                size = int(sizes.integers(self._least, self._most, endpoint=True))
                found.append(order[start : start + size])
                start += size
        return found

    def _place(self, number: int) -> np.ndarray:
        """Place of each row in the order of a round."""
        if number not in self._places:
            order = shuffled(self._names, self._seed if number == 0 else _other(self._seed, number))
            place = np.empty(len(order), dtype=np.intp)
            place[order] = np.arange(len(order))
            self._places[number] = place
        return self._places[number]


def _other(seed: int, number: int) -> int:
    return int(np.random.default_rng([seed, number]).integers(2**62))
