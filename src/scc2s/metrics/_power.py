from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def smallest_effect(
    effects: Any,
    *,
    positive: np.ndarray,
    neutral: np.ndarray | None = None,
    donors: Sequence[Any] | None = None,
    power: float = 0.8,
    level: float = 0.95,
) -> float:
    """The smallest mean effect whose interval would be over 0 in so many of the screens (`power`), given the spread.

    ``(t(1 - (1 - level) / 2) + t(power)) * standard error``, the minimum detectable effect of Bloom (1995, Evaluation
    Review 19:547), with Student's t of one degree of freedom less than the smaller context has cells (or donors). The
    standard error is that of the difference of two means, or of the mean difference where both contexts have the same
    donors. Nothing is assumed about names that mean nothing: a hit has to stand out from these as well.

    Parameters
    ----------
    effects
        Names x cells: change of the score of each cell. Its variance is taken within each name, and averaged over them.
    positive, neutral
        Boolean, which cells belong to the context. Without `neutral`: of the effect in the positive context.
    donors
        Donor of each cell: the spread is that of the means of donors. ``None``: that of cells.
    power
        Share of screens in which it would be found.
    level
        Of the interval.

    Returns
    -------
    The effect, in units of the score; NaN with fewer than two cells (or donors) in a context.

    Raises
    ------
    ValueError
        If `power` or `level` are not between 0 and 1.

    Examples
    --------
    >>> effects = np.tile([-1.0, 1.0], (1, 50))
    >>> round(smallest_effect(effects, positive=np.ones(100, dtype=bool)), 3)
    0.284
    """
    from scipy.stats import t

    if not (0 < power < 1 and 0 < level < 1):
        msg = f"power={power} and level={level} are out of range; pass both between 0 and 1"
        raise ValueError(msg)
    values = np.atleast_2d(np.asarray(effects, dtype=np.float64))
    contexts = [positive] if neutral is None else [positive, neutral]
    units = [_units(values, np.asarray(context, dtype=bool), donors) for context in contexts]
    n = [of.shape[1] for of, _ in units]
    if min(n) < 2:
        return float("nan")
    if len(units) == 2 and donors is not None and units[0][1] == units[1][1]:
        units = [(units[0][0] - units[1][0], units[0][1])]
    squares = [of.var(axis=1, ddof=1).mean() / of.shape[1] for of, _ in units]
    multiple = t.ppf((1 + level) / 2, min(n) - 1) + t.ppf(power, min(n) - 1)
    return float(multiple * np.sqrt(sum(squares)))


def _units(values: np.ndarray, context: np.ndarray, donors: Sequence[Any] | None) -> tuple[np.ndarray, list[str]]:
    """Names x cells of a context, or x its donors with their names."""
    some = values[:, context]
    if donors is None:
        return some, []
    labels = np.asarray([str(donor) for donor in donors])[context]
    names = sorted(set(labels.tolist()))
    means = [some[:, labels == name].mean(axis=1) for name in names]
    return np.stack(means, axis=1) if names else some, names
