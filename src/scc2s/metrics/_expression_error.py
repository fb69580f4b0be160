from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._arrays import two
from ._bulk_profile import keep_mask

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExpressionError(NamedTuple):
    """Squared error of predicted profiles, and what predicting no change would have."""

    errors: np.ndarray
    """Of each perturbation: squared distance to truth a gene, without the sampling noise of both sides."""
    effects: np.ndarray
    """Of each perturbation: squared distance of truth to control a gene, without the sampling noise of both."""
    credit: float
    """Share of the prediction's own noise that is taken off, from 0 to 1."""

    @property
    def value(self) -> float:
        """Sum of the errors over the sum of the effects: 0 is perfect, 1 is no better than the control."""
        whole = self.effects.sum()
        return float(self.errors.sum() / whole) if whole > 0 else float("nan")


def expression_error(
    pred: Any,
    true: Any,
    control: Any,
    *,
    pred_variance: Sequence[float] | np.ndarray,
    true_variance: Sequence[float] | np.ndarray,
    control_variance: float,
    leave_out: Sequence[Sequence[int]] | None = None,
) -> ExpressionError:
    """How far predicted profiles lie from measured ones, as a fraction of the measured effect, corrected for noise.

    ``expr_mse_unbiased_capped_norm`` of cell-eval2 0.20.0. For each perturbation, with b the profiles, C what sampling
    adds to a squared distance (:func:`bulk_profile`) and G genes: the error is
    ``(|b_pred - b|**2 - w min(C_pred, C) - C) / G``, the effect ``(|b - b_control|**2 - C - C_control) / G``. A
    prediction is credited with no more noise than the measurement has, and all together with no more (w) than its
    profiles differ between perturbations: a model that writes the same noisy cells for everything gains nothing by it.

    Parameters
    ----------
    pred, true
        Perturbations x genes, profiles of :func:`bulk_profile`.
    control
        Profile of the real control cells.
    pred_variance, true_variance, control_variance
        Their ``variance``.
    leave_out
        Columns that do not count, for each perturbation: its own target gene.

    Raises
    ------
    ValueError
        Sides of other shapes.

    Examples
    --------
    >>> true, control = np.array([[1.0, 0.0], [0.0, 2.0]]), np.zeros(2)
    >>> noise = dict(pred_variance=[0, 0], true_variance=[0, 0], control_variance=0)
    >>> [expression_error(pred, true, control, **noise).value for pred in (true, 0 * true, -true)]
    [0.0, 1.0, 4.0]
    """
    made, real = two(pred, true, ("pred", "true"))
    base = np.asarray(control, dtype=np.float64).ravel()
    own, noise = (np.asarray(v, dtype=np.float64) for v in (pred_variance, true_variance))
    if not (len(made) == len(real) == len(own) == len(noise)) or len(base) != real.shape[1]:
        msg = (
            f"pred is {made.shape}, true {real.shape}, control {base.shape}, with {len(own)} and {len(noise)} "
            "variances; pass one profile and one variance for each perturbation, all over the same genes"
        )
        raise ValueError(msg)
    keep = keep_mask(leave_out, real.shape)
    n_genes = np.maximum(keep.sum(axis=1), 1)
    claimed = np.minimum(own, noise)
    credit = _credit(made, keep, 1 / n_genes, float((claimed / n_genes).sum()))
    errors = (np.where(keep, made - real, 0.0) ** 2).sum(axis=1) - credit * claimed - noise
    effects = (np.where(keep, real - base, 0.0) ** 2).sum(axis=1) - noise - control_variance
    return ExpressionError(errors / n_genes, effects / n_genes, credit)


def _credit(made: np.ndarray, keep: np.ndarray, weights: np.ndarray, claimed: float) -> float:
    """The spread of the predicted profiles between perturbations over the noise that they claim, at most 1."""
    if not claimed > 0:
        return 1.0
    w = keep * weights[:, None]
    total = w.sum(axis=0)
    middle = np.divide((w * made).sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    return float(min(1.0, (w * (made - middle) ** 2).sum() / claimed))
