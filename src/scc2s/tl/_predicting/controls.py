"""Predictions beside real cells, the control cells, and answers to questions that should change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s._cells.access import get_sentences
from scc2s._cells.arguments import whole
from scc2s._cells.columns import donors_of
from scc2s._cells.sampling import shuffled, some_of_each
from scc2s._logging import logger
from scc2s.metrics._report_sides import OTHER_DONORS
from scc2s.programs import as_program, match
from scc2s.tl._predicting.truth import group_labels, refuse_unclear

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s.programs import Program
    from scc2s.tl._predicting.predict import AskedCells
    from scc2s.tl._predicting.truth import Truth
    from scc2s.tl._writing.responses import Asker, Response
    from scc2s.tl._writing.shared_genes import SharedGenes


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How the report of a prediction is made."""

    truth: Truth | None
    """Real cells, grouped by the same column."""
    groupby: str | tuple[str, ...] | None
    n_cells: int
    """Most cells of a group and condition, for all rows of the report, so that they compare at equal numbers."""
    program: str | Program | Sequence[str] | None
    n_boot: int
    donor_key: str | None
    """Column of ``.obs``; intervals draw whole donors."""
    alike: Mapping[str, str] | None = None
    """Type of each group, where a group is one type in one donor: what other donors of the type do is a row then."""

    def check(self, adata: AnnData, conditions: Sequence[str]) -> None:
        """Raise what the report would fail on, before any question is asked."""
        whole("n_control_cells", self.n_cells)
        whole("n_boot", self.n_boot, least=0)
        refuse_unclear(self.truth, conditions)
        for data in (adata, *([] if self.truth is None else [self.truth.data])):
            group_labels(data, self.groupby)
            donors_of(data, self.donor_key)

    def pick(
        self, adata: AnnData, rows: np.ndarray, conditions: np.ndarray, sentences: Sequence[str], random_state: int
    ) -> np.ndarray:
        """Positions in `rows` of at most `n_cells` cells of each condition and group; a draw depends on names alone."""
        groups = group_labels(adata, self.groupby)[rows]
        both = [None if g is None else f"{c}\t{g}" for c, g in zip(conditions, groups, strict=True)]
        picked = some_of_each(
            np.array(both, dtype=object),
            adata.obs_names[rows].tolist(),
            self.n_cells,
            random_state,
            ties=[sentences[row] for row in rows.tolist()],
        )
        if not len(picked):
            msg = "no cell that was asked about is in a group; pass another groupby=, or controls=False"
            raise ValueError(msg)
        return picked

    def columns(self, genes: SharedGenes) -> np.ndarray | None:
        """Columns of ``.var`` of the genes of the program."""
        if self.program is None:
            return None
        words = genes.in_var
        return np.array([words[name] for name in match(as_program(self.program), list(words)).found], dtype=np.int64)

    def params(self) -> dict[str, Any]:
        """What a record of the result should hold."""
        return {
            "groupby": self.groupby,
            "n_control_cells": self.n_cells,
            "program": None if self.program is None else list(as_program(self.program).genes),
            "n_boot": self.n_boot,
            "donor_key": self.donor_key,
        }


class _RealCells(NamedTuple):
    """Cells that really were perturbed, in an order that their names decide."""

    sentences: list[str]
    groups: np.ndarray
    conditions: np.ndarray | None
    donors: np.ndarray | None


def control_report(
    asker: Asker, cells: AskedCells, response: Response, others: Mapping[str, Response], report: ReportOptions
) -> pd.DataFrame:
    """Table of :func:`scc2s.metrics.perturbation_report` for each condition and group.

    All sides hold the same genes, in places that are counted in the same way (:meth:`Asker.compare`).

    Parameters
    ----------
    asker, cells, response
        How the model was asked, about which cells, and what it said.
    others
        Answers to the control questions about the cells that were picked, by name of the control.
    report
        How.
    """
    from scc2s.metrics import perturbation_report

    seed, picked = asker.decoding.random_state, cells.picked
    rows, condition = cells.rows[picked], cells.conditions[picked]
    groups = group_labels(asker.data, report.groupby)[rows]
    donors = donors_of(asker.data, report.donor_key)
    truth = None if report.truth is None else _real_cells(asker, report, report.truth, seed)
    most = None if truth is None else _longest(asker, truth)
    pair = asker.compare(rows, response.texts(picked), response.n_asked[picked], most=most)
    before = pair.before
    after = or_unchanged(pair.after, before, "the prediction")
    replies = {
        name: or_unchanged(asker.compare(rows, reply.written.texts, reply.n_asked, most=most).after, before, name)
        for name, reply in others.items()
    }
    length = int(pair.n.max(initial=1))
    spare = _reference_cells(asker, cells, report, length)
    tables = []
    for one in sorted(set(condition)):
        here = np.flatnonzero(condition == one)
        labels = groups[here]
        real, real_groups, real_donors = _real_side(asker, truth, one, set(labels), length)
        own = None if donors is None else donors[rows[here]]
        control, control_groups, control_donors = before[here], labels, own
        if spare is not None and own is not None:
            control = sparse.vstack([control, spare.X], format="csr")
            control_groups, control_donors = np.r_[labels, spare.groups], np.r_[own, spare.donors]
        floors = {name: expression[here] for name, expression in replies.items()}
        told = set(labels)
        if report.alike is not None and real is not None:
            floors[OTHER_DONORS], told = _as_other_donors(before[here], labels, real, real_groups, report.alike)
        table = perturbation_report(
            after[here],
            real,
            control,
            pred_groups=labels,
            true_groups=real_groups,
            control_groups=control_groups,
            others={
                name: (expression, labels) if own is None else (expression, labels, own)
                for name, expression in floors.items()
            },
            program=report.columns(cells.genes),
            donors=None if own is None else {"pred": own, "true": real_donors, "control": control_donors},
            n_boot=report.n_boot,
            random_state=seed,
        )
        empty = (table["predictor"] == OTHER_DONORS) & ~table["group"].isin(told)
        tables.append(table[~empty].assign(condition=one))
    return pd.concat(tables, ignore_index=True)


class _Spare(NamedTuple):
    """Control cells of donors that nothing is predicted for."""

    X: sparse.csr_matrix
    groups: np.ndarray
    donors: np.ndarray


def _as_other_donors(
    before: sparse.csr_matrix,
    labels: np.ndarray,
    real: sparse.csr_matrix,
    real_labels: np.ndarray | None,
    alike: Mapping[str, str],
) -> tuple[sparse.csr_matrix, set[str]]:
    """Cells moved by the mean shift that real cells of their type have in the other donors, and the groups that move.

    Groups without such cells stay as they are, so that the rows remain those of the control.
    """
    shifts: dict[str, sparse.csr_matrix] = {}
    for label in sorted(set(labels)):
        own, true = before[labels == label], real[np.asarray(real_labels) == label]
        if min(own.shape[0], true.shape[0]) > 1:
            shifts[label] = sparse.csr_matrix(true.mean(axis=0)) - sparse.csr_matrix(own.mean(axis=0))
    moved: dict[str, sparse.csr_matrix] = {}
    for label in sorted(set(labels)):
        others = [shift for one, shift in shifts.items() if one != label and alike[one] == alike[label]]
        if others:
            moved[label] = sum(others[1:], others[0]) / len(others)
    nothing = sparse.csr_matrix((1, before.shape[1]))
    rows = sparse.vstack([moved.get(label, nothing) for label in labels], format="csr")
    return sparse.csr_matrix(before + rows), set(moved)


def or_unchanged(after: sparse.csr_matrix, before: sparse.csr_matrix, what: str) -> sparse.csr_matrix:
    """Answers, and the cell as it was where an answer holds no gene: it says nothing about a change.

    As a cell without expression it would differ from its control in every gene, which correlates with any true shift.
    """
    silent = (np.diff(after.indptr) == 0) & (np.diff(before.indptr) > 0)
    if not silent.any():
        return after
    logger.warning(
        "%d of %d answers of %s hold no gene; the report takes these cells as unchanged",
        silent.sum(),
        len(silent),
        what,
    )
    keep, fill = (sparse.diags_array(here.astype(np.float32)) for here in (~silent, silent))
    return sparse.csr_matrix(keep @ after + fill @ before)


def _reference_cells(asker: Asker, cells: AskedCells, report: ReportOptions, most: int) -> _Spare | None:
    """Cells that are not asked about and are what the asked ones are in the column that tells truth from them.

    Their donors say what the same group does elsewhere. Only where truth is ``{column: value}`` of the same data.
    """
    truth, data = report.truth, asker.data
    donors = donors_of(data, report.donor_key)
    if donors is None or truth is None or truth.data is not data or truth.key is None:
        return None
    state = data.obs[truth.key].astype(object).to_numpy()
    alike = np.isin(state.astype(str), np.unique(state[cells.rows].astype(str)))
    groups = group_labels(data, report.groupby)
    free = alike & ~np.isin(np.arange(data.n_obs), np.r_[cells.rows, truth.rows])
    free &= ~np.isin(donors.astype(str), np.unique(donors[cells.rows].astype(str)))
    rows = np.flatnonzero(free & np.array([group is not None for group in groups], dtype=bool))
    if not len(rows):
        return None
    X = asker.real([asker.sentences[row] for row in rows.tolist()], most)
    return _Spare(X, groups[rows], donors[rows])


def _real_cells(asker: Asker, report: ReportOptions, truth: Truth, seed: int) -> _RealCells:
    sentences = get_sentences(truth.data, asker.sentence_key)
    texts = [sentences[row] for row in truth.rows.tolist()]
    order = shuffled(truth.data.obs_names[truth.rows], seed, ties=texts)
    rows = truth.rows[order]
    donors = donors_of(truth.data, report.donor_key)
    return _RealCells(
        sentences=[texts[i] for i in order.tolist()],
        groups=group_labels(truth.data, report.groupby)[rows],
        conditions=None if truth.condition is None else truth.condition[rows],
        donors=None if donors is None else donors[rows],
    )


def _longest(asker: Asker, truth: _RealCells) -> int:
    """Genes of the longest real cell: none is compared on more."""
    return int(asker.genes.n_writable(truth.sentences).max(initial=1))


def _real_side(
    asker: Asker, truth: _RealCells | None, condition: str, wanted: set[str], most: int
) -> tuple[sparse.csr_matrix | None, np.ndarray | None, np.ndarray | None]:
    """Expression, group and donor of the real cells of a condition; groups without any are logged."""
    if truth is None:
        return None, None, None
    kept = np.array([group in wanted for group in truth.groups], dtype=bool)
    if truth.conditions is not None:
        kept &= truth.conditions == condition
    if absent := sorted(wanted - set(truth.groups[kept])):
        logger.warning("no real cells for %d of %d groups: %s", len(absent), len(wanted), ", ".join(absent[:5]))
    expression = asker.real([truth.sentences[i] for i in np.flatnonzero(kept).tolist()], most)
    return expression, truth.groups[kept], None if truth.donors is None else truth.donors[kept]
