"""The common part of perturb and fate: what is asked about each cell, the answers, the report, the slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import get_sentences
from scc2s._cells.provenance import entry
from scc2s._logging import logger
from scc2s.tl._predicting.controls import control_report
from scc2s.tl._writing.responses import write_slots

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


def result_name(key_added: str | None, usual: str) -> str:
    """Name of a result, without the prefix that its slots get."""
    key = usual if key_added is None else key_added.removeprefix("c2s_")
    if not key or "/" in key:
        msg = f"key_added={key_added!r} cannot be written to a file; pass key_added= a name without '/'"
        raise ValueError(msg)
    return key


def predict(asker: Asker, asked: Changes, report: ReportOptions | None, *, kind: str, key: str, params: dict) -> None:
    """Ask, report, and write the results named `key` of tool `kind`: all of them, or none if something fails."""
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
    found = entry({**params, **asker.params(), **counts}, model=asker.model.info())
    if report is not None:
        others = {name: asked.given(rows, texts) for name, texts in asked.controls.items()}
        found["controls"] = control_report(asker, rows, response, conditions, others, report)
        found["params"] |= entry(report.params())["params"]
    write_slots(data, f"c2s_{key}", rows, response, {asked.field: [asked.texts[row] for row in rows.tolist()]})
    ours = data.uns.get("c2s", {})
    data.uns["c2s"] = {**ours, kind: {**ours.get(kind, {}), key: found}}
