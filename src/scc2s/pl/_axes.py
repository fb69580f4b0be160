from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def new_axes(ax: Axes | None, figsize: tuple[float, float]) -> Axes:
    """The Axes given, or those of a new figure."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1]


def finish(ax: Axes, show: bool | None, *, given: Axes | None) -> Axes:
    """Show the figure if asked to; by default as scanpy does, unless the Axes are part of the user's own figure."""
    from matplotlib import pyplot as plt
    from scanpy import settings

    if show or (show is None and given is None and settings.autoshow):
        plt.show()
    return ax


def interval_text(table: pd.DataFrame) -> str:
    """What the lines of a figure are, for its legend: intervals over donors, or over cells."""
    over = table["interval_over"].dropna() if "interval_over" in table else table.iloc[:0, 0]
    return "lines: 95 % interval" + (f" over {over.iloc[0]}" if len(over) else "")
