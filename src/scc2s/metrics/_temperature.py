from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_softmax

from scc2s._logging import logger

from ._answer_probs import columns_of, true_columns
from ._arrays import matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

LEAST, MOST = 0.05, 20.0
"""Temperatures that are looked at: beyond these, answers are certain, or all alike, in float32."""
_SMALLEST = 1e-30
"""A probability that float32 rounded to 0 is taken for this."""


def fit_temperature(
    probs: np.ndarray | pd.DataFrame,
    true: Sequence[Any] | np.ndarray,
    *,
    labels: Sequence[Any] | None = None,
) -> float:
    """The temperature that makes the probabilities of held-out cells most probable.

    Temperature scaling of Guo et al. 2017, arXiv:1706.04599, section 4.2: log-probabilities are divided by one number
    T, chosen to minimise the negative log-likelihood. No cell gets another label by it. T over 1 means that the
    probabilities are too sure. The likelihood has one maximum (it is concave in 1 / T).

    Fit it on cells that the model was not trained on; of another *study*, where it is to hold for other studies.

    Parameters
    ----------
    probs
        Cells x labels: probabilities, or log-probabilities (all at most 0; up to a constant a row). Columns of a
        DataFrame are the labels.
    true
        True label of each cell, or with neither `labels` nor a DataFrame its column. It must be one of the labels.
    labels
        Label of each column.

    Returns
    -------
    T, from 0.05 to 20. At an end the log says so: where all answers are right nothing is too sure, and where
    probabilities have nothing to do with the truth none is unsure enough.

    Raises
    ------
    ValueError
        If values are neither, numbers do not match, a true label is missing or none of the labels, or there is only one
        label.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> probs = rng.dirichlet(np.ones(3), 5000)
    >>> true = (probs.cumsum(axis=1) < rng.random((5000, 1))).sum(axis=1)
    >>> bool(abs(fit_temperature(probs, true) - 1) < 0.1)
    True
    >>> too_sure = scaled_by_temperature(probs, 1 / 3)
    >>> bool(abs(fit_temperature(too_sure, true) - 3) < 0.3)
    True
    """
    from scipy.optimize import brentq

    logs = _logs(matrix(probs, "probs"))
    if logs.shape[1] < 2:
        msg = "probs has one label, which is always certain; pass the probabilities of all labels"
        raise ValueError(msg)
    codes, _ = true_columns(logs.shape, true, columns_of(probs, labels))
    if n_foreign := int((codes < 0).sum()):
        msg = (
            f"{n_foreign} true labels are none of the labels; leave these cells out: adata[adata.obs[key].isin(labels)]"
        )
        raise ValueError(msg)
    wanted = logs[np.arange(len(logs)), codes]

    def slope(log_t: float) -> float:
        """Of the log-likelihood in 1 / T: what the true label has over what the answers have in the mean."""
        p = np.exp(log_softmax(logs / np.exp(log_t), axis=1))
        return float(np.mean(wanted - (p * logs).sum(axis=1)))

    low, high = np.log(LEAST), np.log(MOST)
    if slope(low) >= 0:  # more weight on the log-probabilities is still better
        return _end(LEAST, "every answer is right, or nearly")
    if slope(high) <= 0:
        return _end(MOST, "the probabilities say nothing about the truth")
    return float(np.exp(brentq(slope, low, high, xtol=1e-6)))


def scaled_by_temperature(probs: np.ndarray | pd.DataFrame, temperature: float) -> np.ndarray:
    """Probabilities whose logarithms are divided by `temperature`; rows add up to 1, and their order stays.

    Parameters
    ----------
    probs
        Cells x labels: probabilities, or log-probabilities.
    temperature
        Above 0, e.g. of :func:`fit_temperature`.

    Raises
    ------
    ValueError
        If `temperature` is not above 0, or values are neither.

    Examples
    --------
    >>> scaled_by_temperature([[0.9, 0.1]], 2).round(2).tolist()
    [[0.75, 0.25]]
    """
    if not (np.isfinite(temperature) and temperature > 0):
        msg = f"temperature={temperature!r} is out of range; pass temperature= a number above 0"
        raise ValueError(msg)
    return np.asarray(np.exp(log_softmax(_logs(matrix(probs, "probs")) / temperature, axis=1)))


def _logs(values: np.ndarray) -> np.ndarray:
    """Log-probabilities, largest 0 in each row."""
    if (values <= 0).all() and (values < 0).any():
        logs = values
    elif (values >= 0).all() and (values.sum(axis=1) > 0).all():
        logs = np.log(np.maximum(values, _SMALLEST))
    else:
        msg = (
            "probs are neither probabilities (not negative, a row with one above 0) nor log-probabilities (all at most "
            "0); pass one of them"
        )
        raise ValueError(msg)
    return np.asarray(logs - logs.max(axis=1, keepdims=True))


def _end(value: float, why: str) -> float:
    logger.warning("the temperature is at the end of what is looked at (%g): %s; it says nothing else", value, why)
    return value
