"""Names beside points, none over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.transforms import BboxBase

_SIZE = 8
_AWAY, _UP = 5, 4
"""Where a name begins, in points from its own, if nothing is in the way."""
_STEPS = 30


def write_beside(ax: Axes, points: np.ndarray, names: Sequence[str]) -> None:
    """Write names next to the first of some points; where something is in the way, on the left, or further up or down.

    In the way are other names and the edge, and, as long as there is room elsewhere, points. A name that was moved up
    or down has a line to its point. The limits of the Axes have to be settled. A name for which there is no room stands
    next to its point all the same.
    """
    ax.figure.canvas.figure.draw_without_rendering()  # settles where the Axes are, also those of a part of a figure
    whole, pixels = ax.get_window_extent(), ax.figure.dpi / 72
    taken: list[BboxBase] = []
    at = ax.transData.transform(points)
    for point, name in zip(points, names, strict=False):
        text = ax.annotate(name, point, xytext=(_AWAY, _UP), textcoords="offset points", fontsize=_SIZE)
        first = text.get_window_extent()
        text.remove()
        moved = [
            (right, up, first.translated((right - _AWAY) * pixels, (up - _UP) * pixels))
            for right, up in _moves(first.width / pixels)
        ]
        free = [
            move for move in moved if _is_inside(move[2], whole) and not any(map(move[2].overlaps, taken))
        ]  # nearest first
        clear = (move for move in free if not _holds(move[2], at))
        right, up, box = next(clear, next(iter(free), (_AWAY, float(_UP), first)))
        line = {"arrowstyle": "-", "color": "0.6", "lw": 0.6, "shrinkA": 0, "shrinkB": 2} if up != _UP else None
        ax.annotate(name, point, xytext=(right, up), textcoords="offset points", fontsize=_SIZE, arrowprops=line)
        taken.append(box)


def _moves(width: float) -> Iterator[tuple[float, float]]:
    for step in range(_STEPS):
        up = _UP + (-1) ** step * -(-step // 2) * 1.2 * _SIZE
        for right in (_AWAY, -_AWAY - width):
            yield right, up


def _holds(box: BboxBase, at: np.ndarray) -> bool:
    inside = (at > (box.x0 - 3, box.y0 - 3)) & (at < (box.x1 + 3, box.y1 + 3))
    return bool(inside.all(axis=1).any())


def _is_inside(box: BboxBase, whole: BboxBase) -> bool:
    return bool(box.x0 >= whole.x0 and box.x1 <= whole.x1 and box.y0 >= whole.y0 and box.y1 <= whole.y1)
