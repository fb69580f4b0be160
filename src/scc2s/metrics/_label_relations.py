"""Predicted labels and true ones as terms of the Cell Ontology."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s.ontology import relate
from scc2s.ontology._relate import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def label_relations(true: Sequence[str], predicted: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shares of relations with their floor, and the table of pairs that they come from.

    Raises
    ------
    ImportError
        Without the extra ``ontology``.
    """
    import pandas as pd

    cells = pd.DataFrame({"true": list(true), "predicted": list(predicted)}, dtype=object)
    counted = _counted(cells)
    commonest = cells["true"].value_counts()
    most = str(min(commonest.index[commonest == commonest.max()]))
    floor = _shares(_counted(cells.assign(predicted=most)))
    return pd.DataFrame({"value": _shares(counted), "floor": floor}), counted


def _counted(cells: pd.DataFrame) -> pd.DataFrame:
    counted = cells.groupby(["true", "predicted"], observed=True).size().rename("n").reset_index()
    found = relate(counted["predicted"].tolist(), counted["true"].tolist())
    counted[["relation", "distance"]] = found[["relation", "distance"]]
    return counted


def _shares(counted: pd.DataFrame) -> pd.Series[float]:
    n = counted["n"].to_numpy(dtype=np.float64)
    share = (counted.groupby("relation")["n"].sum() / n.sum()).reindex(list(RELATIONS), fill_value=0.0)
    share["same or narrower"] = share["same"] + share["narrower"]
    share["same or wider"] = share["same"] + share["wider"]
    steps = counted["distance"].to_numpy()
    there = ~np.isnan(steps)
    share["mean distance"] = np.average(steps[there], weights=n[there]) if there.any() else np.nan
    share.index.name = None
    found: pd.Series[float] = share.astype(np.float64)
    return found
