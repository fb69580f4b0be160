"""Squared Euclidean distances between all pairs of cells, a block at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 2**18  # distances held at a time: 2 MB, so that what is computed from them stays in cache
_NOISE = 1e-14


def square_blocks(a: np.ndarray, b: np.ndarray | None = None) -> Iterator[tuple[np.ndarray, int]]:
    """Squared distances of the rows of `a` to those of `b`, each with how often it counts.

    They come from products of matrices, ``|a|^2 + |b|^2 - 2 a b``, which is many times faster than pair by pair. What
    rounding leaves of a distance of 0 (under 1e-7 of the spread of the cells) is 0.

    Parameters
    ----------
    a, b
        Cells x features. Without `b`, pairs within `a`: those of different cells once, to count twice.

    Yields
    ------
    A block that may be written to, and 1 or 2.
    """
    middle = a.mean(axis=0)
    a = a - middle
    u = np.einsum("ij,ij->i", a, a)
    within = b is None
    b, v = (a, u) if b is None else _centred(b, middle)
    noise = _NOISE * (u.max(initial=0) + v.max(initial=0))
    step = max(1, _BLOCK // max(1, len(b)))
    for start in range(0, len(a), step):
        stop = min(start + step, len(a))
        first = start if within else 0
        block = a[start:stop] @ b[first:].T
        block *= -2
        block += u[start:stop, None]
        block += v[first:]
        block[block < noise] = 0
        if within:
            own, right = block[:, : stop - start], block[:, stop - start :]
            yield own.copy(), 1
            yield right, 2
        else:
            yield block, 1


def _centred(b: np.ndarray, middle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    b = b - middle
    return b, np.einsum("ij,ij->i", b, b)
