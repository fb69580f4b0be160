"""What all routes of one server share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._asker import ready

if TYPE_CHECKING:
    from ._asker import Asker
    from ._cells import Cells
    from ._jobs import Lane


@dataclass(frozen=True)
class Service:
    """Cells, a model, and the queue before it."""

    cells: Cells
    asker: Asker
    lane: Lane
    seconds: float
    """Longest time of one answer."""
    most_bytes: int
    """Of the body of a request."""

    def limits(self) -> dict[str, Any]:
        """What a client may ask for."""
        return {
            "seconds": self.seconds,
            "bytes": self.most_bytes,
            "waiting": self.lane.most_waiting,
            "waiting_of_one": self.lane.most_of_one,
        }

    def prepare(self) -> dict[str, Any]:
        """What the first question would wait for: sentences, then the model."""
        with self.cells.preparing() as adata:
            ready(adata)
        self.asker.load()
        return {}
