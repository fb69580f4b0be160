"""What a report comes to, in words: which simple predictions a prediction is not above."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s._logging import logger

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
    how = " (no intervals: pass n_boot= and, with donor_key=, at least three donors)" if _unsure(there) else ""
    if not parts:
        return f"above all floors in all {len(there)} groups{how}"
    line = f"the prediction is {'; '.join(parts)}{how}"
    logger.warning("%s; see 'delta_pearson_gain' in the report", line)
    return line


def _not_above(rows: pd.DataFrame, every: pd.DataFrame) -> str:
    """Groups whose row has no gain that is sure, with the number of all."""
    rows = rows[rows["delta_pearson_gain"].notna()]
    low = rows.get("delta_pearson_gain_low", rows["delta_pearson_gain"])
    sure = np.where(low.isna(), rows["delta_pearson_gain"], low) > 0
    poor = rows[~sure]
    if not len(poor):
        return ""
    several = every["condition"].nunique() > 1
    names = [
        (f"{group}, {condition}" if several else str(group)) + _best(floor)
        for group, condition, floor in zip(poor["group"], poor["condition"], poor["best_floor"], strict=True)
    ]
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(poor)} of {len(every)} groups ({', '.join(names[:_SHOWN])}{more})"


def _best(floor: str) -> str:
    return f": {floor}" if floor else ""


def _unsure(rows: pd.DataFrame) -> bool:
    return "delta_pearson_gain_low" not in rows or bool(rows["delta_pearson_gain_low"].isna().any())
