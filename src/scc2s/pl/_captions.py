from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.results import stored
from scc2s._cells.scanpy_defaults import scanpy_defaults

from ._axes import finish, new_axes

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData

_MOST_ENDS, _MOST_OTHERS = 200, 4000
"""Cells of a group that a line may end at, and cells of others that it may pass, looked at."""
_NEAR = 0.012
"""How near to a line, as a share of the width and height, a cell is passed."""
_LINE = 1.35
"""Height of a line of text, in font sizes."""


def captions(
    adata: AnnData | MuData,
    *,
    key: str = "captions",
    basis: str = "umap",
    width: int = 34,
    fontsize: float = 7.5,
    mod: str = "rna",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """Captions of :func:`scc2s.tl.caption` beside an embedding, each tied to a cell of its group.

    The text stands left and right of the cells, none of it over them. Lines end where they pass the fewest cells of
    other groups, and run under the cells. A caption that is flagged says why in its last line and has a
    dashed frame. Of several captions of a group the first is drawn.

    Parameters
    ----------
    adata
        Captioned cells with an embedding.
    key
        Name of the captions in ``.uns["c2s"]``.
    basis
        Embedding: ``.obsm["X_<basis>"]``.
    width
        Characters in a line of text.
    fontsize
        Size of the text in points.
    mod
        Modality, where `adata` is a MuData.
    ax
        Axes to draw on; ``None`` makes a figure with room for all captions.
    show
        Show the figure; ``None`` does as ``scanpy.settings.autoshow`` says, and never with `ax`.

    Returns
    -------
    The Axes. Groups have the colors of ``.uns["<groupby>_colors"]``, which scanpy sets where they are missing.

    Raises
    ------
    KeyError
        If there are no captions, or no such embedding.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata)
    >>> sc.tl.c2s_caption(adata, groupby="bulk_labels")
    >>> len(sc.pl.c2s_captions(adata, show=False).texts)
    10
    """
    import scanpy as sc

    adata = get_adata(adata, mod)
    table, groupby = _read(adata, key.removeprefix("c2s_"))
    embedding = basis if basis in adata.obsm else f"X_{basis}"
    if embedding not in adata.obsm:
        msg = f"adata.obsm has no {embedding!r}; call sc.tl.umap(adata) first, or pass basis="
        raise KeyError(msg)
    boxes = _boxes(table, np.asarray(adata.obsm[embedding])[:, :2], adata.obs[groupby].astype(str), width)
    height = max(4.0, max(_n_lines(side) for side in _sides(boxes)) * fontsize * _LINE / 72 + 0.6)
    column = (width * 0.62 + 2) * fontsize / 72
    given = ax
    ax = new_axes(ax, figsize=(4.2 + 2 * column, height))
    before = set(ax.collections)
    points = np.asarray(adata.obsm[embedding], dtype=float)[:, :2]
    with scanpy_defaults():
        sc.pl.embedding(adata, basis, color=groupby, ax=ax, show=False, legend_loc=None, title="")
    categories = [str(name) for name in adata.obs[groupby].astype("category").cat.categories]
    colors = dict(zip(categories, adata.uns.get(f"{groupby}_colors", ()), strict=False))
    for drawn in set(ax.collections) - before:
        drawn.set_zorder(6)  # over the lines of the captions
    _draw(ax, boxes, colors, column, fontsize, points, adata.obs[groupby].astype(str).to_numpy())
    return finish(ax, show, given=given)


class _Box(NamedTuple):
    group: str
    text: str
    doubtful: bool
    x: float
    y: float


def _read(adata: AnnData, key: str) -> tuple[pd.DataFrame, str]:
    call = "sc.tl.c2s_caption(adata, groupby=...)"
    table: pd.DataFrame = stored(adata, key, call=call, kind=pd.DataFrame)
    record = stored(adata, "caption" if key == "captions" else f"caption_{key}", call=call)
    groupby = str(record["params"]["groupby"])
    if groupby not in adata.obs:
        msg = f"adata.obs has no column {groupby!r}, which was captioned; call {call}"
        raise KeyError(msg)
    return table, groupby


def _boxes(table: pd.DataFrame, points: np.ndarray, groups: pd.Series, width: int) -> list[_Box]:
    """One for each captioned group that still has cells, at the cell nearest the median of its points."""
    out = []
    for row in table[table["caption"] == 0].astype(str).to_dict("records"):
        members = points[(groups == row["group"]).to_numpy()]
        if not len(members):
            continue
        doubts = row["why"] if row["flagged"] == "True" else ""
        lines = textwrap.wrap(f"{row['group']}: {row['text']}", width)
        lines += textwrap.wrap(f"[{doubts}]", width) if doubts else []
        x, y = members[np.linalg.norm(members - np.median(members, axis=0), axis=1).argmin()]
        out.append(_Box(row["group"], "\n".join(lines), bool(doubts), float(x), float(y)))
    return out


def _sides(boxes: list[_Box]) -> tuple[list[_Box], list[_Box]]:
    """Left and right half by where the groups lie, from the top down, so that the lines do not cross."""
    across = sorted(boxes, key=lambda box: box.x)
    half = (len(across) + 1) // 2
    left, right = (sorted(side, key=lambda box: -box.y) for side in (across[:half], across[half:]))
    return left, right


def _n_lines(side: list[_Box]) -> float:
    return sum(box.text.count("\n") + 2.2 for box in side)


def _end(start: tuple[float, float], own: np.ndarray, others: np.ndarray, scale: np.ndarray) -> tuple[float, float]:
    """The cell of a group that a line from `start` reaches past the fewest cells of others; of equals the nearest.

    Parameters
    ----------
    start
        Where the line starts.
    own, others
        Cells of the group, and all others.
    scale
        Width and height of what is drawn: `_NEAR` of it on both sides of a line counts as on it.
    """
    cells = own[np.unique(np.linspace(0, len(own) - 1, min(len(own), _MOST_ENDS)).astype(int))]
    middle = np.median(own, axis=0)
    spread = np.linalg.norm((cells - middle) / scale, axis=1)
    cells = cells[spread <= np.quantile(spread, 0.75)]  # stray cells do not speak for the group
    others = others[:: len(others) // _MOST_OTHERS + 1] / scale
    from_, to = np.array(start) / scale, cells / scale
    along = to - from_
    length = np.maximum(np.linalg.norm(along, axis=1), 1e-12)
    passed = np.zeros(len(to), dtype=int)
    for i, (way, far) in enumerate(zip(along, length, strict=True)):
        place = (others - from_) @ way / far
        aside = np.abs((others - from_) @ np.array([-way[1], way[0]]) / far)
        passed[i] = ((place > 0) & (place < far) & (aside < _NEAR)).sum()
    best = np.lexsort((length, passed))[0]
    return float(cells[best, 0]), float(cells[best, 1])


def _draw(
    ax: Axes,
    boxes: list[_Box],
    colors: dict[str, str],
    column: float,
    fontsize: float,
    points: np.ndarray,
    groups: np.ndarray,
) -> None:
    """Room of `column` inches on both sides of the points, and the captions in it."""
    low, high = ax.get_xlim()
    inches = ax.get_window_extent().width / ax.figure.dpi
    margin = (high - low) * column / max(inches - 2 * column, 0.3 * inches)
    ax.set_xlim(low - margin, high + margin)
    bottom, top = ax.get_ylim()
    left, right = _sides(boxes)
    for side, x, align, start in ((left, low - 0.97 * margin, "left", 1), (right, high + 0.97 * margin, "right", 0)):
        unit = (top - bottom) / max(_n_lines(side), 1)
        y = top
        for box in side:
            size = (box.text.count("\n") + 2.2) * unit
            color = colors.get(box.group, "0.5")
            edge = low - 0.03 * margin if align == "left" else high + 0.03 * margin
            own = groups == box.group
            scale = np.array([high - low, top - bottom])
            end = _end((edge, y - size / 2), points[own], points[~own], scale)
            ax.annotate(
                box.text,
                end,
                (x, y - size / 2),
                ha=align,
                multialignment="left",
                va="center",
                fontsize=fontsize,
                bbox={
                    "boxstyle": "round,pad=0.3",
                    "fc": "white",
                    "ec": color,
                    "ls": "--" if box.doubtful else "-",
                },
                arrowprops={"arrowstyle": "-", "color": color, "relpos": (start, 0.5), "shrinkB": 0},
                zorder=5,
            )
            y -= size
