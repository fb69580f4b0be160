from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s.report._figures import bare, colors_of, picture, point_size, scatter
from scc2s.report._parts import Fact, Facts, Folded, Note, Row, Section, say
from scc2s.report._records import records
from scc2s.report._tables import facts_of
from scc2s.report._values import number, text_of

from .labels import ABSTAINED, confidence, label_columns, shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes

    from scc2s.report._parts import Block
    from scc2s.report._records import Record

_MADE = ("X_umap", "X_tsne", "X_draw_graph_fa", "X_phate")
_MOST_FITTED = 5000
"""Cells that directions are found with; all are drawn."""
_MOST_FIGURES = 3
_DARK = "#555555"
_NUMBERED = 60
"""Groups that have a number in the figure."""


def section(adata: AnnData) -> Section | None:
    """The embedding: how it was made, and a map of the cells with labels, confidence and abstentions."""
    found = records(adata, "embed")
    points, basis, axes = _points(adata, [one.params.get("key_added") for one in found])
    if not found and points is None:
        return None
    blocks: list[Block] = []
    for one in found:
        key = text_of(one.params.get("key_added")) or "X_c2s"
        rows = _facts(adata, key)
        names = {"pooling": "pooled by", "layer": "layer of the model", "scope": "over", "task": "prompt"}
        rows += facts_of(one.params, f"{one.source}['params']", names)
        rows += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
        blocks.append(Facts(f"Embedding: {key}", rows))
    if points is None:
        return Section("embedding", "Embedding", blocks)
    blocks.append(Facts("The map", [Fact("places of the cells", basis, axes[2]), *_made_from(adata, axes[2])]))
    if found and axes[2] == "adata.obsm['X_umap']" and not _is_of(adata, found):
        blocks.append(
            Note(
                "plain",
                say(
                    "Nothing on record says that this map was made from the embedding of a model; to do so: "
                    "sc.pp.neighbors(adata, use_rep='X_c2s'), then sc.tl.umap(adata)."
                ),
            )
        )
    keys = label_columns(adata)[:_MOST_FIGURES]
    for key in keys or _groups(adata):
        blocks.append(_map(adata, key, points, axes))
        if key:
            table = shares(adata, key)
            blocks.append(Folded(f"Numbers and colors of {key}", [table]) if key in keys else table)
    return Section("embedding", "Embedding", blocks)


def _facts(adata: AnnData, key: str) -> list[Fact]:
    if key not in adata.obsm:
        return [Fact("vectors", "no longer in the file", f"adata.obsm[{key!r}]")]
    source = f"adata.obsm[{key!r}].shape[1]"
    return [Fact("numbers for each cell", number(int(adata.obsm[key].shape[1]), source), source)]


def _made_from(adata: AnnData, source: str) -> list[Fact]:
    """What the neighbours behind a map were found in, where scanpy has noted it."""
    if "X_umap" not in source or "neighbors" not in adata.uns:
        return []
    params = adata.uns["neighbors"].get("params", {})
    where = "adata.uns['neighbors']['params']"
    names = {"use_rep": "neighbours were found in", "n_neighbors": "neighbours", "metric": "distance"}
    return facts_of(params, where, names)


def _is_of(adata: AnnData, found: Sequence[Record]) -> bool:
    """Whether neighbours were found in an embedding of a model."""
    rep = text_of(adata.uns.get("neighbors", {}).get("params", {}).get("use_rep"))
    return rep in {text_of(one.params.get("key_added")) or "X_c2s" for one in found}


def _points(adata: AnnData, embeddings: Sequence[Any]) -> tuple[np.ndarray | None, str, tuple[str, str, str]]:
    """Places of the cells, what they are, and names of the axes with their source."""
    none = ("", "", "")
    if adata.n_obs < 2:
        return None, "", none
    for key in _MADE:
        if key in adata.obsm and np.ndim(adata.obsm[key]) == 2 and adata.obsm[key].shape[1] >= 2:
            name = key.removeprefix("X_")
            name = name.upper() if name in ("umap",) else name
            source = f"adata.obsm[{key!r}]"
            return np.asarray(adata.obsm[key], dtype=float)[:, :2], key, (f"{name} 1", f"{name} 2", source)
    for key in [*map(text_of, embeddings), "X_c2s", "X_pca"]:
        if key in adata.obsm and adata.obsm[key].shape[1] >= 2:
            values = np.asarray(adata.obsm[key], dtype=np.float32)
            basis = f"the two directions in which {key} varies most, found for this figure"
            source = f"adata.obsm[{key!r}]"
            if key == "X_pca":
                return values[:, :2].astype(float), key, ("PC 1", "PC 2", source)
            return _directions(values), basis, (f"{key}, direction 1", f"{key}, direction 2", source)
    return None, "", none


def _directions(values: np.ndarray) -> np.ndarray:
    """First two principal components, found with some of the cells."""
    rows = np.flatnonzero(np.isfinite(values).all(axis=1))
    if len(rows) < 2:
        return np.full((len(values), 2), np.nan)
    some = rows if len(rows) <= _MOST_FITTED else np.sort(np.random.default_rng(0).choice(rows, _MOST_FITTED, False))
    middle = values[some].mean(axis=0)
    _, _, ways = np.linalg.svd(values[some] - middle, full_matrices=False)
    ways = ways[:2] * np.sign(ways[:2].sum(axis=1, keepdims=True) + 1e-30)  # a direction has no sign of its own
    return np.asarray((values - middle) @ ways.T, dtype=float)


def _groups(adata: AnnData) -> list[str]:
    """A column to color by where there are no labels: clusters, or else the first with a few groups."""
    chosen = [c for c in ("leiden", "louvain", "cell_type") if c in adata.obs]
    few = [
        str(c)
        for c in adata.obs.columns
        if isinstance(adata.obs[c].dtype, pd.CategoricalDtype)
        and 1 < len(adata.obs[c].cat.categories) <= 30
        and not str(c).startswith("c2s_")
    ]
    return [*chosen, *few][:1] or [""]


def _map(adata: AnnData, key: str, points: np.ndarray, axes: tuple[str, str, str]) -> Block:
    """The cells by group, and beside it how sure the labels are."""
    there = np.isfinite(points).all(axis=1)
    shown = f"{int(there.sum()):,} cells"
    if not key:
        return picture(lambda: _plain(points[there], axes), f"Map of {shown}.", "Map of the cells", axes[2])
    values = adata.obs[key].astype("category")
    absent = (values.isin(list(ABSTAINED)) | values.isna()).to_numpy()
    grey = f"; cells without a label ({int(absent.sum()):,}) are grey crosses" if absent.any() else ""
    left = picture(
        lambda: _by_group(adata, key, points, there & ~absent, there & absent, axes),
        f"Map of {shown}, colored by {key}; numbers in it are those of the table of its groups{grey}.",
        f"The cells by {key}{grey}",
        f"adata.obs[{key!r}], {axes[2]}",
    )
    if (sure := confidence(adata, key)) is None:
        return left
    name, numbers, column = sure
    known = there & np.isfinite(numbers)
    right = picture(
        lambda: _by_number(points, numbers, known, there & ~known, axes, name),
        f"The same map, colored by the {name} of each label, from 0 (dark) to 1 (bright).",
        f"The {name} of each label",
        f"adata.obs[{column!r}], {axes[2]}",
    )
    return Row([left, right])


def _plain(points: np.ndarray, axes: tuple[str, str, str]) -> Axes:
    ax = _field(axes)
    ax.scatter(points[:, 0], points[:, 1], s=point_size(len(points)), color="#4c72b0", linewidths=0, rasterized=True)
    return ax


def _by_group(
    adata: AnnData, key: str, points: np.ndarray, labelled: np.ndarray, rest: np.ndarray, axes: tuple[str, str, str]
) -> Axes:
    ax = _field(axes)
    values = adata.obs[key].astype("category")
    names, codes = list(values.cat.categories), values.cat.codes.to_numpy()
    colors = np.array(colors_of(len(names), adata.uns.get(f"{key}_colors")), dtype=object)
    size = point_size(len(points))
    _crosses(ax, points[rest], size)
    if labelled.any():
        scatter(ax, points[labelled], colors[codes[labelled]].tolist(), size=size)
    _numbers(ax, points, codes, labelled, names)
    return ax


def _by_number(
    points: np.ndarray, values: np.ndarray, known: np.ndarray, rest: np.ndarray, axes: tuple[str, str, str], name: str
) -> Axes:
    ax = _field(axes)
    size = point_size(len(points))
    _crosses(ax, points[rest], size)
    drawn = scatter(ax, points[known], values[known], size=size, cmap="viridis", vmin=0, vmax=1)
    ax.figure.colorbar(drawn, ax=ax, label=name, fraction=0.046, pad=0.02)
    return ax


def _field(axes: tuple[str, str, str]) -> Axes:
    from matplotlib import pyplot as plt

    ax: Axes = plt.subplots(figsize=(5.2, 4.4), layout="constrained")[1]
    bare(ax, axes[0], axes[1])
    return ax


def _crosses(ax: Axes, points: np.ndarray, size: float) -> None:
    ax.scatter(
        points[:, 0], points[:, 1], marker="x", s=max(size, 6), color=_DARK, linewidths=0.5, alpha=0.6, rasterized=True
    )


def _numbers(ax: Axes, points: np.ndarray, codes: np.ndarray, labelled: np.ndarray, names: list[Any]) -> None:
    """The number of each group at its middle, as in the table."""
    from matplotlib.patheffects import withStroke

    if len(names) > 2 * _NUMBERED:
        return
    for code in range(len(names)):
        some = points[labelled & (codes == code)]
        if len(some):
            middle = np.median(some, axis=0)
            x, y = some[np.linalg.norm(some - middle, axis=1).argmin()]
            ax.annotate(
                str(code + 1),
                (x, y),
                ha="center",
                va="center",
                fontsize=9 if len(names) <= 30 else 7,
                weight="bold",
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )
