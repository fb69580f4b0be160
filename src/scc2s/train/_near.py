"""What is near a cell: within a radius, or joined to it in a graph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from scipy.spatial import cKDTree


class Near(Protocol):
    """Neighbours of cells that are numbered from 0."""

    def around(self, rows: np.ndarray) -> list[np.ndarray]:
        """Cells near each of `rows`, in order of their numbers, itself among them."""
        ...

    def n_around(self) -> np.ndarray:
        """How many cells are near each, itself not counted."""
        ...

    def touching(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Which of `rows` are near one of `others`."""
        ...

    def together(self, rows: np.ndarray) -> bool:
        """Whether all of `rows` are near one of them, so that they are a neighbourhood."""
        ...


@dataclass(frozen=True)
class Radius:
    """Cells of one section at most `radius` away.

    Parameters
    ----------
    points
        Coordinates, float64, cells x 2 or 3.
    section
        Number of the section of each cell.
    radius
        In the unit of the coordinates.
    guard
        Distance that counts as touching; at least `radius`.
    """

    points: np.ndarray
    section: np.ndarray
    radius: float
    guard: float

    @cached_property
    def _apart(self) -> np.ndarray:
        """Coordinates in which sections lie further apart than any distance that is asked for."""
        far = 4.0 * max(self.radius, self.guard)
        return np.column_stack([self.points, self.section.astype(np.float64) * far])

    @cached_property
    def _tree(self) -> cKDTree:
        from scipy.spatial import cKDTree

        return cKDTree(self._apart)

    def around(self, rows: np.ndarray) -> list[np.ndarray]:
        found = self._tree.query_ball_point(self._apart[rows], self.radius, return_sorted=True)
        return [np.array(some, dtype=np.intp) for some in found]

    def n_around(self) -> np.ndarray:
        return np.asarray(self._tree.query_ball_point(self._apart, self.radius, return_length=True)) - 1

    def touching(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        from scipy.spatial import cKDTree

        if not len(rows) or not len(others):
            return np.zeros(len(rows), dtype=bool)
        # The next distance is asked for, and compared here: the bound of the tree itself is not part of it.
        distance, _ = cKDTree(self._apart[others]).query(self._apart[rows], distance_upper_bound=2.0 * self.guard)
        return np.asarray(distance <= self.guard)

    def together(self, rows: np.ndarray) -> bool:
        points = self._apart[rows]
        squares = ((points[:, None] - points[None]) ** 2).sum(axis=2)
        return bool((squares.max(axis=1) <= self.radius**2).any())

    def nearest(self) -> np.ndarray:
        """Distance from each cell to the next one of its section, as far as there is another."""
        if len(self.points) < 2:
            return np.empty(0)
        distance, other = self._tree.query(self._apart, k=2)
        return np.asarray(distance[self.section == self.section[other[:, 1]], 1])


@dataclass(frozen=True)
class Graph:
    """Cells that a graph joins.

    Parameters
    ----------
    joined
        Symmetric CSR array, cells x cells, with an entry for each pair of neighbours and for each cell itself.
    """

    joined: Any

    @classmethod
    def of(cls, connectivities: Any, section: np.ndarray) -> Graph:
        """Without edges of weight 0 and those between sections; an edge counts in both directions."""
        from scipy import sparse

        found = sparse.coo_array(connectivities)
        kept = (found.data != 0) & (section[found.coords[0]] == section[found.coords[1]])
        rows, columns = (np.asarray(some)[kept] for some in found.coords)
        own = np.arange(found.shape[0])
        rows, columns = np.concatenate([rows, columns, own]), np.concatenate([columns, rows, own])
        joined = sparse.csr_array((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=found.shape)
        joined.sum_duplicates()
        joined.sort_indices()
        return cls(joined)

    def around(self, rows: np.ndarray) -> list[np.ndarray]:
        start, end = self.joined.indptr[rows], self.joined.indptr[rows + 1]
        return [self.joined.indices[a:b].astype(np.intp) for a, b in zip(start, end, strict=True)]

    def n_around(self) -> np.ndarray:
        return np.asarray(np.diff(self.joined.indptr) - 1)

    def touching(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        is_other = np.zeros(self.joined.shape[0], dtype=np.int32)
        is_other[others] = 1
        return np.asarray((self.joined @ is_other)[rows] > 0)

    def together(self, rows: np.ndarray) -> bool:
        return any(np.isin(rows, some).all() for some in self.around(rows))
