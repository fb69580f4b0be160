"""How far a step is, and how long it will take."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from scc2s.models._progress import bar, called

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_LATE = 600.0
"""Seconds whose rate tells what is to come."""


class Progress:
    """A bar in cells, with the time that is left; the rate of each worker behind it."""

    def __init__(self, name: str, n_obs: int, n_done: int, *, show: bool) -> None:
        with called(name):
            self._bar = bar(n_obs, name, show=show)
        self._bar.initial = n_done
        self._bar.n = n_done
        self._cells: dict[str, int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)
        self._n_failed = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.close()

    def done(self, block: Mapping[str, Any]) -> None:
        """A block is done."""
        n = int(block["rows"][1]) - int(block["rows"][0])
        self._cells[block["worker"]] += n
        self._seconds[block["worker"]] += float(block["seconds"])
        self._bar.set_postfix_str(self.rates(), refresh=False)
        self._bar.update(n)

    def failed(self) -> None:
        """A block has failed for good."""
        self._n_failed += 1
        self._bar.set_postfix_str(self.rates(), refresh=True)

    def rates(self) -> str:
        """Cells a second, of each worker."""
        found = [f"{self._cells[name] / max(self._seconds[name], 1e-9):,.0f}" for name in sorted(self._cells)]
        said = f"cells/s by worker: {' '.join(found)}"
        return f"{said}, {self._n_failed} blocks failed" if self._n_failed else said


def rate(blocks: Sequence[Mapping[str, Any]]) -> float:
    """Cells a second, over the last minutes in which blocks were done; NaN without any.

    Examples
    --------
    >>> rate([{"rows": [0, 100], "began": 0.0, "seconds": 1.0}, {"rows": [100, 200], "began": 1.0, "seconds": 1.0}])
    100.0
    """
    if not blocks:
        return float("nan")
    newest = max(float(one["began"]) + float(one["seconds"]) for one in blocks)
    late = [one for one in blocks if float(one["began"]) + float(one["seconds"]) >= newest - _LATE]
    took = newest - min(float(one["began"]) for one in late)
    return sum(int(one["rows"][1]) - int(one["rows"][0]) for one in late) / max(took, 1e-9)


def estimate(n_left: int, blocks: Sequence[Mapping[str, Any]]) -> float:
    """Seconds for the cells that are left, at the rate of late; NaN where nothing is done.

    Examples
    --------
    >>> estimate(300, [{"rows": [0, 100], "began": 0.0, "seconds": 2.0}])
    6.0
    """
    return n_left / rate(blocks) if blocks else float("nan")
