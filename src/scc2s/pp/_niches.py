from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import column, opened
from scc2s._cells.contexts import Contexts
from scc2s._cells.results import claim, refuse_record
from scc2s._cells.sampling import shuffled
from scc2s._cells.space import sections
from scc2s._logging import logger
from scc2s.sentences import name_hashes
from scc2s.train._niches import SAME, draw_niches

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

_NO_TYPE = "(missing)"


def niches(
    adata: AnnData | MuData,
    *,
    niche_key: str,
    n_cells: int = 2,
    n_contexts: int | None = 1000,
    n_negatives: int = 1,
    matched: str | None = None,
    groupby: str | None = None,
    split_key: str | None = None,
    random_state: int = 0,
    key_added: str = "niches",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Draw cells of one niche, and as many of which all but one are of other niches.

    Questions for :func:`scc2s.tl.same_niche`. Niches (regions, domains, layers) are a column of your own, from a
    pathologist or a clustering; no coordinate is read. A cell and others of its niche stand beside the same cell with
    others of other niches; with `matched`, also with others of the same cell types. What is drawn depends on the names
    of the cells, not on the order of rows.

    Parameters
    ----------
    adata
        Cells or spots of tissue sections.
    niche_key
        Column of ``.obs`` with the niches; cells without one are left out.
    n_cells
        Cells of a context.
    n_contexts
        Contexts of one niche to draw, as far as there are so many; ``None``: one for every cell.
    n_negatives
        Negatives of each kind for each positive.
    matched
        Column of ``.obs`` with the cell types: also draw negatives whose other cells are of the same types. Cells
        without a type count as one of their own.
    groupby
        Column of ``.obs`` with the sections; ``None``: the regions of SpatialData, or all cells are one section.
    split_key
        Column of ``.obs`` that says ``"train"`` or ``"test"`` of each cell; contexts stay within one, and cells with
        another value are left out. Split by sections or donors: cells that lie side by side are alike.
    random_state
        Seed of what is drawn.
    key_added
        Name of the contexts in ``.uns["c2s"]``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['niches' | key_added]` : :class:`dict`
        ``table``, a row a context: ``center`` (name of a cell), ``kind`` (``"same niche"``, ``"negative"``,
        ``"matched negative"``), ``label`` (``"yes"`` or ``"no"``), ``niche`` of the centre, ``section``, ``block``
        (empty), ``split``, ``n_cells``. ``cells``: the cells of each context, in an order of chance. Parameters.

    Raises
    ------
    KeyError
        If a column is not there.
    ValueError
        If no section has two niches with enough cells, or a number is out of range.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd, scc2s
    >>> obs = pd.DataFrame({"layer": ["granular", "mitral"] * 10}, index=[f"spot{i}" for i in range(20)])
    >>> adata = ad.AnnData(np.ones((20, 3), dtype="float32"), obs=obs)
    >>> scc2s.pp.niches(adata, niche_key="layer", n_cells=3)
    >>> adata.uns["c2s"]["niches"]["table"]["label"].value_counts().to_dict()
    {'yes': 20, 'no': 20}
    """
    n_contexts = None if n_contexts is None else whole("n_contexts", n_contexts)
    n_cells, n_negatives = whole("n_cells", n_cells, 2), whole("n_negatives", n_negatives, 0)
    random_state = whole("random_state", random_state, 0)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    if not data.obs_names.is_unique:
        msg = "names of cells repeat, and contexts name their cells; call adata.obs_names_make_unique() first"
        raise ValueError(msg)
    refuse_record(data, key_added, usual="niches", holds="cells")
    result = claim(data, key_added)
    section, section_key = sections(data, groupby)
    niche = column(data, niche_key, "niche_key").astype(object)
    part = np.full(data.n_obs, "", dtype=object)
    there = niche.notna().to_numpy() & np.array([name is not None for name in section])
    if split_key is not None:
        part = column(data, split_key, "split_key").astype(object).map(str).to_numpy(dtype=object)
        there &= np.isin(part.astype(str), ["train", "test"])
    if n_lost := int((~there).sum()):
        logger.warning("%d of %d cells have no niche, section or part; they are left out", n_lost, data.n_obs)
    order = shuffled(data.obs_names, random_state)
    rows = order[there[order]]
    types = None
    if matched is not None:
        values = column(data, matched, "matched").astype(object)
        words = values.map(str).where(values.notna(), _NO_TYPE).to_numpy(dtype=str)
        types = np.unique(words, return_inverse=True)[1][rows]
    names = data.obs_names.to_numpy(dtype=str)[rows]
    groups = [f"{a}\0{b}" for a, b in zip(section[rows], part[rows], strict=True)]
    drawn, n_unmatched = draw_niches(
        np.unique(niche.to_numpy()[rows].astype(str), return_inverse=True)[1],
        np.unique(np.array(groups, dtype=str), return_inverse=True)[1],
        types,
        hashes=name_hashes(names.tolist(), seed=random_state),
        n_contexts=n_contexts,
        n_cells=n_cells,
        n_negatives=n_negatives,
        seed=random_state,
    )
    if not drawn:
        msg = (
            f"no section has {n_cells} cells of one niche of obs[{niche_key!r}] and {n_cells - 1} of others; pass a "
            "smaller n_cells=, or another niche_key= or groupby="
        )
        raise ValueError(msg)
    if n_unmatched:
        logger.warning(
            "%d matched negatives could not be drawn: there are too few cells of the same types in other niches",
            n_unmatched,
        )
    at = rows[[one.center for one in drawn]]
    kinds = np.array([one.kind for one in drawn], dtype=object)
    table = pd.DataFrame(
        {
            "center": data.obs_names.to_numpy(dtype=object)[at],
            "kind": kinds,
            "label": np.where(kinds == SAME, "yes", "no").astype(object),
            "niche": niche.map(str).to_numpy(dtype=object)[at],
            "section": section[at],
            "block": np.full(len(at), "", dtype=object),
            "split": part[at],
            "n_cells": np.full(len(at), n_cells),
        },
        index=pd.Index(
            [f"{one.kind}{f' {one.number + 1}' if one.number else ''} of {names[one.center]}" for one in drawn],
            dtype=object,
        ),
    )
    params = {
        "niche_key": niche_key,
        "n_cells": n_cells,
        "n_contexts": n_contexts,
        "n_negatives": n_negatives,
        "matched": matched,
        "groupby": section_key,
        "split_key": split_key,
        "random_state": random_state,
        "key_added": key_added,
        "n_left_out": n_lost,
        "n_without_match": n_unmatched,
    }
    contexts = Contexts(table, [names[one.cells].tolist() for one in drawn])
    result.write(params, more=contexts.entries())
    return out if copy else None
