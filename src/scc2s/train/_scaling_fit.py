from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Law = Literal["power", "log"]
_LEAST_POINTS = 4
_FLATTEST, _STEEPEST, _N_EXPONENTS = 1e-3, 5.0, 400
"""Exponents of a power law that are looked for, and how many are tried in each draw of the bootstrap."""
_N_NAMES = {"n_samples": "samples", "n_parameters": "parameters"}


@dataclass(frozen=True)
class ScalingFit:
    r"""A curve through the losses of finished runs, and how far they pin it down.

    Attributes
    ----------
    law
        ``"power"``: :math:`L = a + b x^{-c}`. ``"log"``: :math:`L = a + \sum_j b_j \log_{10} x_j`.
    over
        Columns of the table that :math:`x` is.
    parameters
        Name and value.
    intervals
        Name, lower and upper end of the interval, of the same names.
    level
        Share of the intervals.
    points
        Points x columns: the values of `over` that were fitted.
    losses
        Their losses.
    rmse
        Root of the mean squared residual.
    at_bound
        Parameters of the power law that ended at a bound of the search: these points do not tell them.
    """

    law: Law
    over: tuple[str, ...]
    parameters: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    level: float
    points: np.ndarray
    losses: np.ndarray
    rmse: float
    at_bound: tuple[str, ...]
    draws: np.ndarray

    def predict(self, *x: np.ndarray | float) -> np.ndarray:
        """Loss of the curve, for values of each column of `over`, within those that were fitted.

        Raises
        ------
        ValueError
            If a value lies beyond the points.
        """
        return np.asarray(_LAWS[self.law](self._within(x), np.array(list(self.parameters.values()))), dtype=float)

    def band(self, *x: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of the interval of the curve."""
        inside = self._within(x)
        drawn = np.array([_LAWS[self.law](inside, one) for one in self.draws])
        low, high = np.quantile(drawn, _ends(self.level), axis=0)
        return low, high

    def text(self) -> str:
        """What the points say, and of what they say nothing."""
        spans = [
            f"{low:,.0f} to {high:,.0f} {_N_NAMES.get(name, name)}"
            for name, low, high in zip(self.over, self.points.min(axis=0), self.points.max(axis=0), strict=True)
        ]
        share = f"{self.level:.0%}".replace("%", " %")
        if self.law == "power":
            said = [f"loss = {self._value('a')} + {self._value('b')} x^-{self._value('c')}, x {self.over[0]}"]
            if self.at_bound:
                said.append(f"these points do not tell {', '.join(self.at_bound)} (at the bound of the search)")
        else:
            said = [
                f"ten times the {_N_NAMES.get(name, name)} change the loss by {self._value(f'b_{name}')}"
                for name in self.over
            ]
        return (
            f"{len(self.losses)} runs, {' and '.join(spans)}: {'; '.join(said)} (in brackets {share} intervals; "
            f"typical residual {self.rmse:.2g}). Nothing is said of models or data beyond these."
        )

    def _value(self, name: str) -> str:
        low, high = self.intervals[name]
        return f"{self.parameters[name]:.3g} ({low:.3g} to {high:.3g})"

    def _within(self, x: tuple[np.ndarray | float, ...]) -> np.ndarray:
        if len(x) != len(self.over):
            msg = f"the curve is over {', '.join(self.over)}; pass {len(self.over)} values, in this order"
            raise ValueError(msg)
        columns = np.broadcast_arrays(*(np.asarray(one, dtype=float) for one in x))
        for name, values, fitted in zip(self.over, columns, self.points.T, strict=True):
            low, high = fitted.min(), fitted.max()
            if values.size and not (values.min() >= low * (1 - 1e-9) and values.max() <= high * (1 + 1e-9)):
                msg = (
                    f"{name} from {values.min():,.0f} to {values.max():,.0f} reaches beyond the points, of which "
                    f"nothing is known; pass values from {low:,.0f} to {high:,.0f}"
                )
                raise ValueError(msg)
        return np.stack(columns, axis=-1)


def fit_scaling(
    x: Mapping[str, np.ndarray],
    losses: np.ndarray,
    *,
    law: Law = "log",
    n_boot: int = 500,
    level: float = 0.95,
    random_state: int = 0,
) -> ScalingFit:
    r"""Fit a curve to losses over numbers of samples or of parameters.

    ``"power"`` is the saturating power law :math:`L = a + b x^{-c}` of Kaplan et al. 2020 (arXiv:2001.08361) and
    Hoffmann et al. 2022 (arXiv:2203.15556), by non-linear least squares. ``"log"`` is linear in the logarithm of each
    column: what few points can carry. Intervals are those of a bootstrap of residuals, which are first made larger by
    :math:`\sqrt{n/(n-p)}` for the `p` parameters that were fitted; they hold the noise of these points, not that the
    law may be another one.

    Parameters
    ----------
    x
        Positive numbers by name of their column; one column for ``"power"``.
    losses
        One a point.
    law
        ``"power"`` or ``"log"``.
    n_boot
        Draws of the bootstrap.
    level
        Share of the intervals.
    random_state
        Seed of the draws.

    Returns
    -------
    The curve with its intervals.

    Raises
    ------
    ValueError
        If there are fewer than four points, fewer different values of a column than the curve needs, or values that are
        not finite and positive.

    Examples
    --------
    >>> import numpy as np
    >>> n = np.array([100.0, 300.0, 1000.0, 3000.0])
    >>> fit = fit_scaling({"n_samples": n}, 3 - 0.5 * np.log10(n))
    >>> {name: round(value, 3) for name, value in fit.parameters.items()}
    {'a': 3.0, 'b_n_samples': -0.5}
    """
    over, points = tuple(x), np.column_stack([np.asarray(values, dtype=float) for values in x.values()])
    y = np.asarray(losses, dtype=float)
    _check(over, points, y, law, n_boot, level)
    best, at_bound = _solved(law, points, y)
    fitted = _LAWS[law](points, best)
    residuals = y - fitted
    wide = residuals * np.sqrt(len(y) / max(len(y) - len(best), 1))
    wide -= wide.mean()
    rng = np.random.default_rng(random_state)
    drawn = fitted + rng.choice(wide, (n_boot, len(y)))
    draws = _power_draws(points[:, 0], drawn) if law == "power" else _line(points, drawn.T).T
    names = ("a", "b", "c") if law == "power" else ("a", *(f"b_{name}" for name in over))
    low, high = np.quantile(draws, _ends(level), axis=0)
    return ScalingFit(
        law=law,
        over=over,
        parameters=dict(zip(names, best.tolist(), strict=True)),
        intervals={name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)},
        level=level,
        points=points,
        losses=y,
        rmse=float(np.sqrt((residuals**2).mean())),
        at_bound=tuple(names[i] for i in at_bound),
        draws=draws,
    )


def _ends(level: float) -> list[float]:
    return [(1 - level) / 2, (1 + level) / 2]


def _check(over: tuple[str, ...], points: np.ndarray, y: np.ndarray, law: str, n_boot: int, level: float) -> None:
    if law not in ("power", "log"):
        msg = f"law={law!r} is not known; pass 'power' or 'log'"
        raise ValueError(msg)
    if law == "power" and len(over) != 1:
        msg = f"a power law is fitted over one column, not {len(over)}; pass one, or law='log'"
        raise ValueError(msg)
    if n_boot < 1 or not 0 < level < 1:
        msg = f"n_boot={n_boot}, level={level}: pass n_boot= from 1 and level= between 0 and 1"
        raise ValueError(msg)
    if not (np.isfinite(points).all() and np.isfinite(y).all() and (points > 0).all()):
        msg = "a curve needs finite losses, and numbers of samples and parameters over 0; leave the other runs out"
        raise ValueError(msg)
    least = max(_LEAST_POINTS, len(over) + 2)
    if len(y) < least:
        msg = f"{len(y)} points do not make a curve; run at least {least}: more fractions=, models or seeds="
        raise ValueError(msg)
    n_different = [len(np.unique(column)) for column in points.T]
    needed = _LEAST_POINTS if law == "power" else 2
    for name, n in zip(over, n_different, strict=True):
        if n < needed:
            msg = f"{n} different {name} do not tell this curve, which needs {needed}; run more of them" + (
                ", or pass law='log'" if law == "power" else f", or leave {name} out of over="
            )
            raise ValueError(msg)
    design = np.column_stack([np.ones(len(y)), np.log10(points)])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        msg = f"{' and '.join(over)} change together here, so their parts cannot be told; pass over= one of them"
        raise ValueError(msg)


def _power(points: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    a, b, c = parameters
    return np.asarray(a + b * points[..., 0] ** -c)


def _log(points: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    return np.asarray(parameters[0] + np.log10(points) @ parameters[1:])


_LAWS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"power": _power, "log": _log}


def _line(points: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Intercept and slopes by least squares; of each column, where `y` has several."""
    design = np.column_stack([np.ones(len(y)), np.log10(points)])
    return np.asarray(np.linalg.lstsq(design, y, rcond=None)[0])


def _power_draws(x: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Power laws of many draws at once: for each of many exponents the best line, then the best exponent."""
    unit = float(x.min())
    best, least = np.zeros((len(drawn), 3)), np.full(len(drawn), np.inf)
    for c in np.geomspace(_FLATTEST, _STEEPEST, _N_EXPONENTS):
        curve = (x / unit) ** -c
        spread = curve - curve.mean()
        b = drawn @ spread / (spread @ spread)
        a = drawn.mean(axis=1) - b * curve.mean()
        below = (a < 0) & (drawn.min(axis=1) >= 0)
        a, b = np.where(below, 0, a), np.where(below, drawn @ curve / (curve @ curve), b)
        squares = ((a[:, None] + b[:, None] * curve - drawn) ** 2).sum(axis=1)
        better = squares < least
        least[better] = squares[better]
        best[better] = np.column_stack([a, b * unit**c, np.full(len(a), c)])[better]
    return best


def _solved(law: str, points: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Parameters by least squares, and the numbers of those at a bound."""
    if law == "log":
        return _line(points, y), []
    from scipy.optimize import curve_fit

    # over x / least x, so that b is a loss and not a number that grows with the unit of x
    unit = float(points.min())
    x = points[:, 0] / unit
    span = float(np.ptp(y)) or 1e-12
    bounds = (np.array([0.0 if y.min() >= 0 else -np.inf, -np.inf, _FLATTEST]), np.array([np.inf, np.inf, _STEEPEST]))
    guesses = [
        np.array([max(y[x.argmax()] - span / 4, 1e-12), y[x.argmin()] - y[x.argmax()], c]) for c in (0.1, 0.5, 1)
    ]

    def curve(at: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
        return np.asarray(a + b * at**-c)

    found = []
    for guess in guesses:
        inside = np.clip(guess, bounds[0] + 1e-9, bounds[1] - 1e-9)
        best = curve_fit(curve, x, y, p0=inside, bounds=bounds, max_nfev=5000)[0]
        found.append((float(((curve(x, *best) - y) ** 2).sum()), best))
    best = min(found, key=lambda one: one[0])[1]
    near = [i for i in (0, 2) if np.isclose(best[i], bounds[0][i], atol=1e-4) or np.isclose(best[i], bounds[1][i])]
    return best * np.array([1, unit ** best[2], 1]), near
