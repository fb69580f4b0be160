from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import column, opened
from scc2s._cells.combinations import column_names
from scc2s._cells.provenance import file_names
from scc2s._cells.results import claim
from scc2s._logging import logger
from scc2s.tl._describing import donors as of_donors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from mudata import MuData


def stratify(
    adata: AnnData | MuData,
    donor_key: str,
    *,
    features: str | Sequence[str],
    n_groups: int = 2,
    min_cells: int = 10,
    n_boot: int = 1000,
    random_state: int = 0,
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Describe each donor by the mean of its cells, with the uncertainty of that mean, and group donors that are alike.

    Research use only: values and groups are no diagnosis, no prognosis and no measure of risk. The notice goes with the
    result.

    The interval draws the cells of a donor with replacement (percentiles of a bootstrap): it says how well *these*
    cells fix the mean, not how another sample of the donor would look, nor what holds for other donors. Means over all
    cells also follow the mixture of types; to compare a state, pass the cells of one type. Groups are made by Ward's
    method on values that were standardised over donors, and some are always found: ``silhouette`` has beside it what
    donors without groups give, and a result no better than that says so.

    Parameters
    ----------
    adata
        Cells of several donors.
    donor_key
        Column of ``.obs`` with the donor. Cells without one are left out.
    features
        Columns of ``.obs``: numbers, e.g. of :func:`scc2s.tl.program_score`, are averaged (missing ones left out);
        others, e.g. cell types, are the share of each value.
    n_groups
        Groups of donors, at least 2.
    min_cells
        Donors with fewer cells are in the table and in no group.
    n_boot
        Bootstrap samples for the intervals; 0: none.
    random_state
        Seed of the bootstrap.
    key_added
        Name of the results; ``None`` is ``c2s_donor_group``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.obs['c2s_donor_group' | key_added]` : :class:`pandas.Series` (dtype `category`)
        Group of the cell's donor, ``"1"`` with the lowest mean of the first feature; missing for donors without one.
    `.uns['c2s']['donors']` (`['donors_<name>']` for another name) : :class:`dict`
        ``notice``: that this is for research only. ``table``, one row a donor: ``n_cells``, ``group``, ``stability``
        (share of bootstrap samples with the donor in the same group), and for each feature its mean, ``<feature> low``
        and ``<feature> high`` (95 %). ``silhouette`` of the groups and ``silhouette_null``, what 95 % of as many donors
        without groups (normal, same covariance) stay below. Parameters, versions.

    Raises
    ------
    KeyError
        If a column is not there.
    ValueError
        If there are too few donors for the groups, or a feature holds no values, or infinite ones.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd, scc2s
    >>> donor = np.repeat(["d1", "d2", "d3", "d4"], 20)
    >>> obs = pd.DataFrame({"donor": donor, "score": np.isin(donor, ["d3", "d4"]) * 5.0})
    >>> adata = ad.AnnData(np.ones((80, 1)), obs=obs.set_index(np.arange(80).astype(str)))
    >>> scc2s.tl.stratify(adata, "donor", features=["score"])
    >>> adata.uns["c2s"]["donors"]["table"]["group"].tolist()
    ['1', '1', '2', '2']
    """
    names = column_names(features, "features")
    n_groups, least = whole("n_groups", n_groups, 2), whole("min_cells", min_cells)
    n_boot, random_state = whole("n_boot", n_boot, 0), whole("random_state", random_state, 0)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    key = "c2s_donor_group" if key_added is None else key_added
    result = claim(data, "donors" if key == "c2s_donor_group" else f"donors_{key}", obs=[key])
    donor = column(data, donor_key, "donor_key")
    numbers = of_donors.feature_table(data, names)
    if n_unknown := int(donor.isna().sum()):
        logger.warning("%d of %d cells have no donor, and are left out", n_unknown, data.n_obs)
    found = of_donors.donors_of_cells(numbers, donor, n_boot, random_state)
    rows = np.flatnonzero(found.n_cells >= least)
    if len(rows) <= n_groups:
        msg = (
            f"{len(rows)} of {len(found.names)} donors have {least} cells or more, and {n_groups} groups need more "
            f"than {n_groups} of them; pass n_groups= or min_cells= smaller, or donor_key= another column"
        )
        raise ValueError(msg)
    grouping = of_donors.group_donors(found.values[rows], n_groups, random_state)
    _say(grouping, len(rows), len(found.names), least)
    group = np.full(len(found.names), None, dtype=object)
    group[rows] = [str(number + 1) for number in grouping.groups]
    kept = np.full(len(found.names), np.nan)
    kept[rows] = of_donors.stability(found, rows, grouping.groups, n_groups)
    categories = [str(number + 1) for number in range(n_groups)]
    of_cell = pd.Series(donor.astype(object).map(lambda name: str(name), na_action="ignore"))
    in_group = of_cell.map(dict(zip(found.names, group, strict=True)))
    params: dict[str, Any] = {
        "donor_key": donor_key,
        "features": names,
        "n_groups": n_groups,
        "min_cells": least,
        "n_boot": n_boot,
        "random_state": random_state,
        "key_added": key,
    }
    more = {
        "notice": of_donors.NOTICE,
        "table": _table(found, group, kept, categories),
        "silhouette": grouping.silhouette,
        "silhouette_null": grouping.null,
    }
    result.write(params, more=more, obs={key: pd.Categorical(in_group.to_numpy(dtype=object), categories=categories)})
    return out if copy else None


def _table(found: of_donors.Donors, group: np.ndarray, kept: np.ndarray, categories: list[str]) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "n_cells": found.n_cells,
        "group": pd.Categorical(group, categories=categories),
        "stability": kept,
    }
    low, high = found.intervals
    for i, name in enumerate(found.features):
        columns |= {name: found.values[:, i], f"{name} low": low[:, i], f"{name} high": high[:, i]}
    table = pd.DataFrame(columns, index=pd.Index(found.names, dtype=object))
    table.columns = pd.Index(file_names([str(name) for name in table.columns]))
    return table


def _say(grouping: of_donors.Grouping, n_grouped: int, n_donors: int, least: int) -> None:
    if n_grouped < n_donors:
        logger.warning("%d of %d donors have fewer than %d cells, and get no group",
                       n_donors - n_grouped, n_donors, least)  # fmt: skip
    if grouping.silhouette <= grouping.null:
        logger.warning(
            "the groups of donors are no clearer than cuts through donors without groups (silhouette %.2f; without "
            "groups, 95 %% stay below %.2f)", grouping.silhouette, grouping.null,
        )  # fmt: skip
    logger.info("groups of donors are for research only; see the notice in uns")
