"""What a search gives: a score of each cell or group, the best in a table, and what scores stand against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scc2s._cells.groups import Groups


@dataclass(frozen=True)
class Found:
    """Scores of a search.

    Parameters
    ----------
    kind
        What was searched: ``"cell"`` or ``"group"``.
    names
        Of the cells or groups.
    scores
        One for each, NaN where there is none.
    cells
        Score of each cell: its own, or that of its group; ``None`` where those are others than the cells searched for.
    columns
        What else the table says of each.
    shown
        Cells or groups that may stand in the table.
    floor
        Scores of the text with its words in another order; empty for a query of cells.
    params
        For the record.
    model
        Who was asked.
    """

    kind: str
    names: Sequence[str]
    scores: np.ndarray
    cells: np.ndarray | None
    columns: Mapping[str, Any] = field(default_factory=dict)
    shown: np.ndarray | None = None
    floor: pd.DataFrame | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] | None = None

    def table(self, n_top: int) -> pd.DataFrame:
        """The best cells, at most `n_top`, or all groups, the best first."""
        best = order(self.scores, self.names)
        best = best[np.isfinite(self.scores[best])] if self.kind == "cell" else best
        if self.shown is not None:
            best = best[self.shown[best]]
        best = best[:n_top] if self.kind == "cell" else best
        out = pd.DataFrame(
            {
                self.kind: np.asarray(self.names, dtype=object)[best],
                "score": self.scores[best],
                **{
                    name: (values if isinstance(values, pd.Categorical) else np.asarray(values))[best]
                    for name, values in self.columns.items()
                },
            }
        )
        return out.set_axis(pd.RangeIndex(len(out)).astype(str))


def order(scores: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Positions from the highest score to the lowest, then by name; those without a score last.

    Examples
    --------
    >>> order(np.array([0.5, np.nan, 2.0, 0.5]), ["b", "c", "d", "a"]).tolist()
    [2, 3, 0, 1]
    """
    found: np.ndarray = np.lexsort((np.asarray(names, dtype=str), -scores))
    return found


def of_groups(groups: Groups, scores: np.ndarray) -> np.ndarray:
    """The score of its group for each cell, NaN for cells in none."""
    out: np.ndarray = np.append(scores, np.nan)[groups.codes]
    return out
