from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.columns import column
from scc2s._cells.contexts import get_contexts
from scc2s._cells.scanpy_defaults import scanpy_defaults
from scc2s._cells.space import coordinates

from ._axes import finish, new_axes

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from mudata import MuData

_WIDTHS = 4.0
"""Side of the part that is shown around a neighbourhood, in its diameters."""
_MOST_TYPES = 102
_ROWS = 24
"""Of the legend, in one column."""
_RINGED = 44.0
"""Area of a cell of the context, in points squared: larger than the others, to show its color inside of its edge."""


def neighborhood(
    adata: AnnData | MuData,
    context: str | None = None,
    *,
    contexts: str = "neighborhoods",
    color: str | None = None,
    mod: str = "rna",
    ax: Axes | None = None,
    show: bool | None = None,
) -> Axes:
    """A context of :func:`scc2s.pp.neighborhoods` where it lies: its cells, its centre, and the radius.

    Cells of the context are larger and have a black edge, the centre is a cross, and the circle is the radius around
    it. A neighbourhood is shown with what is around it, a negative with the whole section. A negative does not hold its
    centre: that is the cell whose neighbourhood it is outside of.

    Parameters
    ----------
    adata
        Cells with contexts.
    context
        Name of the context, e.g. ``"neighborhood of cell7"`` (rows of the table); ``None`` takes the first.
    contexts
        Name of the contexts in ``.uns["c2s"]``.
    color
        Column of ``.obs`` to color the cells by, such as the cell types, in the column's colors where
        ``.uns["<color>_colors"]`` has them, else in those that scanpy would give it; ``None`` leaves them gray. The
        legend has the values that are in the picture.
    mod
        Modality, where `adata` is a MuData.
    ax
        Axes to draw on; ``None`` makes a figure.
    show
        Show the figure; ``None`` does as ``scanpy.settings.autoshow`` says, and never with `ax`.

    Returns
    -------
    The Axes.

    Raises
    ------
    KeyError
        If there are no such contexts, coordinates or column, or no context of that name.

    Examples
    --------
    >>> import anndata as ad, numpy as np, scc2s
    >>> rng = np.random.default_rng(0)
    >>> adata = ad.AnnData(rng.poisson(1.0, (200, 5)).astype("float32"))
    >>> adata.obsm["spatial"] = rng.uniform(0, 500, (200, 2))
    >>> scc2s.pp.neighborhoods(adata, radius=40, unit="um", spatial_unit="um", n_contexts=10)
    >>> scc2s.pl.neighborhood(adata, show=False).get_xlabel()
    'x (um)'
    """
    adata = get_adata(adata, mod)
    found = get_contexts(adata, contexts)
    params = adata.uns["c2s"][contexts].get("params", {})
    if "center" not in found.table:
        msg = f"the contexts {contexts!r} have no centre; draw them with sc.pp.c2s_neighborhoods(adata, ...)"
        raise KeyError(msg)
    name = str(found.table.index[0]) if context is None else context
    if name not in found.table.index:
        known = ", ".join(map(repr, found.table.index[:3]))
        msg = f"there is no context {name!r}; pass context= one of uns['c2s'][{contexts!r}]['table']: {known}, ..."
        raise KeyError(msg)
    row = found.table.index.get_loc(name)
    about = found.table.iloc[row]
    points = coordinates(adata, str(params.get("spatial_key", "spatial")))[:, :2]
    cells = adata.obs_names.get_indexer(found.cells[row])
    center = adata.obs_names.get_loc(str(about["center"]))
    here = _in_section(adata, params, str(about["section"])) & np.isfinite(points).all(axis=1)
    given = ax
    is_near = str(about["label"]) == "yes"
    size = 22.0 if is_near else 6.0
    reach = _reach(params, points[cells] - points[center], is_near=is_near)
    seen = here & (np.abs(points - points[center]) <= _WIDTHS * reach).all(axis=1) if is_near else here
    shown = _seen_names(adata, color, here & seen)
    n_columns = -(-len(shown) // _ROWS)
    width = 4.6 + n_columns * (0.5 + 0.075 * max(map(len, shown), default=0))
    ax = new_axes(ax, figsize=(width, max(4.4, 0.9 + 0.19 * min(len(shown), _ROWS))))
    shades = _cells(ax, adata, points, here, seen, color, size, n_columns)
    ax.scatter(
        points[cells, 0],
        points[cells, 1],
        s=_RINGED,
        facecolors=shades[cells],
        edgecolors="black",
        linewidths=1.1,
        zorder=3,
    )
    ax.scatter(
        points[center, 0], points[center, 1], s=1.2 * _RINGED, marker="x", color="black", linewidths=1.2, zorder=4
    )
    if "radius_in_spatial_unit" in params:
        from matplotlib.patches import Circle

        ax.add_patch(Circle(tuple(points[center]), reach, fill=False, edgecolor="black", lw=0.9, ls="--", zorder=3))
    if is_near:
        half = _WIDTHS * reach
        ax.set_xlim(points[center, 0] - half, points[center, 0] + half)
        ax.set_ylim(points[center, 1] - half, points[center, 1] + half)
    unit = params.get("spatial_unit")
    said = f" ({unit})" if isinstance(unit, str) else ""
    ax.set(xlabel=f"x{said}", ylabel=f"y{said}", title=f"{about['kind']}: {len(cells)} cells")
    ax.set_aspect("equal", anchor="W")  # else room is left before it, and the legend after it is cut
    ax.spines[["top", "right"]].set_visible(False)
    return finish(ax, show, given=given)


def _in_section(adata: AnnData, params: Any, section: str) -> np.ndarray:
    key = params.get("groupby")
    if not isinstance(key, str) or key == "None" or key not in adata.obs:
        return np.ones(adata.n_obs, dtype=bool)
    return np.asarray(adata.obs[key].astype(str) == section)


def _reach(params: Any, away: np.ndarray, *, is_near: bool) -> float:
    """The radius; of a graph, the furthest cell of the neighbourhood."""
    if "radius_in_spatial_unit" in params:
        return float(params["radius_in_spatial_unit"])
    return float(np.linalg.norm(away, axis=1).max()) if is_near else 0.0


def _seen_names(adata: AnnData, color: str | None, seen: np.ndarray) -> list[str]:
    """What the legend will have, a text each; nothing where cells are grey."""
    if color is None:
        return []
    return ["(missing)" if pd.isna(value) else str(value) for value in column(adata, color, "color")[seen].unique()]


def _cells(
    ax: Axes,
    adata: AnnData,
    points: np.ndarray,
    here: np.ndarray,
    seen: np.ndarray,
    color: str | None,
    size: float,
    n_columns: int,
) -> np.ndarray:
    """Draw the cells of the section, with a legend of what is seen; the color of each cell."""
    from matplotlib.colors import to_rgba

    shades = np.tile(to_rgba("0.75"), (adata.n_obs, 1))
    if color is None:
        ax.scatter(points[here, 0], points[here, 1], s=size, color="0.75", linewidths=0)
        return shades
    values = column(adata, color, "color").astype("category")
    names = list(values.cat.categories)
    if len(names) > _MOST_TYPES:
        msg = f"adata.obs[{color!r}] has {len(names)} values; pass color= a column of at most {_MOST_TYPES}"
        raise ValueError(msg)
    codes = values.cat.codes.to_numpy()
    for code, (name, shade) in enumerate(
        zip([*names, "(missing)"], [*_colors(adata, color, len(names)), "0.85"], strict=True)
    ):
        of_name = codes == (code if code < len(names) else -1)
        shades[of_name] = to_rgba(shade)
        some = here & of_name
        if some.any():
            label = str(name) if (seen & of_name).any() else None
            ax.scatter(points[some, 0], points[some, 1], s=size, color=[shade], linewidths=0, label=label)
    ax.legend(
        frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), title=color, title_fontsize=8,
        markerscale=(30 / size) ** 0.5, alignment="left", ncols=max(n_columns, 1),
    )  # fmt: skip
    return shades


def _colors(adata: AnnData, color: str, n: int) -> list[Any]:
    known = adata.uns.get(f"{color}_colors")
    if known is not None and len(known) == n and isinstance(adata.obs[color].dtype, pd.CategoricalDtype):
        return list(known)
    with scanpy_defaults():
        from scanpy.plotting import palettes

    return list((palettes.default_20 if n <= 20 else palettes.default_102)[:n])
