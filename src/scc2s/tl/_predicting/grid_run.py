"""Asking about a grid of experiments, and what the answers come to: one row for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._logging import logger
from scc2s.metrics import perturbation_report
from scc2s.metrics._report_sides import CEILING, PREDICTION
from scc2s.models._progress import bar, called
from scc2s.prompts._scramble import scramble
from scc2s.tl._predicting.controls import control_report, or_unchanged
from scc2s.tl._predicting.perturbations import with_details
from scc2s.tl._predicting.screen_run import REGENERATION
from scc2s.tl._predicting.verdict import SCRAMBLED
from scc2s.tl._writing.write_cells import PERTURBATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scc2s.tl._predicting.controls import ReportOptions
    from scc2s.tl._predicting.grid import Conditions, GridCells
    from scc2s.tl._predicting.predict import AskedCells
    from scc2s.tl._predicting.truth import Truth
    from scc2s.tl._writing.responses import Asker, Response

NOTICE = "Answers of a language model, not measurements: research use only."
_AT_ONCE = 2048
"""Answers that are asked for together, where these are several conditions."""
_TRUTH = ("delta_pearson", "delta_pearson_low", "delta_pearson_high", "best_floor", "delta_pearson_gain",
          "delta_pearson_gain_low", "delta_pearson_gain_high", "true_program_shift", "n_true")  # fmt: skip
"""Columns of the prediction's row of a report that need real cells."""
_HEIGHTS = ("delta_pearson_floor", "delta_pearson_ceiling")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the model is told of each condition."""

    texts: list[str]
    """Name of the perturbation, with what the prompt has no field for."""
    fields: dict[str, list[str]]
    """Other fields of the prompt."""

    @classmethod
    def of(cls, asker: Asker, conditions: Conditions, told: Mapping[str, str]) -> Asked:
        """Of all conditions, in their order."""
        names = [told[name] for name in conditions.table["perturbation"]]
        texts, fields = with_details([*names], asker.task, conditions.details)
        return cls(texts=[str(text) for text in texts], fields=fields)

    def given(self, i: int, text: str, n: int) -> dict[str, list[Any]]:
        """Fields of `n` prompts of condition `i`, with `text` for the perturbation."""
        return {PERTURBATION: [text] * n, **{name: [values[i]] * n for name, values in self.fields.items()}}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells and conditions, and how their answers are compared."""

    asker: Asker
    cells: GridCells
    conditions: Conditions
    asked: Asked
    control_name: str
    controls: bool
    """Ask about scrambled names too."""
    report: ReportOptions
    genes: AskedCells
    """The cells of one condition, as a report takes them."""

    def run(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """One row for each group and condition that was asked about; and the rows of the reports with real cells."""
        tables, reports, without = [], [], []
        for i, replies in self._answers():
            tables.append(self._effects(replies).assign(place=i))
            if self.report.truth is not None:
                condition = self.conditions.table["condition"].iloc[i]
                truth = self.report.truth.of(condition)
                if not len(truth.rows):
                    without.append(condition)
                    tables[-1] = tables[-1].reindex(columns=[*tables[-1], *_TRUTH, *_HEIGHTS])
                    continue
                found = self._against_truth(condition, replies, truth)
                reports.append(found.assign(place=i))
                tables[-1] = tables[-1].join(_of_truth(found))
        if without:
            logger.warning(
                "no real cells of %d of %d conditions: %s", len(without), len(self.asked.texts), ", ".join(without[:5])
            )
        return pd.concat(tables), pd.concat(reports, ignore_index=True) if reports else pd.DataFrame()

    def _answers(self) -> Iterator[tuple[int, dict[str, Response]]]:
        """Answers about each condition by what was asked, some conditions at a time."""
        rows, n = self.cells.rows, len(self.asked.texts)
        step = max(1, _AT_ONCE // (len(rows) * self.asker.decoding.n_samples * (1 + self.controls)))
        anew: dict[tuple[str, ...], Response] = {}  # a cell is written anew once, whatever the perturbation
        with called("experiments"), bar(n * len(rows), "experiments", show=n > step) as progress:
            for start in range(0, n, step):
                some = range(start, min(start + step, n))
                keys = {i: tuple(values[i] for values in self.asked.fields.values()) for i in some}
                first = {key: i for i, key in reversed(keys.items()) if key not in anew}
                said = [(i, self.control_name) for i in first.values()]
                said += [(i, self.asked.texts[i]) for i in some]
                if self.controls:
                    said += [(i, self._scrambled(i)) for i in some]
                found = self.asker.ask([(rows, self.asked.given(i, text, len(rows))) for i, text in said])
                anew |= dict(zip(first, found, strict=False))
                replies = found[len(first) :]
                for place, i in enumerate(some):
                    about = {PREDICTION: replies[place], REGENERATION: anew[keys[i]]}
                    yield i, about | ({SCRAMBLED: replies[len(some) + place]} if self.controls else {})
                progress.update(len(some) * len(rows))

    def _scrambled(self, i: int) -> str:
        return scramble(self.asked.texts[i], self.asker.decoding.random_state)

    def _effects(self, replies: Mapping[str, Response]) -> pd.DataFrame:
        """Shift from the cells as the model writes them without a perturbation, by group."""
        rows, labels = self.cells.rows, self.cells.labels
        n = np.min([reply.n_asked for reply in replies.values()], axis=0)
        X = {}
        for name, reply in replies.items():
            pair = self.asker.compare(rows, reply.written.texts, n)
            X[name] = or_unchanged(pair.after, pair.before, name)
        report = perturbation_report(
            X[PREDICTION],
            None,
            X[REGENERATION],
            pred_groups=labels.tolist(),
            true_groups=None,
            control_groups=labels.tolist(),
            others={SCRAMBLED: (X[SCRAMBLED], labels)} if self.controls else {},
            program=self.report.columns(self.genes.genes),
            n_boot=self.report.n_boot,
            random_state=self.asker.decoding.random_state,
        )
        names = ["shift_size", "program_shift", "program_shift_low", "program_shift_high"]
        out = _row_of(report, PREDICTION).reindex(columns=names)
        if self.controls:
            out["shift_size_floor"] = _row_of(report, SCRAMBLED)["shift_size"]
            out["program_shift_floor"] = _row_of(report, SCRAMBLED)["program_shift"]
        valid = replies[PREDICTION].validity.groupby(labels)[["valid", "complete"]].mean()
        return out.join(valid.astype(np.float64))

    def _against_truth(self, condition: str, replies: Mapping[str, Response], truth: Truth) -> pd.DataFrame:
        """Report of one condition by group."""
        cells = replace(self.genes, conditions=np.full(len(self.cells.rows), condition, dtype=object))
        others = {name: reply for name, reply in replies.items() if name != PREDICTION}
        return control_report(self.asker, cells, replies[PREDICTION], others, replace(self.report, truth=truth))


def _row_of(report: pd.DataFrame, predictor: str) -> pd.DataFrame:
    return report[report["predictor"] == predictor].set_index("group")


def _of_truth(report: pd.DataFrame) -> pd.DataFrame:
    """Columns of an experiment that need real cells, by group."""
    out = _row_of(report, PREDICTION).reindex(columns=list(_TRUTH))
    heights = report.set_index(["group", "predictor"])["delta_pearson"]
    best = [heights.get((group, floor), np.nan) for group, floor in out["best_floor"].items()]
    floor, ceiling = _HEIGHTS
    out[floor] = np.where(out["best_floor"] == "", np.nan, np.nan_to_num(best))
    return out.assign(**{ceiling: _row_of(report, CEILING)["delta_pearson"]})


def long_table(
    cells: GridCells, conditions: Conditions, asked: Asked | None, found: pd.DataFrame | None
) -> pd.DataFrame:
    """One row for each group and condition, with a status and, for those that were not asked about, the reason.

    Parameters
    ----------
    cells, conditions
        The grid.
    asked
        What the model was told; ``None``: nothing.
    found
        Rows of :meth:`Grid.run`.
    """
    table = (
        cells.groups.rename_axis("label").reset_index().merge(conditions.table.reset_index(names="place"), how="cross")
    )
    done = table["n_cells"] > 0
    texts = conditions.table["perturbation"].tolist() if asked is None else asked.texts
    table["asked"] = [texts[place] if there else "" for place, there in zip(table["place"], done, strict=True)]
    table["status"] = np.where(done, "done", "skipped")
    order = ["donor", "group", "perturbation", *conditions.details, "condition", "asked", "status", "reason",
             "n_available", "n_cells"]  # fmt: skip
    table[[*conditions.details]] = table[[*conditions.details]].fillna("").astype(object)
    if found is not None:
        table = table.merge(found.rename_axis("label").reset_index(), on=["label", "place"], how="left", validate="1:1")
        order += [name for name in map(str, found) if name != "place"]
        for name, nothing in (("best_floor", ""), ("n_true", 0)):
            if name in table:
                table[name] = table[name].fillna(nothing).astype(type(nothing))
    table = table[order]
    return table.set_axis(table.index.astype(str))


def reports_by_place(reports: pd.DataFrame, cells: GridCells, conditions: Conditions) -> pd.DataFrame:
    """Rows of the reports with donor, type, perturbation, dose and time."""
    names = ["perturbation", *conditions.details]
    where = conditions.table[names].fillna("").astype(object)
    table = reports.rename(columns={"group": "label"}).join(cells.groups[["donor", "group"]], on="label")
    table = table.join(where, on="place").drop(columns=["label", "place"])
    first = ["donor", "group", *names, "condition"]
    table = table[[*first, *(name for name in table if name not in first)]]
    return table.set_axis(table.index.astype(str))
