"""What is higher in a group of cells than elsewhere: single genes, and the markers of cell types."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s._cells.values import describe, log_blocks
from scc2s.metrics._group_auroc import group_auroc
from scc2s.programs._gene_index import GeneIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scc2s._cells.expression import Expression
    from scc2s._cells.groups import Groups
    from scc2s.programs import Markers
    from scc2s.programs._type_names import TypeNames

LEAST = 2
"""Markers of a type that must be among the genes of a data set, to judge the type by them."""
_PART, _MOST = 0.25, 0.8
"""A type is all over a data set where so many cells elsewhere express this part of its markers (and at least two)."""
_MARGIN = 0.02
"""Another type counts as higher from this difference on, however many cells there are."""


class Specific(NamedTuple):
    """Each group against all other cells; NaN where there are no two cells on both sides to compare."""

    genes: pd.DataFrame
    """Area under the ROC curve of each gene; groups x genes."""
    types: pd.DataFrame
    """The same of the mean of a type's markers; groups x types that have markers in the data set."""
    elsewhere: pd.DataFrame
    """Share of the cells outside each group that express a quarter of a type's markers, and at least two."""
    markers: dict[str, list[str]]
    """Markers of these types, as the data set writes them."""
    sizes: dict[str, int]
    """Cells of each group."""

    def of_type(self, group: str, label: str) -> float:
        """Area under the ROC curve of a type in a group; NaN also for a type without markers in the data set."""
        return float(self.types[label].to_dict()[group]) if label in self.types else math.nan

    def is_all_over(self, group: str, label: str) -> bool:
        """Whether most cells outside a group have the markers of a type too, so that being higher is too much to ask.

        Cells of one type, such as sorted T cells: no group of these can be higher in the markers of T cells.
        """
        return bool(self.elsewhere[label].to_dict()[group] >= _MOST)


def specific(expressed: Expression, groups: Groups, genes: Iterable[str], markers: Mapping[str, Markers]) -> Specific:
    """Compare groups by single genes, and by the mean of a type's markers, each divided by its standard deviation.

    Parameters
    ----------
    expressed
        Counts or log-normalised values.
    groups
        The groups.
    genes
        Names of genes of `expressed`.
    markers
        Genes by type. Types with fewer than two genes in the data are left out.

    Raises
    ------
    ValueError
        The values are neither counts nor log-normalised.
    """
    index = GeneIndex(expressed.names)
    found = {label: index.find(one.genes)[0] for label, one in markers.items()}
    found = {label: columns for label, columns in found.items() if len(columns) >= LEAST}
    asked = index.find(genes)[0]
    wanted = sorted({*asked, *(column for columns in found.values() for column in columns)})
    X = log_values(expressed, wanted)
    place = {column: i for i, column in enumerate(wanted)}
    names = [expressed.names[column] for column in wanted]
    single = group_auroc(X, groups.codes, len(groups.names))
    spread = np.sqrt(np.maximum(np.asarray(X.power(2).mean(axis=0)) - np.square(np.asarray(X.mean(axis=0))), 0)).ravel()
    scaled = X @ sparse.diags_array(np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0))
    means, has = np.empty((X.shape[0], len(found))), np.empty((X.shape[0], len(found)))
    for i, columns in enumerate(found.values()):
        at = [place[c] for c in columns]
        means[:, i] = np.asarray(scaled[:, at].mean(axis=1)).ravel()
        has[:, i] = np.asarray((X[:, at] > 0).sum(axis=1)).ravel() >= max(LEAST, _PART * len(columns))
    by_type = group_auroc(means, groups.codes, len(groups.names))
    sizes = groups.sizes
    small = (sizes < 2) | (len(groups.codes) - sizes < 2)
    single[small], by_type[small] = np.nan, np.nan
    return Specific(
        pd.DataFrame(single, index=groups.names, columns=names),
        pd.DataFrame(by_type, index=groups.names, columns=list(found)),
        pd.DataFrame(_shares_of_others(has, groups), index=groups.names, columns=list(found)),
        {label: [expressed.names[c] for c in columns] for label, columns in found.items()},
        dict(zip(groups.names, sizes.tolist(), strict=True)),
    )


def rival(found: Specific, group: str, label: str, types: TypeNames) -> str | None:
    """The type whose markers stand out most in a group, where these do so more than those of `label`.

    Wider and narrower types of `label` do not count. More means: by more than 0.02, and by more than the standard error
    of the difference, taken as that of two independent shares of the group's cells.
    """
    row = found.types.loc[group]
    others = row[[other for other in row.index if other != label and not types.related(other, label)]]
    if row.isna().any() or not len(others):
        return None
    best = str(others.idxmax())
    own, high, n = found.of_type(group, label), found.of_type(group, best), found.sizes[group]
    error = math.sqrt((own * (1 - own) + high * (1 - high)) / n)
    return best if high - own > max(_MARGIN, error) else None


def _shares_of_others(has: np.ndarray, groups: Groups) -> np.ndarray:
    """Mean of each column over the cells that are not of a group; groups x columns."""
    inside = np.stack([has[groups.codes == code].sum(axis=0) for code in range(len(groups.names))])
    n_others = np.maximum(1, len(has) - groups.sizes)[:, None]
    return np.asarray((has.sum(axis=0) - inside) / n_others)


def log_values(expressed: Expression, columns: list[int]) -> sparse.csc_matrix:
    """Log-normalised values of some genes, of those too that sentences leave out; totals are over all genes."""
    every = replace(expressed, allowed=None)
    blocks = log_blocks(every, describe(every.blocks(2048)), 1e4, math.e)
    return sparse.csc_matrix(sparse.vstack([sparse.csr_matrix(block[:, columns]) for block in blocks]))
