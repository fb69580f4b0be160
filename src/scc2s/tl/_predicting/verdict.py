"""What a report comes to, in words: which simple predictions a prediction is not above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s._logging import logger
from scc2s.tl._predicting.truth import ALL

if TYPE_CHECKING:
    import pandas as pd

PREDICTION = "prediction"
SCRAMBLED = "scrambled name"
_SHOWN = 5
"""Groups that a line names."""


def verdict(table: pd.DataFrame) -> str:
    """One line about all conditions and groups of a report; a prediction that is not above its floors is logged.

    A prediction is above a floor where the 95 % interval of the difference of their correlations with the true shift is
    over 0; without an interval, where the difference is.
    """
    there = table[(table["predictor"] == PREDICTION) & table["delta_pearson_gain"].notna()]
    if not len(there):
        return "no real cells to compare with: nothing here says whether the prediction is right"
    scrambled = table[table["predictor"] == SCRAMBLED].reset_index(drop=True)
    parts = []
    if len(scrambled) and (said := _not_above(scrambled, there)):
        parts.append(f"not above the scrambled name in {said}")
    if said := _not_above(there, there):
        parts.append(f"not above the best floor in {said}")
    unsure = there["delta_pearson_gain_low"].isna().any()
    how = " (by the difference alone: no interval without n_boot=, or with under three donors)" if unsure else ""
    if not parts:
        return f"the prediction is above all floors in {len(there)} of {len(there)} groups{how}"
    line = f"the prediction is {'; '.join(parts)}{how}"
    logger.warning("%s; see 'delta_pearson_gain' in the report", line)
    return line


def grid_verdict(table: pd.DataFrame, reports: pd.DataFrame | None = None) -> str:
    """One line about the experiments of a grid; what is no better than a name that means nothing is logged.

    Parameters
    ----------
    table
        One row for each.
    reports
        Rows of the reports with real cells, if there are any.
    """
    if reports is not None and len(reports):
        return verdict(reports)
    done = table[table["status"] == "done"]
    if not len(done):
        return "nothing was asked: no donor and type has enough cells"
    if "shift_size_floor" not in done:
        return "no controls were asked about: nothing here says whether the names matter"
    n = int((done["shift_size"] > done["shift_size_floor"]).sum())
    line = (
        f"the shift is larger than that of a scrambled name in {n} of {len(done)} experiments; with a name that means "
        "nothing it would be in half of them; no real cells to compare with"
    )
    (logger.info if 2 * n > len(done) else logger.warning)("%s", line)
    return line


def _not_above(rows: pd.DataFrame, every: pd.DataFrame) -> str:
    """Groups whose row has no gain that is sure, by the floor that is best there, with the number of all."""
    rows = rows[rows["delta_pearson_gain"].notna()]
    low = rows["delta_pearson_gain_low"].fillna(rows["delta_pearson_gain"])
    poor = rows[low <= 0]
    if not len(poor):
        return ""
    several = every["condition"].nunique() > 1
    names: dict[str, list[str]] = {}
    for group, condition, floor in zip(poor["group"], poor["condition"], poor["best_floor"], strict=True):
        label = group if not several else condition if group == ALL else f"{group} under {condition}"
        names.setdefault(str(floor), []).append(str(label))
    said = [(f"{floor}: " if floor else "") + ", ".join(some[:_SHOWN]) + ", ..." * (len(some) > _SHOWN)
            for floor, some in names.items()]  # fmt: skip
    return f"{len(poor)} of {len(every)} groups ({'; '.join(said)})"
