from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s import pl
from scc2s.report._figures import picture
from scc2s.report._parts import Folded, Note, Part, Said, Section, say
from scc2s.report._records import place, records, table
from scc2s.report._tables import facts_of, how, of_frame
from scc2s.report._values import number, text_of

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from scc2s.report._parts import Block, Sentence
    from scc2s.report._records import Record

_MODEL = "prediction"
_KINDS = {"perturb": "Perturbation", "fate": "Fate"}
_MOST_DRAWN = 24
"""Groups in one figure."""
_PARAMS = {
    "perturbation": "perturbation",
    "perturbation_key": "given by",
    "target_time": "target time",
    "dose": "dose",
    "time": "time",
    "n_asked": "cells asked about",
    "groupby": "reported by",
    "donor_key": "donors",
    "program": "genes of the program",
    "n_control_cells": "cells of a group in the report, at most",
    "share_valid": "words that are genes of the data",
    "share_unique": "words that are not repeats",
    "n_incomplete": "cells that are shorter than asked for",
    "n_shortened": "prompts that were shortened",
    "constrain": "the model could only write genes of the data",
}
_SHARES = ("share_valid", "share_unique")
_COLUMNS = {
    "group": "group",
    "condition": "condition",
    "n_pred": "cells",
    "n_true": "real cells",
    "delta_pearson": "correlation with the real shift",
    "delta_pearson_low": "from",
    "delta_pearson_high": "to",
    "delta_pearson_gain": "gain",
    "delta_pearson_gain_low": "gain from",
    "delta_pearson_gain_high": "gain to",
    "best_floor": "best floor",
    "program_shift": "shift of the program",
    "program_shift_low": "shift from",
    "program_shift_high": "shift to",
    "true_program_shift": "real shift of the program",
    "interval_over": "intervals over",
}
_GRID = {
    "group": "group",
    "donor": "donor",
    "condition": "condition",
    "status": "status",
    "reason": "reason",
    "n_cells": "cells",
    "shift_size": "size of the shift",
    "shift_size_floor": "of a scrambled name",
    "program_shift": "shift of the program",
    "program_shift_low": "from",
    "program_shift_high": "to",
    "delta_pearson": "correlation with the real shift",
    "delta_pearson_floor": "of the best floor",
    "delta_pearson_ceiling": "ceiling",
    "delta_pearson_gain": "gain",
}


def section(adata: AnnData) -> Section | None:
    """Predicted responses, beside their controls, floors and ceilings."""
    blocks: list[Block] = []
    summary: list[Said] = []
    for one in records(adata, "perturb", "fate"):
        blocks.append(_part(adata, one))
        summary.append(
            Said(
                f"{_KINDS[one.tool]}: {one.name}",
                _said(one),
                [f"{one.source}['verdict']"] if one.value.get("verdict") else [],
            )
        )
    for one in records(adata, "experiments"):
        if (part := _grid(adata, one)) is not None:
            blocks.append(part)
            summary.append(
                Said("Grid of perturbations", _verdict(one, "The controls say"), [f"{one.source}['verdict']"])
            )
    warned = Note(
        "plain",
        say("What follows is what a model wrote about cells when it was told of a change. It is not a measurement."),
    )
    made = [warned, *blocks]
    return Section("predictions", "Predicted perturbations and fates", made, summary) if blocks else None


def _part(adata: AnnData, one: Record) -> Part:
    blocks: list[Block] = []
    verdict = text_of(one.value.get("verdict"))
    controls = one.value.get("controls")
    if verdict:
        blocks.append(Note("good" if "is above all floors" in verdict else "caution", say("Verdict: {}.", verdict)))
    else:
        blocks.append(
            Note(
                "caution",
                say("No control questions were asked, so that nothing here says what the prediction is worth."),
            )
        )
    if controls is not None:
        blocks += _drawn(adata, one, controls)
        blocks += _tables(one, controls)
    rows = facts_of(one.params, f"{one.source}['params']", _PARAMS, shares=_SHARES)
    rows += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
    blocks.append(how(rows))
    return Part(f"{_KINDS[one.tool]}: {one.name}", blocks, one.source)


def _drawn(adata: AnnData, one: Record, controls: pd.DataFrame) -> list[Block]:
    n = int((controls["predictor"] == _MODEL).sum())
    some = [c for c in ("delta_pearson", "program_shift") if c in controls and controls[c].notna().any()]
    if not some or n > _MOST_DRAWN:
        return []
    names = {"delta_pearson": "correlation with the real shift", "program_shift": "shift of the program"}
    kind: Any = one.tool
    return [
        picture(
            partial(pl.perturbation, adata, metric, key=one.name, kind=kind, show=False),
            f"Points for the {names[metric]} in each of {n} groups: the prediction, simple floors, and where there are "
            f"real "
            "cells the ceiling. The values stand in the table below.",
            f"The prediction beside its floors: {names[metric]}",
            f"{one.source}['controls']",
        )
        for metric in some
    ]


def _tables(one: Record, controls: pd.DataFrame) -> list[Block]:
    """Rows of the prediction open, those of floors and ceiling in a table of their own."""
    source = f"{one.source}['controls']"
    columns = {c: shown for c, shown in _COLUMNS.items() if c in controls and _told(controls[c])}
    own = np.flatnonzero((controls["predictor"] == _MODEL).to_numpy()).tolist()
    others = [i for i in range(len(controls)) if i not in set(own)]
    first = of_frame(controls, source, "The prediction", columns, name="predictor", named="predictor", rows=own)
    found: list[Block] = [first]
    if others:
        rest = of_frame(
            controls,
            source,
            "Floors, controls and ceiling",
            columns,
            name="predictor",
            named="predictor",
            rows=others,
            most=100,
            note="In these rows the gain is how far the prediction is above this one.",
        )
        found.append(
            rest if len(others) <= 12 else Folded(f"Floors, controls and ceiling ({len(others)} rows)", [rest])
        )
    return found


def _told(column: pd.Series) -> bool:
    """Whether a column says anything."""
    return bool(column.notna().any() and (column.astype(str) != "").any())


def _said(one: Record) -> list[Sentence]:
    asked, where = one.param("n_asked")
    what = text_of(one.params.get("perturbation")) or text_of(one.params.get("target_time"))
    lines = []
    if asked is not None:
        done = "under" if one.tool == "perturb" else "at"
        lines.append(
            say(
                f"For {{}} cells a model wrote what they would be {done} {{}}.",
                number(asked, where),
                what or "the change",
            )
        )
    return lines + _verdict(one, "The controls say")


def _verdict(one: Record, who: str) -> list[Sentence]:
    verdict = text_of(one.value.get("verdict"))
    return [say("{}: {}.", who, verdict)] if verdict else []


def _grid(adata: AnnData, one: Record) -> Part | None:
    key = one.name.removesuffix("_record")
    found = table(adata, key)
    if found is None:
        return None
    blocks: list[Block] = []
    if verdict := text_of(one.value.get("verdict")):
        blocks.append(Note("caution", say("Verdict: {}.", verdict)))
    columns = {c: shown for c, shown in _GRID.items() if c in found and _told(found[c])}
    name = "perturbation" if "perturbation" in found else None
    blocks.append(of_frame(found, place(key), "Experiments", columns, name=name, named="perturbation"))
    controls = table(adata, f"{key}_controls")
    if controls is not None:
        shown = of_frame(
            controls,
            place(f"{key}_controls"),
            "Reports with real cells",
            _COLUMNS,
            name="predictor",
            named="predictor",
            most=100,
        )
        blocks.append(Folded(f"Floors, controls and ceiling ({len(controls)} rows)", [shown]))
    rows = facts_of(one.params, f"{one.source}['params']", {**_PARAMS, "notice": "notice"})
    rows += facts_of(one.value.get("model", {}), f"{one.source}['model']", {"id": "model"})
    blocks.append(how(rows))
    return Part(f"Grid of perturbations: {key}", blocks, place(key))
