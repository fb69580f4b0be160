"""Scores of a comparison, one row a group and score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._logging import logger
from scc2s.metrics import bootstrap
from scc2s.metrics._bootstrap import MIN_CLUSTERS
from scc2s.metrics._compare import VALUES, Plan, Score, compare, compare_groups, compare_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from scc2s.tl._comparing.sides import Comparison

MEAN = "mean over groups"
_CLEARLY = 1.5
"""So many times as far as the floor: less may be chance in a dozen cells."""


def score_table(
    scores: Mapping[str, Score], sides: Comparison, clusters: Mapping[str, str], plan: Plan, n_boot: int
) -> pd.DataFrame:
    """All scores, with the mean over groups of those by group.

    Parameters
    ----------
    scores
        By name.
    sides
        Cells.
    clusters
        Cluster of each group, for the interval of the mean.
    plan
        What is computed beside each value.
    n_boot
        Bootstrap samples of the interval; 0: none.
    """
    import pandas as pd

    rows = []
    for name, score in scores.items():
        if score.on == "groups":
            rows.append(compare_groups(name, score, sides.pred, sides.true, sides.control, plan, sides.beside))
            continue
        if score.on == "within":
            rows.append(compare_within(name, score, sides.pred, sides.true, plan, sides.beside))
            continue
        own = [
            compare(name, score, group, sides.pred, sides.true, sides.control, plan, sides.beside)
            for group in sides.groups
        ]
        rows += own
        if len(own) > 1:
            rows.append(_mean(own, list(clusters.values()), n_boot, plan.random_state))
    return pd.DataFrame(rows)


def _mean(rows: list[dict[str, Any]], clusters: list[str], n_boot: int, random_state: int) -> dict[str, Any]:
    """Plain mean over the groups that have a value, with its interval."""
    found = rows[0] | {"group": MEAN, "n": 0}
    for key in VALUES:
        values = np.array([row[key] for row in rows])
        found[key] = float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
    used = [i for i, row in enumerate(rows) if np.isfinite(row["value"])]
    n_clusters, note = len({clusters[i] for i in used}), f"{len(used)} of {len(rows)} groups"
    if n_boot and 1 < n_clusters < MIN_CLUSTERS:
        note += f"; {n_clusters} are too few for an interval"
    if n_boot and n_clusters >= MIN_CLUSTERS:
        interval = bootstrap(
            [rows[i]["value"] for i in used],
            clusters=[clusters[i] for i in used],
            n_boot=n_boot,
            random_state=random_state,
        )
        found |= {"low": float(interval.low), "high": float(interval.high)}
    found |= {key: sum(row[key] for row in rows) for key in ("n_pred", "n_true")}
    return found | {"note": note}


def say_below_sampler(table: pd.DataFrame) -> None:
    """One warning where generated cells are further from real ones than cells of genes that are drawn one by one."""
    by_group = table[~table["group"].isin([MEAN, "all"]) & table["floor_marginal"].notna()]
    means = by_group.groupby("metric")[["value_at_n", "floor_marginal", "ceiling"]].mean()
    if "energy_distance" not in means.index:
        return
    made, sampler, real = (float(value) for value in means.loc["energy_distance"].to_numpy())
    if made <= _CLEARLY * sampler:
        return
    told = ""
    if "classifier_auroc" in means.index:
        told = "; a classifier tells them from real ones at AUROC {:.2f} ({:.2f}; {:.2f})".format(
            *means.loc["classifier_auroc"]
        )
    logger.warning(
        "the model does worse than drawing each gene on its own: energy distance of its cells to real ones %.2g (genes "
        "drawn one by one: %.2g; real cells: %.2g)%s. Take its cells for an illustration, not for data",
        made, sampler, real, told,
    )  # fmt: skip
