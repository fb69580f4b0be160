"""Predictions beside real cells, the control cells, and answers to questions that should change nothing."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.gene_words import words_of
from scc2s._logging import logger
from scc2s.programs import as_program, match
from scc2s.tl._predicting.truth import group_labels, refuse_unclear

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from scipy import sparse

    from scc2s.programs import Program
    from scc2s.tl._predicting.truth import Truth
    from scc2s.tl._writing.responses import Asker, Response


@dataclass(frozen=True)
class ReportOptions:
    """How the report of a prediction is made."""

    truth: Truth | None
    """Real cells, grouped by the same column."""
    groupby: str | None
    n_cells: int
    """Most cells of a group and condition, for all rows of the report, so that they compare at equal numbers."""
    program: str | Program | Sequence[str] | None
    n_boot: int
    donor_key: str | None
    """Column of ``.obs``; intervals draw whole donors."""

    def check(self, adata: AnnData, conditions: Sequence[str], sentence_key: str) -> None:
        """Raise what the report would fail on, before any question is asked."""
        refuse_unclear(self.truth, conditions)
        for data in (adata, *([] if self.truth is None else [self.truth.data])):
            group_labels(data, self.groupby)
            self.donors(data)
        self.columns(adata, sentence_key)

    def columns(self, adata: AnnData, sentence_key: str) -> np.ndarray | None:
        """Columns of ``.var`` of the genes of the program."""
        if self.program is None:
            return None
        words = words_of(adata, sentence_key)
        return words.columns[match(as_program(self.program), words.words).columns]

    def donors(self, adata: AnnData) -> np.ndarray | None:
        """Donor of each cell."""
        if self.donor_key is None:
            return None
        if self.donor_key not in adata.obs:
            msg = f"obs has no column {self.donor_key!r}; pass donor_key= one of {list(adata.obs.columns)[:10]}"
            raise KeyError(msg)
        donors = adata.obs[self.donor_key]
        if donors.isna().any():
            msg = f"obs[{self.donor_key!r}] is missing for {donors.isna().sum()} cells; fill it, or pass donor_key=None"
            raise ValueError(msg)
        return donors.astype(str).to_numpy(dtype=object)

    def params(self) -> dict[str, Any]:
        """What a record of the result should hold."""
        return {
            "groupby": self.groupby,
            "n_control_cells": self.n_cells,
            "program": None if self.program is None else list(as_program(self.program).genes),
            "n_boot": self.n_boot,
            "donor_key": self.donor_key,
        }


def control_report(
    asker: Asker,
    rows: np.ndarray,
    response: Response,
    conditions: Sequence[str],
    others: Mapping[str, Mapping[str, Sequence[str]]],
    report: ReportOptions,
) -> pd.DataFrame:
    """Table of :func:`scc2s.metrics.perturbation_report` for each condition and group.

    Parameters
    ----------
    asker, rows, response
        How the model was asked, about which rows, and what it said.
    conditions
        What each row was asked about.
    others
        Controls: fields of the prompt, one value for each row, by name of the control.
    report
        How.
    """
    from scc2s.metrics import perturbation_report

    seed = asker.decoding.random_state
    groups, condition = group_labels(asker.data, report.groupby)[rows], np.array(conditions, dtype=object)
    picked = _some(condition, groups, report.n_cells, seed)
    asked = {
        name: asker(rows[picked], {f: [v[i] for i in picked.tolist()] for f, v in fields.items()}).expression
        for name, fields in others.items()
    }
    before = asker.shown(asker.data, rows[picked], response.n_asked[picked])
    after = response.expression[picked]
    donor = report.donors(asker.data)
    tables = []
    for one in sorted(set(condition[picked])):
        here = np.flatnonzero(condition[picked] == one)
        labels = groups[picked][here]
        real, real_groups, real_donors = _real(asker, report, one, set(labels), int(response.n_asked.max()))
        own = None if donor is None else donor[rows[picked]][here]
        table = perturbation_report(
            after[here],
            real,
            before[here],
            pred_groups=labels,
            true_groups=real_groups,
            control_groups=labels,
            others={
                name: (expression[here], labels) if own is None else (expression[here], labels, own)
                for name, expression in asked.items()
            },
            program=report.columns(asker.data, asker.sentence_key),
            donors=None if own is None else {"pred": own, "true": real_donors, "control": own},
            n_boot=report.n_boot,
            random_state=seed,
        )
        tables.append(table.assign(condition=one))
    return pd.concat(tables, ignore_index=True)


def _some(condition: np.ndarray, groups: np.ndarray, most: int, random_state: int) -> np.ndarray:
    """Positions of at most `most` cells of each condition and group; a draw does not depend on the other ones."""
    labels = np.array(
        [None if g is None else f"{c}\t{g}" for c, g in zip(condition, groups, strict=True)], dtype=object
    )
    found = [np.empty(0, dtype=np.int64)]
    for label in sorted(set(labels) - {None}):
        here = np.flatnonzero(labels == label)
        rng = np.random.default_rng([random_state, zlib.crc32(label.encode())])
        found.append(rng.permutation(here)[:most])
    picked = np.sort(np.concatenate(found))
    if not len(picked):
        msg = "no cell that was asked about is in a group; pass another groupby=, or controls=False"
        raise ValueError(msg)
    return picked


def _real(
    asker: Asker, report: ReportOptions, condition: str, wanted: set[str], n_genes: int
) -> tuple[sparse.csr_matrix | None, np.ndarray | None, np.ndarray | None]:
    """Expression, group and donor of the real cells of a condition; groups without any are logged."""
    truth = report.truth
    if truth is None:
        return None, None, None
    groups = group_labels(truth.data, report.groupby)[truth.rows]
    kept = np.array([group in wanted for group in groups], dtype=bool)
    if truth.condition is not None:
        kept &= truth.condition[truth.rows] == condition
    if absent := sorted(wanted - set(groups[kept])):
        logger.warning("no real cells for %d of %d groups: %s", len(absent), len(wanted), ", ".join(absent[:5]))
    expression = asker.shown(truth.data, truth.rows[kept], np.full(kept.sum(), n_genes))
    donors = report.donors(truth.data)
    return expression, groups[kept], None if donors is None else donors[truth.rows[kept]]
