"""The cells of a panel of perturbations, and what the scores of perturbation models read from them."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from ._bulk_profile import BulkProfile, bulk_profile
from ._de_agreement import de_agreement
from ._de_table import DEControl, DETable
from ._discrimination import discrimination
from ._expression_error import expression_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Cells = Mapping[Any, sparse.csr_matrix]


class Target(NamedTuple):
    """Columns of the genes that perturbations act on directly."""

    own: list[list[int]]
    """Of each perturbation."""
    panel: list[int]
    """Of all."""


class Origin:
    """Control cells: where effects begin."""

    def __init__(self, cells: sparse.csr_matrix) -> None:
        self.cells = cells
        self.tests = DEControl(cells)

    @cached_property
    def bulk(self) -> BulkProfile:
        """All of them as one profile."""
        return bulk_profile(self.cells)


class Measured:
    """Cells of each perturbation, real or predicted, seen from a control.

    Parameters
    ----------
    cells
        Of each perturbation; the same for several are measured once.
    origin
        The control.
    keep
        Keep the tables of tests, which will be asked for again.
    """

    def __init__(self, cells: Cells, origin: Origin, *, keep: bool = False) -> None:
        self.cells, self.origin = cells, origin
        self._keep = keep
        self._tables: dict[int, DETable] = {}
        found = {id(part): bulk_profile(part) for part in {id(part): part for part in cells.values()}.values()}
        each = [found[id(part)] for part in cells.values()]
        self.profiles = np.stack([one.profile for one in each])
        self.variances = np.array([one.variance for one in each])

    @property
    def effects(self) -> np.ndarray:
        """Perturbations x genes."""
        return np.asarray(self.profiles - self.origin.bulk.profile)

    def table(self, group: Any) -> DETable:
        """Differential expression of a perturbation."""
        part = self.cells[group]
        if id(part) in self._tables:
            return self._tables[id(part)]
        table = self.origin.tests.table(part)
        if self._keep:
            self._tables[id(part)] = table
        return table


def panel_scores(pred: Measured, true: Measured, target: Target, names: Sequence[str] | None) -> dict[str, np.ndarray]:
    """All scores of a prediction, one value a perturbation.

    The expression error of a perturbation stands over the mean effect of the panel, so that the mean over perturbations
    is the ratio of the sums that the score is.
    """
    groups = list(true.cells)
    out = {"pds_cosine": discrimination(pred.effects, true.effects, metric="cosine", leave_out=target.panel)}
    found = expression_error(
        pred.profiles,
        true.profiles,
        true.origin.bulk.profile,
        pred_variance=pred.variances,
        true_variance=true.variances,
        control_variance=true.origin.bulk.variance,
        leave_out=target.own,
    )
    whole = found.effects.mean()
    out["expr_mse_unbiased_capped_norm"] = found.errors / whole if whole > 0 else np.full(len(groups), np.nan)
    agreed = [
        de_agreement(pred.table(group), true.table(group), leave_out=own, names=names)
        for group, own in zip(groups, target.own, strict=True)
    ]
    return out | {key: np.array([getattr(one, key) for one in agreed]) for key in agreed[0]._fields}


def mean_response(
    true: Cells, control: sparse.csr_matrix, target: Target, seed: int, draw: int
) -> dict[Any, sparse.csr_matrix]:
    """Cells that know the mean response of the panel and nothing of any one perturbation.

    The mean over perturbations of their mean cells, without the perturbations that act on the gene itself, as control
    cells drawn with replacement whose genes are multiplied to reach it: as many as there are real cells.
    """
    means = np.stack([np.asarray(part.mean(axis=0)).ravel() for part in true.values()])
    counted = np.ones(means.shape, dtype=bool)
    for row, own in zip(counted, target.own, strict=True):
        row[own] = False
    n = counted.sum(axis=0)
    middle = np.divide((means * counted).sum(axis=0), n, out=means.mean(axis=0), where=n > 0)
    before = np.asarray(control.mean(axis=0)).ravel()
    factor = sparse.diags_array(np.divide(middle, before, out=np.zeros_like(middle), where=before > 0))
    scaled = sparse.csr_matrix(control @ factor)
    return {
        group: scaled[_rng(seed, draw, "mean", group).integers(0, scaled.shape[0], part.shape[0])]
        for group, part in true.items()
    }


def halves(cells: sparse.csr_matrix, seed: int, *name: Any) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Two halves of the cells, drawn."""
    order = _rng(seed, *name).permutation(cells.shape[0])
    middle = cells.shape[0] // 2
    return cells[order[:middle]], cells[order[middle:]]


def in_order_of_content(Y: sparse.csr_matrix) -> sparse.csr_matrix:
    """Cells in an order that depends on what they hold alone, so that draws do not depend on the order of rows."""
    keys = [
        hashlib.blake2b(Y.indices[a:b].astype(np.int64).tobytes() + Y.data[a:b].tobytes(), digest_size=8).hexdigest()
        for a, b in zip(Y.indptr[:-1], Y.indptr[1:], strict=True)
    ]
    return Y[np.argsort(np.array(keys, dtype=str), kind="stable")]


def _rng(seed: int, *name: Any) -> np.random.Generator:
    """Draws of one perturbation, whatever other perturbations there are."""
    digest = hashlib.blake2b("\0".join(map(str, name)).encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])
