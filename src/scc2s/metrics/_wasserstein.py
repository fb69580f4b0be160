from __future__ import annotations

from typing import Any, Literal

import numpy as np

from scc2s._logging import logger

from ._arrays import two

_MOST_STEPS = 2000
_TOLERANCE = 1e-6
"""Largest distance of the marginals of an entropic coupling from the uniform ones."""


def wasserstein(
    x: Any,
    y: Any,
    *,
    p: int = 2,
    solver: Literal["exact", "sinkhorn", "sliced"] = "exact",
    epsilon: float = 0.05,
    n_projections: int = 200,
    random_state: int = 0,
) -> float:
    """Wasserstein distance of order `p` between two samples, with Euclidean ground distance.

    ``(min over couplings of the mean of |x - y|^p)^{1/p}`` (Peyré & Cuturi 2019, Computational Optimal Transport).

    Parameters
    ----------
    x, y
        Cells x features, of one representation.
    p
        1 or 2.
    solver
        ``"exact"``: the best assignment where both have the same number of cells, else a linear program (POT); up to a
        few thousand cells. ``"sinkhorn"``: entropic transport (POT), the cost of its coupling without the entropy,
        which is above the exact value. ``"sliced"``: root mean of the one-dimensional distances to the power `p` along
        random directions (Bonneel et al. 2015) - another, smaller number, for large samples.
    epsilon
        Strength of the entropy, in units of the mean cost; for ``"sinkhorn"``. The smaller, the nearer to the exact
        value, and the slower.
    n_projections, random_state
        Directions and their seed; for ``"sliced"``.

    Returns
    -------
    0 or more, in units of the features; NaN where a side has no cells.

    Raises
    ------
    ImportError
        POT is needed and not installed.
    ValueError
        Other widths of `x` and `y`, values that are not finite, or an argument that is not known.

    Examples
    --------
    >>> wasserstein([[0.0], [1.0]], [[1.0], [2.0]]), wasserstein([[0.0], [1.0]], [[1.0], [2.0]], p=1)
    (1.0, 1.0)
    """
    a, b = two(x, y)
    if p not in (1, 2):
        msg = f"p={p} is not supported; pass p=1 or p=2"
        raise ValueError(msg)
    if solver not in ("exact", "sinkhorn", "sliced"):
        msg = f"solver={solver!r} is not known; pass 'exact', 'sinkhorn' or 'sliced'"
        raise ValueError(msg)
    if epsilon <= 0 or n_projections < 1:
        msg = f"epsilon={epsilon} and n_projections={n_projections} have to be above 0; or pass solver='exact'"
        raise ValueError(msg)
    if not len(a) or not len(b):
        return float("nan")
    if solver == "sliced":
        return _sliced(a, b, p, n_projections, random_state)
    from scipy.spatial.distance import cdist

    cost = cdist(a, b, metric="euclidean" if p == 1 else "sqeuclidean")
    if solver == "exact" and len(a) == len(b):
        from scipy.optimize import linear_sum_assignment

        total = float(cost[linear_sum_assignment(cost)].mean())
    else:
        total = _transport(cost, solver, epsilon)
    return float(max(0.0, total) ** (1 / p))


def _transport(cost: np.ndarray, solver: str, epsilon: float) -> float:
    try:
        import ot
    except ImportError as error:
        msg = 'optimal transport of this kind needs POT; run: pip install "scc2s[metrics]"'
        raise ImportError(msg) from error
    n, m = cost.shape
    a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    if solver == "exact":
        return float(ot.emd2(a, b, cost, numItermax=10_000_000))
    strength = epsilon * (float(cost.mean()) or 1.0)
    # The kernel exp(-cost / strength) itself while its entries can be written, else its logarithm: many times slower.
    method = "sinkhorn" if cost.max() < 500 * strength else "sinkhorn_log"
    plan, log = ot.sinkhorn(
        a, b, cost, strength, method=method, numItermax=_MOST_STEPS, stopThr=_TOLERANCE, log=True, warn=False
    )
    if log["err"][-1] > _TOLERANCE:
        logger.warning(
            "sinkhorn did not converge in %d steps; pass a larger epsilon= than %g, or solver='exact'",
            _MOST_STEPS, epsilon,
        )  # fmt: skip
    return float((plan * cost).sum())


def _sliced(a: np.ndarray, b: np.ndarray, p: int, n_projections: int, random_state: int) -> float:
    """Along each direction the cells of both are matched in order, at the quantiles where either changes."""
    rng = np.random.default_rng(random_state)
    directions = rng.standard_normal((a.shape[1], n_projections))
    directions /= np.linalg.norm(directions, axis=0)
    u, v = np.sort(a @ directions, axis=0), np.sort(b @ directions, axis=0)
    edges = np.unique(np.concatenate([np.arange(1, len(u) + 1) / len(u), np.arange(1, len(v) + 1) / len(v)]))
    weights = np.diff(edges, prepend=0.0)
    middle = edges - weights / 2
    i = np.minimum((middle * len(u)).astype(int), len(u) - 1)
    j = np.minimum((middle * len(v)).astype(int), len(v) - 1)
    return float((weights @ np.abs(u[i] - v[j]) ** p).mean() ** (1 / p))
