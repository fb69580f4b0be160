from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from scc2s._cells.access import get_adata, matrix
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import refuse_numbered
from scc2s._cells.combinations import column_names, combinations
from scc2s._cells.pooling import group_sums
from scc2s._cells.provenance import record
from scc2s._cells.rows import row_blocks
from scc2s._cells.sampling import shuffled
from scc2s._cells.values import describe
from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mudata import MuData

    from scc2s._cells.combinations import Combinations
    from scc2s._cells.values import Values


def pseudobulk(
    adata: AnnData | MuData,
    *,
    by: str | Sequence[str],
    n_cells: int | None = None,
    n_samples: int | None = None,
    method: Literal["sum", "mean"] = "sum",
    min_cells: int = 1,
    layer: str | None = None,
    use_raw: bool | None = None,
    random_state: int = 0,
    mod: str = "rna",
) -> AnnData:
    """Add up the counts of the cells of each group: one profile for each donor and cell type, say.

    Counts are summed first and normalised later, as for bulk RNA-seq (Rizvi et al., bioRxiv
    10.1101/2025.04.14.648850, bulk matching; Squair et al. 2021, Nature Communications 12:5692), so that cells with
    many counts weigh more. The result is an AnnData like any other: sentences, embeddings and all else work on it.
    Nothing is written to `adata`.

    Parameters
    ----------
    adata
        Cells, with counts.
    by
        Columns of ``.obs``, e.g. ``["donor", "cell_type", "batch"]``: cells that agree in all of them are a group.
        Cells with a missing value are in none.
    n_cells
        Cells of each profile, drawn by their names, so that the order of `adata` does not matter; no cell is in two
        profiles. ``None``: all cells of the group, one profile a group.
    n_samples
        Profiles of `n_cells` cells that each group gives at most; ``None``: as many as it has cells for.
    method
        ``"sum"`` of counts, or ``"mean"`` of whatever the matrix holds, e.g. of logarithms: a mean of logarithms is
        not the logarithm of a pseudobulk, so it has to be asked for by name.
    min_cells
        Groups with fewer cells give no profile; their names are logged and recorded. At least 10 are usual before
        tests between conditions.
    layer
        Layer to take; ``None`` takes ``.raw`` or ``.X``.
    use_raw
        Whether to take ``.raw``; ``None`` does where it is there and no layer is given.
    random_state
        Seed of the draw.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    Profiles x genes, in the order of the categories of `by`, each named by its values joined by ``_`` (with
    ``_1``, ``_2``, ... where several are drawn of a group). It holds:

    `.X` : :class:`scipy.sparse.csr_matrix` (dtype `float64`)
        Sums (exact for counts), or means.
    `.obs`
        The columns of `by`, ``n_cells``, and all columns of `adata` that have one value in each group.
    `.var`
        That of the matrix; ``.uns["organism"]`` too, where it is there.
    `.uns['c2s']['pseudobulk']` : :class:`dict`
        Parameters, groups left out, versions; ``cells``, the names of the cells of each profile, where they were drawn.

    Raises
    ------
    KeyError
        If a column or layer is not there.
    TypeError
        If a number is not one, or `by` not names.
    ValueError
        If the values are logarithms, scaled, or not finite, or no group has cells enough.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd, scc2s
    >>> obs = pd.DataFrame({"donor": ["1", "1", "2"], "type": ["B", "B", "T"]}, index=["a", "b", "c"])
    >>> cells = ad.AnnData(np.array([[1.0, 0], [2, 5], [0, 3]]), obs=obs, var=pd.DataFrame(index=["CD19", "CD3E"]))
    >>> bulk = scc2s.pp.pseudobulk(cells, by=["donor", "type"])
    >>> bulk.obs_names.tolist(), bulk.X.toarray().tolist()
    (['1_B', '2_T'], [[3.0, 5.0], [0.0, 3.0]])
    """
    columns = column_names(by, "by")
    size = None if n_cells is None else whole("n_cells", n_cells)
    most = None if n_samples is None else whole("n_samples", n_samples)
    least, random_state = whole("min_cells", min_cells), whole("random_state", random_state, None)
    if method not in ("sum", "mean"):
        msg = f"method={method!r} is not known; pass method='sum' or method='mean'"
        raise ValueError(msg)
    if most is not None and size is None:
        msg = f"n_samples={most} without n_cells: all cells of a group make one profile; pass n_cells= cells of each"
        raise ValueError(msg)
    data = get_adata(adata, mod)
    refuse_empty(data)
    refuse_numbered(data)
    groups = combinations(data, columns, "by")
    samples = _samples(data, groups, least, size, most, random_state)
    X, var, source = matrix(data, layer=layer, use_raw=use_raw)
    values = describe(row_blocks(X, 2048))
    _refuse(data, values, source, method)
    sums = group_sums(row_blocks(X), samples.codes, len(samples.table), X.shape[1])
    if method == "mean":
        sums = sparse.csr_matrix(sparse.diags_array(1 / samples.sizes) @ sums)
    obs = samples.table.assign(n_cells=samples.sizes.astype(np.int64))
    out = AnnData(sums, obs=obs.join(_constant(data, samples.codes, obs)), var=var.copy())
    if "organism" in data.uns:
        out.uns["organism"] = data.uns["organism"]
    params = {
        "by": columns,
        "n_cells": size,
        "n_samples": most,
        "method": method,
        "min_cells": least,
        "left_out": samples.left_out,
        "source": source,
        "values": values.kind,
        "random_state": random_state,
    }
    record(out, "pseudobulk", params)
    if size is not None:
        out.uns["c2s"]["pseudobulk"]["cells"] = _members(data, out, samples.codes)
    return out


class _Samples(NamedTuple):
    table: pd.DataFrame
    """One row a profile."""
    codes: np.ndarray
    """Profile of each cell, -1 for none."""
    sizes: np.ndarray
    left_out: list[str]
    """Groups without a profile."""


def _samples(
    data: AnnData, groups: Combinations, least: int, size: int | None, most: int | None, seed: int
) -> _Samples:
    n_there = np.bincount(groups.codes[groups.codes >= 0], minlength=len(groups.table))
    needed = max(least, size or 1)
    n_profiles = np.where(n_there < needed, 0, 1 if size is None else n_there // size)
    if most is not None:
        n_profiles = np.minimum(n_profiles, most)
    left_out = groups.table.index[n_profiles == 0].tolist()
    if not n_profiles.sum():
        named = "n_cells" if size is not None and size > least else "min_cells"
        msg = f"no group has {needed} cells (the largest: {n_there.max()}); pass {named}= fewer, or by= fewer columns"
        raise ValueError(msg)
    _say(groups, n_profiles, most, needed, left_out)
    first = np.cumsum(n_profiles) - n_profiles
    codes = np.full(data.n_obs, -1, dtype=np.int64)
    order = np.arange(data.n_obs) if size is None else shuffled(data.obs_names, seed)
    order = order[groups.codes[order] >= 0]
    of = groups.codes[order]
    by_group = np.argsort(of, kind="stable")
    place = np.empty(len(of), dtype=np.int64)  # of a cell in its group, in the order of the draw
    place[by_group] = np.arange(len(of)) - (np.cumsum(n_there) - n_there)[of[by_group]]
    sample = np.zeros_like(place) if size is None else place // size
    drawn = sample < n_profiles[of]
    codes[order[drawn]] = first[of[drawn]] + sample[drawn]
    table = groups.table.iloc[np.repeat(np.arange(len(groups.table)), n_profiles)].copy()
    if size is not None:
        number = np.concatenate([np.arange(n) + 1 for n in n_profiles])
        table.index = pd.Index([f"{name}_{i}" for name, i in zip(table.index, number, strict=True)], dtype=object)
    for name in table:
        table[name] = table[name].cat.remove_unused_categories()
    return _Samples(table, codes, np.bincount(codes[codes >= 0], minlength=len(table)), left_out)


def _say(groups: Combinations, n_profiles: np.ndarray, most: int | None, needed: int, left_out: list[str]) -> None:
    if n_missing := int((groups.codes < 0).sum()):
        logger.warning("%d of %d cells miss a value of by=, and are in no profile", n_missing, len(groups.codes))
    if left_out:
        logger.warning(
            "%d of %d groups have fewer than %d cells and give no profile: %s",
            len(left_out), len(n_profiles), needed, ", ".join(left_out[:5]) + (", ..." if len(left_out) > 5 else ""),
        )  # fmt: skip
    if most is not None and (fewer := int(((n_profiles > 0) & (n_profiles < most)).sum())):
        logger.warning("%d groups have cells for fewer than n_samples=%d profiles", fewer, most)


def _refuse(data: AnnData, values: Values, source: str, method: str) -> None:
    """Values that no sum, or no mean, has a meaning of."""
    others = [name for name in data.layers if name is not None and f"layers[{name!r}]" != source]
    counts = [name for name in others if describe(_first(data.layers[name])).kind == "counts"]
    mend = f"pass layer={counts[0]!r}, which holds counts" if counts else "pass layer= or use_raw= with counts"
    if values.kind in ("not finite", "scaled"):
        what = "NaN or infinite values" if values.kind == "not finite" else "negative values (scaled data?)"
        msg = f"{source} holds {what}, which make no pseudobulk; {mend}"
        raise ValueError(msg)
    if values.kind == "log1p" and method == "sum":
        seems = "holds" if values.certain else "seems to hold"
        msg = (
            f"{source} {seems} logarithms, and a sum of logarithms is not the logarithm of a sum; {mend}, or "
            "method='mean' if means of them are what you want"
        )
        raise ValueError(msg)
    if values.kind == "normalised" and method == "sum":
        logger.warning("%s holds normalised values, no counts: each cell weighs the same in the sum; %s", source, mend)


def _first(X: Any) -> Iterator[tuple[int, Any]]:
    return islice(row_blocks(X, 512), 1)


def _constant(data: AnnData, codes: np.ndarray, table: pd.DataFrame) -> pd.DataFrame:
    """Columns that have one value, or none, in each profile."""
    used = np.flatnonzero(codes >= 0)
    found = {}
    for name in data.obs.columns.difference(table.columns, sort=False):
        values = data.obs[name].iloc[used]
        numbers = pd.factorize(values, use_na_sentinel=True)[0]
        pairs = pd.DataFrame({"profile": codes[used], "value": numbers}).drop_duplicates()
        if len(pairs) == len(table):
            of_profile = np.empty(len(table), dtype=np.intp)
            of_profile[codes[used][pairs.index]] = pairs.index
            column = values.iloc[of_profile].set_axis(table.index)
            found[name] = (
                column.cat.remove_unused_categories() if isinstance(column.dtype, pd.CategoricalDtype) else column
            )
    return pd.DataFrame(found, index=table.index)


def _members(data: AnnData, out: AnnData, codes: np.ndarray) -> pd.DataFrame:
    """Cells of each profile, by name."""
    rows = np.flatnonzero(codes >= 0)
    names = data.obs_names.to_numpy(dtype=object)[rows].astype(object)
    order = np.lexsort((names.astype(str), codes[rows]))
    profiles = out.obs_names.to_numpy(dtype=object)[codes[rows][order]]
    return pd.DataFrame({"profile": profiles, "cell": names[order]})
