"""Shares of rows as a heat map, with numbers in it and cells a row beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._axes import new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_MOST_NUMBERS = 400
_DARK = 0.55


def heat(
    ax: Axes | None,
    table: pd.DataFrame,
    n_cells: list[int],
    *,
    cmap: str,
    name: str,
    colors: Sequence[str] | None = None,
) -> Axes:
    """Draw a table of values from 0 to 1, on the Axes given or on new ones.

    Parameters
    ----------
    ax
        Axes; ``None`` makes a figure.
    table
        Values; NaN leaves a cell empty.
    n_cells
        Cells that each row is about.
    cmap, name
        Colors of the values, and what these are.
    colors
        Of the rows; ``None``, or too few: none.
    """
    ax = new_axes(ax, figsize=_figsize(table))
    image = ax.imshow(table.to_numpy(), cmap=cmap, vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(range(table.shape[1]), table.columns, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(table.shape[0]), table.index)
    if table.size <= _MOST_NUMBERS:
        _numbers(ax, table.to_numpy())
    _color_rows(ax, colors)
    _write_n(ax, n_cells)
    inches = ax.get_window_extent().width / ax.figure.dpi
    ax.figure.colorbar(image, ax=ax, label=name, fraction=0.03, pad=0.02 + 0.4 / inches)
    return ax


def _figsize(table: pd.DataFrame) -> tuple[float, float]:
    """Room for the cells and for the longest names of rows and columns."""
    row_name, column_name = (max(map(len, map(str, names)), default=0) for names in (table.index, table.columns))
    width = 1.8 + 0.08 * row_name + 0.42 * table.shape[1]
    return max(width, 2.5 + 0.05 * column_name), 1.0 + 0.055 * column_name + 0.36 * table.shape[0]


def _numbers(ax: Axes, values: np.ndarray) -> None:
    for (i, j), value in np.ndenumerate(values):
        if value >= 0.005:
            text = f"{value:.2f}".lstrip("0")
            ax.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if value > _DARK else "black")


def _write_n(ax: Axes, n_cells: list[int]) -> None:
    """How many cells a row is about, right of it: a share of 1.00 may be one cell."""
    right = ax.get_yaxis_transform()
    for row, n in enumerate(n_cells):
        ax.text(1.01, row, f"n={n}", transform=right, ha="left", va="center", fontsize=7, color="0.35")


def _color_rows(ax: Axes, colors: Sequence[str] | None) -> None:
    """A square before each row, in the color that scanpy gives the group."""
    n_rows = len(ax.get_yticks())
    if colors is None or len(colors) < n_rows:
        return
    from matplotlib.transforms import ScaledTranslation

    left = ax.get_yaxis_transform() + ScaledTranslation(-6 / 72, 0, ax.figure.dpi_scale_trans)
    ax.scatter([0] * n_rows, range(n_rows), marker="s", s=30, c=list(colors)[:n_rows], transform=left, clip_on=False)
    ax.tick_params(axis="y", length=0, pad=13)
