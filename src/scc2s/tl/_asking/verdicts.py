"""What the answers to controls mean, in one plain line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s._logging import logger
from scc2s.metrics._nulls import OWN
from scc2s.tl._asking.nulls import LEAST, NONE, OTHER, SHUFFLED

if TYPE_CHECKING:
    import pandas as pd

    from scc2s.tl._asking.nulls import Nulls

AS_WITHOUT, ALL_ALIKE, ORDER_ALONE, PARTLY = "as without genes", "all alike", "order alone", "partly as without genes"
TOO_FEW, BEATS = "too few cells", "beats the nulls"
BITS = 0.1
"""Information about the cells that is next to none."""
PART = 0.2
"""Share of the cells that is worth a warning."""


def judge(nulls: Nulls, model_id: str, trust: str | None) -> dict[str, Any]:
    """Log what the controls mean, and give what a record should hold of them."""
    found = verdict(nulls.report)
    say(nulls.report, found, model_id, trust)
    return {"controls": nulls.report, "verdict": found, "n_control_prompts": nulls.n_asked}


def verdict(report: pd.DataFrame) -> str:
    """Whether the cells change the answers (scc2s definition).

    Parameters
    ----------
    report
        :func:`scc2s.metrics.null_report` with the rows of :func:`scc2s.tl._asking.nulls.ask_nulls`.

    Returns
    -------
    The first that holds. ``"as without genes"``: in nine cells of ten the answer is that of a prompt without genes
    (under 0.05 bits of divergence). ``"too few cells"``: under 20. ``"all alike"``: the answers carry no more than 0.1
    bits (or two standard errors) of information about the cells beyond what they carry without genes. ``"order
    alone"``: labels stay no more often (two standard errors) when a cell's genes are put in another order than when it
    gets those of another cell. ``"partly as without genes"``: so in one cell of five. Else ``"beats the nulls"``.
    """
    none, mixed, other = report.loc[NONE], report.loc[SHUFFLED], report.loc[OTHER]
    if none["like_own"] >= 1 - BITS:
        return AS_WITHOUT
    if report.loc[OWN, "n_cells"] < LEAST:
        return TOO_FEW
    gain, error = _gain(report)
    if gain <= max(BITS, 2 * error):
        return ALL_ALIKE
    if (
        mixed["same_label"] - other["same_label"]
        <= 2 * (mixed["same_label_se"] ** 2 + other["same_label_se"] ** 2) ** 0.5
    ):
        return ORDER_ALONE
    return PARTLY if none["like_own"] >= PART else BEATS


def say(report: pd.DataFrame, found: str, model_id: str, trust: str | None) -> None:
    """Log the verdict: a warning where the answers do not beat the nulls.

    Parameters
    ----------
    report, found
        The table and its :func:`verdict`.
    model_id
        Who answered.
    trust
        Where the trust in each cell stands.
    """
    none, mixed, other = report.loc[NONE], report.loc[SHUFFLED], report.loc[OTHER]
    n, (gain, _) = int(report.loc[OWN, "n_cells"]), _gain(report)
    see = "" if trust is None else f"; how far each cell is from that: adata.obs[{trust!r}]"
    if found == AS_WITHOUT:
        logger.warning(
            "%s answers about %.0f %% of %d cells as it does without any genes: these labels say nothing about the "
            "cells; use another model=, or labels it was taught",
            model_id, 100 * none["like_own"], n,
        )  # fmt: skip
    elif found == ALL_ALIKE:
        logger.warning(
            "%s hardly tells the cells apart: genes add %.2f bits to its answers, and %.0f %% of %d labels stay the "
            "same with another cell's genes; believe them only if all cells are of one type",
            model_id, gain, 100 * other["same_label"], n,
        )  # fmt: skip
    elif found == ORDER_ALONE:
        logger.warning(
            "%.0f %% of %d labels of %s stay the same when a cell's genes are put in another order, and %.0f %% with "
            "another cell's genes: they hang on the order of the genes, or on chance",
            100 * mixed["same_label"], n, model_id, 100 * other["same_label"],
        )  # fmt: skip
    elif found == PARTLY:
        logger.warning(
            "%s answers about %.0f %% of %d cells as it does without any genes%s",
            model_id,
            100 * none["like_own"],
            n,
            see,
        )
    elif found == BEATS:
        logger.info("genes add %.2f bits to the answers of %s (%d cells)", gain, model_id, n)


def _gain(report: pd.DataFrame) -> tuple[float, float]:
    """What genes add to the information about the cells, and its standard error."""
    row = report.loc[NONE if report.loc[NONE, "n_cells"] else OWN]
    if report.loc[NONE, "n_cells"]:
        return float(row["gain"]), float(row["gain_se"])
    return float(row["information"]), float(row["information_se"])
