"""What the answers to controls mean, in one plain line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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
    """Log what the controls mean, and give what a record should hold of them.

    Parameters
    ----------
    nulls
        What the model said.
    model_id
        Who answered.
    trust
        Column of the trust in each cell; ``None`` where answers are written and have no probabilities.
    """
    found = entry(nulls, graded=trust is not None)
    say(nulls.report, found["verdict"], model_id, trust)
    return found


def entry(nulls: Nulls, *, graded: bool) -> dict[str, Any]:
    """What a record should hold of the controls; nothing is logged."""
    found = verdict(nulls.report, graded=graded)
    return {"controls": nulls.report, "verdict": found, "n_control_prompts": nulls.n_asked}


def verdict(report: pd.DataFrame, *, graded: bool = True) -> str:
    """Whether the cells change the answers (scc2s definition).

    Parameters
    ----------
    report
        :func:`scc2s.metrics.null_report` with the rows of :func:`scc2s.tl._asking.nulls.ask_nulls`.
    graded
        Whether answers are probabilities. Where they are labels alone, a cell that gets the label it would get without
        genes may well be of that type, so that some such cells mean nothing.

    Returns
    -------
    The first that holds. ``"as without genes"``: in nine cells of ten the answer is that of a prompt without genes
    (under 0.05 bits of divergence). ``"too few cells"``: under 20. ``"all alike"``: the answers carry no more than 0.1
    bits (or two standard errors) of information about the cells beyond what they carry without genes. ``"order
    alone"``: of the labels that change with another cell's genes, less than a third stay when a cell's own are put in
    another order (and no more than two standard errors allow). ``"partly as without genes"``: so in one cell of five.
    Else ``"beats the nulls"``.
    """
    own, mixed, other, none = (_row(report, name) for name in (OWN, SHUFFLED, OTHER, NONE))
    if none["like_own"] >= 1 - BITS:
        return AS_WITHOUT
    if own["n_cells"] < LEAST:
        return TOO_FEW
    gain, error = _gain(own, none)
    if gain <= max(BITS, 2 * error):
        return ALL_ALIKE
    kept, error = mixed["same_label"] - other["same_label"], np.hypot(mixed["same_label_se"], other["same_label_se"])
    if kept <= (1 - other["same_label"]) / 3 and kept <= 2 * error:
        return ORDER_ALONE
    return PARTLY if graded and none["like_own"] >= PART else BEATS


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
    own, mixed, other, none = (_row(report, name) for name in (OWN, SHUFFLED, OTHER, NONE))
    n, (gain, _) = int(own["n_cells"]), _gain(own, none)
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
            "same with another cell's genes; believe them only if one label is right for all cells",
            model_id, round(gain, 2) + 0.0, 100 * other["same_label"], n,  # not "-0.00"
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


def _row(report: pd.DataFrame, name: str) -> dict[str, float]:
    return dict(zip(map(str, report.columns), report.loc[name].to_numpy(dtype=np.float64).tolist(), strict=True))


def _gain(own: dict[str, float], none: dict[str, float]) -> tuple[float, float]:
    """What genes add to the information about the cells, and its standard error."""
    if none["n_cells"]:
        return none["gain"], none["gain_se"]
    return own["information"], own["information_se"]
