from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import entr

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN = "own genes"


def information(probabilities: np.ndarray) -> float:
    """Mutual information between cell and answer in bits: entropy of the mean answer, less the mean of the entropies.

    0 where every cell gets the same answer, however sure it is; ``log2(n)`` where n labels are told apart with
    certainty and are equally frequent (the Jensen-Shannon divergence of several distributions: Lin 1991, IEEE Trans.
    Inf. Theory 37:145, section V).

    Parameters
    ----------
    probabilities
        Cells x labels; rows add up to 1.

    Returns
    -------
    Bits; NaN without a cell.

    Examples
    --------
    >>> information(np.eye(4)), information(np.tile([0.9, 0.1], (5, 1)))
    (2.0, 0.0)
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if not len(p):
        return float("nan")
    return float(max(0.0, _bits(p.mean(axis=0)) - _bits(p).mean()))


def divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence of two answers, row by row, in bits: 0 where they are equal, 1 where nothing is shared.

    Parameters
    ----------
    p, q
        Probabilities, rows x labels; one row of `q` may stand for all.

    Returns
    -------
    One number a row (Lin 1991, IEEE Trans. Inf. Theory 37:145, section IV, with equal weights).

    Examples
    --------
    >>> divergence(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])).tolist()
    [1.0, 0.0]
    """
    mixed = (np.asarray(p) + np.asarray(q)) / 2
    return np.asarray(np.clip(_bits(mixed) - (_bits(p) + _bits(q)) / 2, 0.0, 1.0))


def null_report(own: np.ndarray, nulls: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Answers to cells beside answers to the same questions with other genes, or none.

    Parameters
    ----------
    own
        Probabilities of the labels for each cell, cells x labels; one-hot rows where the model wrote a label.
    nulls
        The same for each null, by name; row i is about cell i. A row of NaN: there is no such answer.

    Returns
    -------
    One row for the cells themselves (``"own genes"``) and for each null. ``n_cells``; ``information``: bits that the
    answers of this row carry about which cell was asked (:func:`information`), and ``information_se``, its standard
    error (jackknife over cells); ``same_label``: share of cells whose best label is that of their own genes,
    ``chance``: that share if the labels of both rows were dealt to the cells at random, ``same_label_se``: its standard
    error; ``divergence``: mean Jensen-Shannon divergence of the cell's answer from this one, in bits; ``like_own``:
    share of cells where it is under 0.05 bits; ``gain`` and ``gain_se``: information of the cells' own answers less
    that of this row, and its standard error.

    Raises
    ------
    ValueError
        If a null has another shape than `own`.

    Examples
    --------
    >>> report = null_report(np.eye(2)[[0, 1, 0, 1]], {"no genes": np.eye(2)[[0, 0, 0, 0]]})
    >>> report[["information", "same_label", "chance", "gain"]].loc["no genes"].tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    own = np.asarray(own, dtype=np.float64)
    rows = {}
    for name, given in {OWN: own, **nulls}.items():
        null = np.asarray(given, dtype=np.float64)
        if null.shape != own.shape:
            msg = f"null {name!r} is of shape {null.shape}, the cells {own.shape}; give one row for each cell"
            raise ValueError(msg)
        rows[name] = _row(*(x[~np.isnan(null).any(axis=1)] for x in (own, null)))
    return pd.DataFrame.from_dict(rows, orient="index").astype({"n_cells": np.int64})


def excess(probabilities: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Probability of the best label beyond what it has without the cell, on a scale from 0 (no more) to 1 (certain).

    ``(p - q) / (1 - q)``, p the probability of the best label and q that of the same label in the null, cut off at 0;
    a certain null leaves 0. Corrected for the null as Cohen's kappa is for chance (1960, Educ. Psychol. Meas. 20:37).

    Parameters
    ----------
    probabilities
        Cells x labels.
    null
        Probabilities of the same labels for no cell in particular: one row for all cells, or one for each.

    Returns
    -------
    One number a cell; NaN where a cell has no probabilities.

    Examples
    --------
    >>> excess(np.array([[0.9, 0.1], [0.5, 0.5], [0.0, 1.0]]), np.array([[0.5, 0.5]])).round(3).tolist()
    [0.8, 0.0, 1.0]
    """
    p = np.asarray(probabilities, dtype=np.float64)
    q = np.broadcast_to(np.asarray(null, dtype=np.float64), p.shape)
    there = ~np.isnan(p).any(axis=1)
    out = np.full(len(p), np.nan)
    rows = np.flatnonzero(there)
    best = p[rows].argmax(axis=1)
    high, low = p[rows, best], q[rows, best]
    more = np.maximum(high - low, 0.0)
    out[rows] = np.divide(more, 1.0 - low, out=np.zeros(len(rows)), where=low < 1.0 - 1e-12)
    return out


LIKE = 0.05
"""Bits of divergence under which two answers are the same."""


def _row(own: np.ndarray, null: np.ndarray) -> dict[str, float]:
    n = len(null)
    if not n:
        return {"n_cells": 0, **dict.fromkeys(_COLUMNS, float("nan"))}
    best, other = own.argmax(axis=1), null.argmax(axis=1)
    same = float((best == other).mean())
    shares = [np.bincount(x, minlength=own.shape[1]) / n for x in (best, other)]
    apart = divergence(own, null)
    left_out, own_left_out = _leave_one_out(null), _leave_one_out(own)
    return {
        "n_cells": n,
        "information": information(null),
        "information_se": _jackknife_se(left_out),
        "same_label": same,
        "same_label_se": float(np.sqrt(same * (1 - same) / n)),
        "chance": float(shares[0] @ shares[1]),
        "divergence": float(apart.mean()),
        "like_own": float((apart < LIKE).mean()),
        "gain": information(own) - information(null),
        "gain_se": _jackknife_se(own_left_out - left_out),
    }


_COLUMNS = ("information", "information_se", "same_label", "same_label_se", "chance", "divergence", "like_own", "gain",
            "gain_se")  # fmt: skip


def _leave_one_out(p: np.ndarray) -> np.ndarray:
    """Information of all cells but one, for each cell."""
    n = len(p)
    if n < 2:
        return np.zeros(n)
    each = _bits(p)
    return np.asarray(_bits((p.sum(axis=0) - p) / (n - 1)) - (each.sum() - each) / (n - 1))


def _jackknife_se(left_out: np.ndarray) -> float:
    """Standard error from leave-one-out values (Efron and Stein 1981, Ann. Statist. 9:586)."""
    n = len(left_out)
    return float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()))


def _bits(p: np.ndarray) -> np.ndarray:
    # What rounding leaves below 0 would be minus infinity.
    return np.asarray(entr(np.maximum(p, 0.0)).sum(axis=-1) / np.log(2))
