"""The common part of perturb and fate: what is asked about each cell, the answers, the report, the slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import get_sentences
from scc2s._cells.results import claim
from scc2s._logging import logger
from scc2s.models._progress import called
from scc2s.tl._predicting.controls import control_report
from scc2s.tl._predicting.verdict import verdict
from scc2s.tl._writing.responses import slots_of
from scc2s.tl._writing.shared_genes import SharedGenes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s._cells.results import Result
    from scc2s.tl._predicting.controls import ReportOptions
    from scc2s.tl._writing.responses import Asker


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a model is asked about the cells of a data set, one value for each cell."""

    field: str
    """Field of the prompt that says what happens to a cell."""
    texts: Sequence[str | None]
    """Its values; ``None``: the cell is not asked about."""
    fields: Mapping[str, Sequence[str]]
    """Values of other fields."""
    controls: Mapping[str, Sequence[str | None]]
    """Values of the field in control questions, by name of the control."""
    said: Mapping[str, Sequence[str | None]]
    """What columns of the result say about each cell beside the field."""

    def given(self, rows: np.ndarray, texts: Sequence[str | None] | None = None) -> dict[str, list[Any]]:
        """Fields of the prompts about some cells, with other `texts` for a control."""
        values = {**self.fields, self.field: self.texts if texts is None else texts}
        return {name: [column[row] for row in rows.tolist()] for name, column in values.items()}


@dataclass(frozen=True, kw_only=True)
class AskedCells:
    """The cells that are asked about, found and checked before a model is there."""

    rows: np.ndarray
    conditions: np.ndarray
    """What the report calls the condition of each of `rows`."""
    picked: np.ndarray
    """Which of `rows` the report is about, in an order that their names decide."""
    genes: SharedGenes

    @classmethod
    def of(
        cls,
        adata: AnnData,
        conditions: Sequence[str | None],
        report: ReportOptions | None,
        *,
        sentence_key: str,
        constrain: bool,
        random_state: int,
    ) -> AskedCells:
        """Those that have a condition and a sentence.

        Raises
        ------
        KeyError, ValueError
            What the report would fail on, and where no cell is left.
        """
        sentences = get_sentences(adata, sentence_key)
        shown = np.array([bool(sentence.strip()) for sentence in sentences], dtype=bool)
        wanted = np.array([condition is not None for condition in conditions], dtype=bool)
        rows = np.flatnonzero(wanted & shown)
        if n_empty := int(wanted.sum()) - len(rows):
            logger.warning("%d cells have an empty sentence and are left out", n_empty)
        if not len(rows):
            msg = (
                "no cell with a sentence is left to ask about; call sc.pp.c2s_sentences(adata) on cells that express "
                "genes"
            )
            raise ValueError(msg)
        asked = np.array([str(conditions[row]) for row in rows.tolist()], dtype=object)
        truth = None if report is None or report.truth is None else (report.truth.data, report.truth.rows)
        picked = np.empty(0, dtype=np.intp)
        if report is not None:
            report.check(adata, asked.tolist())
            picked = report.pick(adata, rows, asked, sentences, random_state)
        genes = SharedGenes.of(adata, rows, sentence_key, constrain=constrain, truth=truth)
        if report is not None:
            report.columns(genes)
        return cls(rows=rows, conditions=asked, picked=picked, genes=genes)


def claim_prediction(adata: AnnData, tool: str, name: str, *said: str) -> Result:
    """The slots of a prediction named `name`, where columns `said` tell what happened to each cell."""
    stem = f"c2s_{name}"
    columns = ("sentence", *said, "n_words", "n_genes", "valid", "unique", "complete")
    return claim(adata, tool, name, obs=[f"{stem}_{column}" for column in columns], layers=[stem])


def predict(
    asker: Asker,
    cells: AskedCells,
    asked: Changes,
    report: ReportOptions | None,
    result: Result,
    params: dict[str, Any],
) -> None:
    """Ask, report, and write the result: all of it, or nothing if something fails."""
    data, rows = asker.data, cells.rows
    others = {} if report is None else asked.controls
    about = rows[cells.picked]
    questions = [(about, asked.given(about, texts)) for texts in others.values()]
    with called(result.record[0]):
        *replies, response = asker.ask([*questions, (rows, asked.given(rows))])
    params = {
        **params,
        **asker.params(),
        "n_cells": data.n_obs,
        "n_asked": len(rows),
        "n_shortened": response.n_shortened,
        "share_valid": float(response.validity["valid"].mean()),
        "share_unique": float(response.validity["unique"].mean()),
        "n_incomplete": int((~response.validity["complete"]).sum()),
    }
    more: dict[str, Any] = {}
    if report is not None:
        table = control_report(asker, cells, response, dict(zip(others, replies, strict=True)), report)
        more |= {"controls": table, "verdict": verdict(table)}
        params |= report.params()
    said = {asked.field: asked.texts, **asked.said}
    texts = {name: [values[row] for row in rows.tolist()] for name, values in said.items()}
    obs, layers = slots_of(data.obs_names, f"c2s_{result.record[-1]}", rows, response, texts)
    result.write(params, model=asker.model.info(), more=more, obs=obs, layers=layers)
