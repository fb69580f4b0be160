from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scc2s._cells.arguments import above, refuse_empty, whole
from scc2s._cells.columns import column, opened
from scc2s._cells.contexts import Contexts
from scc2s._cells.results import claim, refuse_record
from scc2s._cells.sampling import shuffled
from scc2s._cells.space import coordinates, say_if_implausible, sections, unit_name, unit_of
from scc2s._logging import logger
from scc2s.sentences import name_hashes
from scc2s.train._blocks import TEST, blocks, parts, usual_size
from scc2s.train._near import Graph, Radius
from scc2s.train._neighborhoods import MATCHED, POSITIVE, Pool, draw

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

    from scc2s.train._neighborhoods import Counts, Drawn

_NO_TYPE = "(missing)"


def neighborhoods(
    adata: AnnData | MuData,
    *,
    radius: float | None = None,
    unit: str | None = None,
    spatial_unit: str | None = None,
    um_per_unit: float | None = None,
    graph: str | None = None,
    groupby: str | None = None,
    matched: str | None = None,
    n_contexts: int | None = 1000,
    n_cells: int | None = None,
    min_size: int = 2,
    n_negatives: int = 1,
    split: Literal["blocks"] | None = None,
    block_size: float | None = None,
    guard: float | None = None,
    test_share: float = 0.2,
    random_state: int = 0,
    spatial_key: str = "spatial",
    key_added: str = "neighborhoods",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Draw cells that lie together and as many that do not: the question whether cells share a neighbourhood.

    A neighbourhood is a cell (its centre) and all cells within `radius`, as in the spatial task of C2S-Scale (Rizvi et
    al. 2025, bioRxiv 2025.04.14.648850); beside each stand as many cells of chance from outside, of the same section.
    Cells of one type often lie together, so that a comparison of types answers the plain question already: with
    `matched` there are also negatives of the same types. What is drawn depends on the names of the cells, not on the
    order of rows. Coordinates make the contexts; no prompt holds them.

    Parameters
    ----------
    adata
        Cells or spots with coordinates in ``.obsm[spatial_key]``; the table of a SpatialData object is one.
    radius
        Largest distance from the centre, in `unit`.
    unit
        Unit of `radius`, `block_size` and `guard`: ``"um"``, ``"mm"``, ``"nm"``, ``"cm"``, ``"pixel"`` or ``"spot"``.
    spatial_unit
        Unit of the coordinates; ``None`` takes ``.uns["spatial_unit"]``, or pixels where ``.uns["spatial"]`` has the
        scale factors of 10x Genomics. It is never guessed.
    um_per_unit
        Micrometres of one pixel or spot, where `unit` is a length and the data do not say it.
    graph
        In place of `radius`: name of a graph in ``.obsp``, such as squidpy's ``"spatial_connectivities"``; a
        neighbourhood is a cell and those that the graph joins to it.
    groupby
        Column of ``.obs`` with the sections (slides, samples) that have coordinates of their own; ``None``: the regions
        of SpatialData, or all cells are one section.
    matched
        Column of ``.obs`` with the cell types, e.g. ``"cell_type"``: also draw negatives with as many cells of each
        type. Cells without a type count as one of their own.
    n_contexts
        Neighbourhoods to draw, as far as there are so many; ``None``: one around every cell.
    n_cells
        Most cells of a context: the centre and others of chance; ``None``: all.
    min_size
        Fewest cells of a neighbourhood, its centre included.
    n_negatives
        Negatives of each kind for each positive.
    split
        ``"blocks"`` cuts each section into squares, for training or for tests. Every cell in a context of a test is
        further than `guard` away from every cell in a context of training. Neighbourhoods and negatives stay within
        their part.
    block_size
        Side of a square in `unit` (with `graph` in that of the coordinates); ``None``: 25 to a section, but at least
        four times as wide as `guard`.
    guard
        Distance that parts training from tests, in `unit`; ``None``: `radius`. With `graph`, cells that it joins are
        parted, and there is no distance.
    test_share
        Share of the cells that lie in blocks for tests.
    random_state
        Seed of what is drawn.
    spatial_key
        Name of the coordinates in ``.obsm``.
    key_added
        Name of the contexts in ``.uns["c2s"]``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['neighborhoods' | key_added]` : :class:`dict`
        ``table``, a row a context: ``center`` (name of a cell), ``kind`` (``"neighborhood"``, ``"negative"``,
        ``"matched negative"``), ``label`` (``"yes"`` or ``"no"``), ``section``, ``block`` and ``split`` (``"train"``,
        ``"test"``; both empty without `split`), ``n_cells`` of the context, ``n_neighbors`` of the centre. ``cells``:
        the cells of each context, in an order of chance. Parameters with the radius in the unit of the coordinates;
        numbers of cells and centres left out.

    Raises
    ------
    KeyError
        If coordinates, a column or a graph is not there.
    ValueError
        If a unit is not said or cannot be converted, no cell has a neighbour, blocks cannot be cut, or a number is out
        of range.

    Examples
    --------
    >>> import anndata as ad, numpy as np, scc2s
    >>> rng = np.random.default_rng(0)
    >>> adata = ad.AnnData(rng.poisson(1.0, (200, 5)).astype("float32"))
    >>> adata.obsm["spatial"] = rng.uniform(0, 1, (200, 2))  # a square of 1 mm
    >>> scc2s.pp.neighborhoods(adata, radius=50, unit="um", spatial_unit="mm", n_contexts=20)
    >>> adata.uns["c2s"]["neighborhoods"]["table"]["kind"].value_counts().to_dict()
    {'neighborhood': 20, 'negative': 20}
    """
    n_contexts = None if n_contexts is None else whole("n_contexts", n_contexts)
    n_cells = None if n_cells is None else whole("n_cells", n_cells, 2)
    min_size, n_negatives = whole("min_size", min_size, 2), whole("n_negatives", n_negatives, 0)
    random_state = whole("random_state", random_state, 0)
    _refuse_options(radius, unit, graph, guard, split, test_share, spatial_unit)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    if not data.obs_names.is_unique:
        msg = "names of cells repeat, and contexts name their cells; call adata.obs_names_make_unique() first"
        raise ValueError(msg)
    refuse_record(data, key_added, usual="neighborhoods", holds="cells")
    result = claim(data, key_added)
    section, section_key = sections(data, groupby)
    types = None if matched is None else _types(data, matched)
    points = coordinates(data, spatial_key) if graph is None or split is not None else None
    rows = _usable(data, section, points, spatial_key, random_state)
    names = data.obs_names.to_numpy(dtype=str)[rows]
    sections_there, number = np.unique(section[rows].astype(str), return_inverse=True)
    here = None if points is None else points[rows]
    params: dict[str, Any] = {"radius": radius, "unit": unit, "graph": graph}
    near: Radius | Graph
    if graph is None:
        found_unit = unit_of(data, spatial_unit, um_per_unit)
        per = found_unit.per(unit_name(unit, "unit"))
        reach = above("radius", radius) * per
        apart = reach if guard is None else above("guard", guard) * per
        side = None if block_size is None else above("block_size", block_size) * per
        if here is None:  # never: coordinates were read
            raise RuntimeError
        near = Radius(here, number, reach, apart)
        say_if_implausible(near.nearest(), found_unit)
        params |= {
            "spatial_unit": found_unit.name,
            "spatial_unit_by": found_unit.source,
            "um_per_unit": found_unit.um,
            "radius_in_spatial_unit": reach,
            "guard_in_spatial_unit": apart,
        }
    else:
        near = Graph.of(_graph(data, graph)[rows][:, rows], number)
        apart, side = 0.0, None if block_size is None else above("block_size", block_size)
    block = np.full(len(rows), "", dtype=object)
    part = np.zeros(len(rows), dtype=np.int64)
    if split is not None and here is not None:
        side = usual_size(here, number, apart) if side is None else side
        block = blocks(here, number, sections_there.tolist(), side)
        part = parts(block, number, near, test_share, random_state)
        params |= {"block_size_in_spatial_unit": side, "n_blocks": len(set(block)), "n_guard": int((part < 0).sum())}
    group = np.where(part < 0, -1, 2 * number + part)
    drawn, counts = draw(
        near,
        Pool(group, None if types is None else types[rows]),
        hashes=name_hashes(names.tolist(), seed=random_state),
        n_contexts=n_contexts,
        n_cells=n_cells,
        min_cells=min_size,
        n_negatives=n_negatives,
        seed=random_state,
    )
    if not drawn:
        msg = (
            f"no neighbourhood of {min_size} cells was found ({_left_out(counts)}); pass a larger "
            f"{'radius=' if graph is None else 'graph='}, a smaller min_size=, or look at the units"
        )
        raise ValueError(msg)
    contexts = _contexts(drawn, names, sections_there[number], block, part if split is not None else None)
    _say(drawn, counts, n_contexts, _duplicates(here, number))
    params |= {
        "groupby": section_key, "matched": matched, "n_contexts": n_contexts, "n_cells": n_cells,
        "min_size": min_size, "n_negatives": n_negatives, "split": split, "test_share": test_share,
        "random_state": random_state, "spatial_key": spatial_key, "key_added": key_added, "n_without_place":
        data.n_obs - len(rows), "n_isolated": counts.isolated, "n_over_border": counts.border,
        "n_without_negative": counts.no_negative, "n_without_match": counts.no_match,
    }  # fmt: skip
    result.write(params, more=contexts.entries())
    return out if copy else None


def _refuse_options(
    radius: Any, unit: Any, graph: Any, guard: Any, split: Any, test_share: Any, spatial_unit: Any
) -> None:
    if (radius is None) == (graph is None):
        msg = "what is near is said by a radius or by a graph; pass one of radius= (with unit=) and graph="
        raise ValueError(msg)
    if graph is None:
        above("radius", radius)
        if unit is None:
            msg = f"radius={radius!r} has no unit; pass unit='um', 'mm', 'pixel', ..."
            raise ValueError(msg)
        unit_name(unit, "unit")
        if spatial_unit is not None:
            unit_name(spatial_unit, "spatial_unit")
    elif unit is not None or guard is not None or spatial_unit is not None:
        msg = "a graph has neighbours and no distances; leave unit=, spatial_unit= and guard= out"
        raise ValueError(msg)
    if split not in (None, "blocks"):
        msg = f"split={split!r} is not known; pass split='blocks' or split=None"
        raise ValueError(msg)
    if guard is not None and above("guard", guard) < above("radius", radius):
        msg = f"guard={guard!r} is less than radius={radius!r}, so that tests would touch training; pass guard= from it"
        raise ValueError(msg)
    if not above("test_share", test_share) < 1:
        msg = f"test_share={test_share!r} is out of range; pass test_share= between 0 and 1"
        raise ValueError(msg)


def _types(adata: AnnData, matched: str) -> np.ndarray:
    """Number of the type of each cell, in the order of their names."""
    values = column(adata, matched, "matched").astype(object)
    if n_missing := int(values.isna().sum()):
        if n_missing == len(values):
            msg = f"adata.obs[{matched!r}] is missing for all cells; pass matched= another column, or None"
            raise ValueError(msg)
        logger.info("%d cells have no obs[%r]; they count as a type of their own", n_missing, matched)
    return np.unique(values.map(str).where(values.notna(), _NO_TYPE).to_numpy(dtype=str), return_inverse=True)[1]


def _usable(
    adata: AnnData, section: np.ndarray, points: np.ndarray | None, spatial_key: str, random_state: int
) -> np.ndarray:
    """Rows of cells with a section and coordinates, in an order of chance that depends on their names alone."""
    there = np.array([name is not None for name in section])
    if n_lost := int((~there).sum()):
        logger.warning("%d of %d cells are in no section; they are left out", n_lost, adata.n_obs)
    if points is not None:
        placed = ~np.isnan(points).any(axis=1)
        if n_lost := int((~placed).sum()):
            logger.warning(
                "%d of %d cells have no finite coordinates in obsm[%r]; they are left out",
                n_lost, adata.n_obs, spatial_key,
            )  # fmt: skip
        there &= placed
    if not there.any():
        msg = "no cell has both a section and coordinates; pass another groupby= or spatial_key="
        raise ValueError(msg)
    order = shuffled(adata.obs_names, random_state)
    return np.asarray(order[there[order]])


def _graph(adata: AnnData, name: str) -> Any:
    if name not in adata.obsp:
        known = ", ".join(map(repr, adata.obsp)) or "none yet"
        msg = (
            f"adata.obsp has no graph {name!r} (there are: {known}); call squidpy.gr.spatial_neighbors(adata) first, "
            "or pass radius="
        )
        raise KeyError(msg)
    from scipy import sparse

    return sparse.csr_array(adata.obsp[name])


def _contexts(
    drawn: list[Drawn], names: np.ndarray, section: np.ndarray, block: np.ndarray, part: np.ndarray | None
) -> Contexts:
    centers = np.array([one.center for one in drawn])
    kinds = [one.kind for one in drawn]
    index = [f"{one.kind}{f' {one.number + 1}' if one.number else ''} of {names[one.center]}" for one in drawn]
    split = [""] * len(drawn) if part is None else ["test" if part[one.center] == TEST else "train" for one in drawn]
    table = pd.DataFrame(
        {
            "center": names[centers].astype(object),
            "kind": np.array(kinds, dtype=object),
            "label": np.where(np.array(kinds) == POSITIVE, "yes", "no").astype(object),
            "section": section[centers].astype(object),
            "block": block[centers],
            "split": np.array(split, dtype=object),
            "n_cells": np.array([len(one.cells) for one in drawn]),
            "n_neighbors": np.array([one.n_around for one in drawn]),
        },
        index=pd.Index(np.array(index, dtype=object)),
    )
    return Contexts(table, [names[one.cells].tolist() for one in drawn])


def _duplicates(points: np.ndarray | None, section: np.ndarray) -> int:
    if points is None:
        return 0
    return len(points) - len(np.unique(np.column_stack([points, section]), axis=0))


def _left_out(counts: Counts) -> str:
    return (
        f"{counts.isolated} cells are isolated, {counts.border} neighbourhoods reach over the border of their part, "
        f"{counts.no_negative} have too few cells outside"
    )


def _say(drawn: list[Drawn], counts: Counts, n_contexts: int | None, n_duplicates: int) -> None:
    positives = [one for one in drawn if one.kind == POSITIVE]
    n_matched = sum(one.kind == MATCHED for one in drawn)
    logger.info(
        "%d neighbourhoods of %g cells (median), %d negatives, %d of them matched; left out: %s",
        len(positives), float(np.median([one.n_around + 1 for one in positives])), len(drawn) - len(positives),
        n_matched, _left_out(counts),
    )  # fmt: skip
    if n_duplicates:
        logger.warning("%d cells lie where another one does, at the same coordinates", n_duplicates)
    if counts.no_match:
        logger.warning(
            "%d matched negatives could not be drawn: there are too few cells of the same types outside",
            counts.no_match,
        )
    if n_contexts is not None and len(positives) < n_contexts:
        logger.info("there are %d neighbourhoods, fewer than n_contexts=%d", len(positives), n_contexts)
