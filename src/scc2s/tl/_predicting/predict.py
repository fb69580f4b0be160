"""The common part of perturb and fate: what is asked about each cell, the answers, the report, the slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import get_sentences
from scc2s._cells.results import claim
from scc2s._logging import logger
from scc2s.tl._predicting.controls import control_report
from scc2s.tl._writing.responses import slots_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s._cells.results import Result
    from scc2s.tl._predicting.controls import ReportOptions
    from scc2s.tl._writing.responses import Asker


@dataclass(frozen=True)
class Changes:
    """What a model is asked about the cells of a data set, one value for each cell."""

    field: str
    """Field of the prompt that says what happens to a cell."""
    texts: Sequence[str | None]
    """Its values; ``None``: the cell is not asked about."""
    conditions: Sequence[str | None]
    """The same as the report calls it."""
    fields: Mapping[str, Sequence[str]]
    """Values of other fields."""
    controls: Mapping[str, Sequence[str | None]]
    """Values of the field in control questions, by name of the control."""

    def given(self, rows: np.ndarray, texts: Sequence[str | None] | None = None) -> dict[str, list[Any]]:
        """Fields of the prompts about some cells, with other `texts` for a control."""
        values = {**self.fields, self.field: self.texts if texts is None else texts}
        return {name: [column[row] for row in rows.tolist()] for name, column in values.items()}


def claim_prediction(adata: AnnData, tool: str, name: str, field: str) -> Result:
    """The slots of a prediction named `name`, which says in `field` what happened to each cell."""
    stem = f"c2s_{name}"
    columns = ("sentence", field, "n_words", "n_genes", "valid", "unique", "complete")
    return claim(adata, tool, name, obs=[f"{stem}_{column}" for column in columns], layers=[stem])


def predict(asker: Asker, asked: Changes, report: ReportOptions | None, result: Result, params: dict[str, Any]) -> None:
    """Ask, report, and write the result: all of it, or nothing if something fails."""
    data = asker.data
    shown = [bool(sentence.strip()) for sentence in get_sentences(data, asker.sentence_key)]
    wanted = np.array([text is not None for text in asked.texts])
    rows = np.flatnonzero(wanted & shown)
    if n_empty := int(wanted.sum()) - len(rows):
        logger.warning("%d cells have an empty sentence and are left out", n_empty)
    if not len(rows):
        msg = (
            "no cell with a sentence is left to ask about; call sc.pp.c2s_sentences(adata) on cells that express genes"
        )
        raise ValueError(msg)
    conditions = [str(asked.conditions[row]) for row in rows.tolist()]
    if report is not None:
        report.check(data, conditions, asker.sentence_key)
    response = asker(rows, asked.given(rows))
    counts = {
        "n_cells": data.n_obs,
        "n_asked": len(rows),
        "n_shortened": response.n_shortened,
        "share_valid": float(response.validity["valid"].mean()),
        "share_unique": float(response.validity["unique"].mean()),
        "n_incomplete": int((~response.validity["complete"]).sum()),
    }
    params = {**params, **asker.params(), **counts}
    more = {}
    if report is not None:
        others = {name: asked.given(rows, texts) for name, texts in asked.controls.items()}
        more["controls"] = control_report(asker, rows, response, conditions, others, report)
        params |= report.params()
    texts = {asked.field: [asked.texts[row] for row in rows.tolist()]}
    obs, layers = slots_of(data.obs_names, f"c2s_{result.record[-1]}", rows, response, texts)
    result.write(params, model=asker.model.info(), more=more, obs=obs, layers=layers)
