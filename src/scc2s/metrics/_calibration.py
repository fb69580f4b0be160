from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._answer_probs import numbered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True)
class Calibration:
    """Whether probabilities mean what they say."""

    n: int
    accuracy: float
    """Share of cells whose most probable label is the true one."""
    confidence: float
    """Mean probability of the most probable label. Above the accuracy: too sure."""
    majority: float
    """Accuracy of always giving the most frequent true label: the floor."""
    ece: float
    """Expected calibration error: mean distance of confidence and accuracy over the bins, weighted by cells."""
    ece_if_calibrated: float
    """What so many cells with these confidences would give if each were right as often as its confidence says."""
    brier: float
    """Brier score over all labels: 0 is perfect, 2 is certain and wrong."""
    brier_base_rate: float
    """Brier score of giving each cell the frequencies of the true labels: the floor."""
    table: pd.DataFrame
    """A row a bin: ``low``, ``high`` (confidence from and to), ``n``, ``confidence``, ``accuracy`` and its 95 % Wilson
    interval ``accuracy_low``, ``accuracy_high``. Bins without cells have missing values."""


def calibration(
    probs: np.ndarray | pd.DataFrame,
    true: Sequence[Any] | np.ndarray,
    *,
    labels: Sequence[Any] | None = None,
    n_bins: int = 10,
    bins: Literal["width", "mass"] = "width",
    n_draws: int = 200,
    random_state: int = 0,
) -> Calibration:
    """How far the probability of an answer is from how often the answer is right.

    A cell's confidence is the probability of its most probable label. Cells are put into bins by confidence, and in
    each the mean confidence stands beside the share of right answers (the reliability diagram). The expected
    calibration error (Naeini et al. 2015, AAAI; Guo et al. 2017, arXiv:1706.04599, section 2) is the mean over cells of
    the distance of the two. It is never 0 for a finite number of cells, so `ece_if_calibrated` stands beside it: its
    mean over draws in which each answer is right with the probability of its confidence (consistency resampling of
    Bröcker and Smith 2007, Weather and Forecasting 22:651). The Brier score is the mean over cells of the sum over
    labels of the squared difference of probability and truth (Brier 1950, Monthly Weather Review 78:1).

    Parameters
    ----------
    probs
        Cells x labels, rows that add up to 1. Columns of a DataFrame are the labels.
    true
        True label of each cell, or with neither `labels` nor a DataFrame its column. A true label that is none of the
        labels counts as wrong whatever the answer.
    labels
        Label of each column.
    n_bins
        Number of bins.
    bins
        ``"width"``: of equal width from 0 to 1; a cell on an edge belongs to the lower bin. ``"mass"``: between
        quantiles of the confidence, about as many cells in each; cells of one confidence stay together.
    n_draws
        Draws for `ece_if_calibrated`; 0: none (NaN).
    random_state
        Seed of the draws.

    Returns
    -------
    :class:`scc2s.metrics.Calibration`.

    Raises
    ------
    ValueError
        If rows do not add up to 1 or hold NaN, numbers do not match, a true label is missing, or arguments are out of
        range.

    Examples
    --------
    >>> found = calibration([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]], ["B", "T", "T", "T"], labels=["B", "T"])
    >>> found.accuracy, round(found.confidence, 2), round(found.ece, 2), round(found.brier, 3)
    (0.75, 0.75, 0.4, 0.45)
    """
    import pandas as pd
    from scipy.stats import binomtest

    if n_bins < 1 or n_draws < 0 or bins not in ("width", "mass"):
        msg = (
            f"n_bins={n_bins}, n_draws={n_draws} or bins={bins!r} is out of range; pass n_bins= from 1, n_draws= from "
            "0, bins='width' or 'mass'"
        )
        raise ValueError(msg)
    p, codes, counts = numbered(probs, true, labels)
    confidence, answer = p.max(axis=1), p.argmax(axis=1)
    right = answer == codes
    edges = np.linspace(0, 1, n_bins + 1) if bins == "width" else np.quantile(confidence, np.linspace(0, 1, n_bins + 1))
    place = np.searchsorted(edges[1:-1], confidence)
    n = np.bincount(place, minlength=n_bins)
    ends = [binomtest(int(k), int(m)).proportion_ci(method="wilson") if m else None
            for k, m in zip(np.bincount(place, right, n_bins), n, strict=True)]  # fmt: skip
    table = pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "n": n,
            "confidence": _means(confidence, place, n),
            "accuracy": _means(right, place, n),
            "accuracy_low": [np.nan if end is None else end.low for end in ends],
            "accuracy_high": [np.nan if end is None else end.high for end in ends],
        }
    )
    known = np.where(codes >= 0, p[np.arange(len(p)), codes], 0.0)
    shares = counts / len(p)
    return Calibration(
        n=len(p),
        accuracy=float(right.mean()),
        confidence=float(confidence.mean()),
        majority=float(shares.max()),
        ece=_error(confidence - right, place, n_bins),
        ece_if_calibrated=_expected(confidence, place, n_bins, n_draws, random_state),
        brier=float(np.mean((p**2).sum(axis=1) - 2 * known + 1)),
        brier_base_rate=float(1 - (shares**2).sum()),
        table=table,
    )


def _means(values: np.ndarray, place: np.ndarray, n: np.ndarray) -> np.ndarray:
    sums = np.bincount(place, values, len(n))
    return np.asarray(np.divide(sums, n, out=np.full(len(n), np.nan), where=n > 0))


def _error(gaps: np.ndarray, place: np.ndarray, n_bins: int) -> float:
    """Mean over cells of the distance of confidence and accuracy in the cell's bin."""
    return float(np.abs(np.bincount(place, gaps, n_bins)).sum() / len(gaps))


def _expected(confidence: np.ndarray, place: np.ndarray, n_bins: int, n_draws: int, random_state: int) -> float:
    if not n_draws:
        return float("nan")
    rng = np.random.default_rng(random_state)
    order = np.lexsort((place, confidence))  # what is drawn does not depend on the order of the cells
    confidence, place = confidence[order], place[order]
    found = [_error(confidence - (rng.random(len(confidence)) < confidence), place, n_bins) for _ in range(n_draws)]
    return float(np.mean(found))
