"""Names beside points, none over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.transforms import BboxBase

_SIZE = 8
_AWAY, _UP = 5, 4
"""Where a name begins, in points from its own, if nothing is in the way."""
_STEPS = 30


def write_beside(ax: Axes, points: Sequence[tuple[float, float]], names: Sequence[str]) -> None:
    """Write each name next to its point; where another name or the edge is in the way, on its left, or up or down.

    A name that was moved up or down has a line to its point. The limits of the Axes have to be settled. A name for
    which there is no room stands next to its point all the same.
    """
    ax.figure.draw_without_rendering()  # settles where the Axes are
    whole, pixels = ax.get_window_extent(), ax.figure.dpi / 72
    taken: list[BboxBase] = []
    for point, name in zip(points, names, strict=True):
        text = ax.annotate(name, point, xytext=(_AWAY, _UP), textcoords="offset points", fontsize=_SIZE)
        first = text.get_window_extent()
        text.remove()
        right, up = _AWAY, float(_UP)
        for right, up in _moves(first.width / pixels):
            box = first.translated((right - _AWAY) * pixels, (up - _UP) * pixels)
            if _is_inside(box, whole) and not any(box.overlaps(other) for other in taken):
                break
        else:
            right, up, box = _AWAY, float(_UP), first
        line = {"arrowstyle": "-", "color": "0.6", "lw": 0.6, "shrinkA": 0, "shrinkB": 2} if up != _UP else None
        ax.annotate(name, point, xytext=(right, up), textcoords="offset points", fontsize=_SIZE, arrowprops=line)
        taken.append(box)


def _moves(width: float) -> Iterator[tuple[float, float]]:
    for step in range(_STEPS):
        up = _UP + (-1) ** step * -(-step // 2) * 1.2 * _SIZE
        for right in (_AWAY, -_AWAY - width):
            yield right, up


def _is_inside(box: BboxBase, whole: BboxBase) -> bool:
    return bool(box.x0 >= whole.x0 and box.x1 <= whole.x1 and box.y0 >= whole.y0 and box.y1 <= whole.y1)
