"""Donors by what their cells are on average: means with the uncertainty of their cells, and groups of donors."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment

from scc2s._cells.columns import column
from scc2s._cells.sampling import shuffled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

NOTICE = (
    "Research use only. Values and groups of donors describe the cells of this data set. They are no diagnosis, no "
    "prognosis and no measure of risk, are not validated for any clinical use, and must not guide anyone's treatment."
)
LEVEL = 0.95
"""Of the intervals."""
_N_NULL = 200
"""Clouds without groups that the groups of the donors are compared with."""


class Donors(NamedTuple):
    """Values of donors."""

    names: list[str]
    n_cells: np.ndarray
    features: list[str]
    values: np.ndarray
    """Donors x features: means, NaN where no cell has a value."""
    samples: np.ndarray
    """Bootstrap samples x donors x features."""

    @property
    def intervals(self) -> tuple[np.ndarray, np.ndarray]:
        """Percentiles of the samples."""
        if not len(self.samples):
            nothing = np.full_like(self.values, np.nan)
            return nothing, nothing
        low, high = np.quantile(self.samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        return low, high


class Grouping(NamedTuple):
    """Groups of donors."""

    groups: np.ndarray
    """From 0, by rising mean of the first feature."""
    silhouette: float
    """Mean silhouette of the donors."""
    null: float
    """What 95 % of clouds without groups (normal, of the same covariance) stay below."""


def feature_table(adata: AnnData, features: Sequence[str]) -> pd.DataFrame:
    """Numbers of each cell: numeric columns as they are, others as one column of 0 and 1 for each value.

    Raises
    ------
    KeyError
        If a column is not there.
    ValueError
        If a column holds infinite values, or no value.
    """
    found: dict[str, np.ndarray] = {}
    for name in features:
        values = column(adata, name, "features")
        if values.isna().all():
            msg = f"obs[{name!r}] holds no value; pass features= columns that do"
            raise ValueError(msg)
        if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
            numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
            if np.isinf(numbers).any():
                msg = f"obs[{name!r}] holds infinite values; set them, or pass other features="
                raise ValueError(msg)
            found[name] = numbers
            continue
        kinds = values.astype("category").cat.remove_unused_categories()
        for code, kind in enumerate(kinds.cat.categories):
            codes = kinds.cat.codes.to_numpy()
            found[f"{name}: {kind}"] = np.where(codes < 0, np.nan, codes == code)
    return pd.DataFrame(found, index=adata.obs_names)


def donors_of_cells(table: pd.DataFrame, donors: pd.Series[Any], n_boot: int, seed: int) -> Donors:
    """Means over the cells of each donor, and of cells drawn from them with replacement.

    What a donor gets depends on its own cells and their names alone: not on their order, nor on other donors.
    """
    labels = donors.astype("category").cat.remove_unused_categories()
    names = [str(name) for name in labels.cat.categories]
    codes = labels.cat.codes.to_numpy()
    order = shuffled(table.index, seed)
    X = table.to_numpy(dtype=np.float64)
    values = np.empty((len(names), X.shape[1]))
    samples = np.empty((n_boot, len(names), X.shape[1]))
    for code, name in enumerate(names):
        own = X[order[codes[order] == code]]
        values[code] = _means(own, np.ones((1, len(own))))[0]
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        for first in range(0, n_boot, 50):
            n = min(50, n_boot - first)
            times = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=n)
            samples[first : first + n, code] = _means(own, times)
    return Donors(names, np.bincount(codes[codes >= 0], minlength=len(names)), list(table.columns), values, samples)


def group_donors(values: np.ndarray, n_groups: int, seed: int) -> Grouping:
    """Groups by Ward's method on standardised values; how apart they are, and how apart those of no groups would be."""
    from sklearn.metrics import silhouette_score

    Z = _standardised(values)
    groups = _cut(Z, n_groups)
    rng = np.random.default_rng(seed)
    covariance = np.atleast_2d(np.cov(Z, rowvar=False))
    null = []
    for _ in range(_N_NULL):
        cloud = rng.multivariate_normal(np.zeros(Z.shape[1]), covariance, size=len(Z), method="eigh")
        null.append(silhouette_score(cloud, _cut(cloud, n_groups)))
    return Grouping(groups, float(silhouette_score(Z, groups)), float(np.quantile(null, 0.95)))


def stability(donors: Donors, rows: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Share of the bootstrap samples in which a donor is in its group again, groups matched by what they share."""
    same = np.zeros(len(rows))
    for sample in donors.samples[:, rows]:
        again = _cut(_standardised(sample), n_groups)
        shared = np.zeros((n_groups, n_groups))
        np.add.at(shared, (again, groups), 1)
        to = linear_sum_assignment(-shared)[1]
        same += to[again] == groups
    return same / max(1, len(donors.samples)) if len(donors.samples) else np.full(len(rows), np.nan)


def _means(X: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Weighted means of the rows, without missing values."""
    there = ~np.isnan(X)
    weight = times @ there.astype(np.float64)
    total = times @ np.where(there, X, 0.0)
    out: np.ndarray = np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)
    return out


def _standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1 over donors; a missing value is the mean."""
    centre, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    out: np.ndarray = np.nan_to_num((values - centre) / np.where(spread > 0, spread, 1.0), nan=0.0)
    return out


def _cut(Z: np.ndarray, n_groups: int) -> np.ndarray:
    """Exactly `n_groups` groups, numbered by rising mean of the first column."""
    labels = fcluster(linkage(Z, "ward"), n_groups, "maxclust") - 1
    if len(np.unique(labels)) < n_groups:  # equal donors: the tree has no level with so many groups
        order = np.lexsort(Z.T[::-1])
        labels = np.empty(len(Z), dtype=np.int64)
        labels[order] = np.arange(len(Z)) * n_groups // len(Z)
    means = [Z[labels == group, 0].mean() for group in range(n_groups)]
    place = np.empty(n_groups, dtype=np.int64)
    place[np.argsort(means, kind="stable")] = np.arange(n_groups)
    return np.asarray(place[labels])
