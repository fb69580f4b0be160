from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._arrays import two


@dataclass(frozen=True)
class FrechetDistance:
    """An scFID and how it came about."""

    value: float
    means: float
    """Squared distance of the means."""
    covariances: float
    """What the covariances add."""
    n_real: int
    n_generated: int
    n_features: int
    method: str
    """``"full rank"``, ``"low rank"`` (a side has no more cells than features, so its covariance is singular; the value
    is exact for the sample covariances) or ``"too few cells"``."""


def scfid(real: Any, generated: Any) -> float:
    """Fréchet distance of two samples in an embedding, seen as Gaussians (scFID where a cell model embeds).

    ``|m_r - m_g|^2 + tr(S_r + S_g - 2 (S_r S_g)^{1/2})``, the squared 2-Wasserstein distance of the Gaussians
    (C2S-Scale, bioRxiv 10.1101/2025.04.14.648850, section 5.7; Heusel et al. 2017). Covariances are over n - 1.
    :func:`scfid_details` says how it was computed.

    Parameters
    ----------
    real, generated
        Cells x features in one embedding.

    Returns
    -------
    0 or more, in squared units of the embedding; NaN where a side has under two cells.

    Raises
    ------
    ValueError
        Other widths of the two, or values that are not finite.

    Notes
    -----
    The trace of the root is that of the symmetric ``(S_r^{1/2} S_g S_r^{1/2})^{1/2}``: with ``S_r = A' A`` and
    ``S_g = B' B`` it is the sum of the singular values of ``A B'``. That needs no root of a matrix, cannot become
    complex or negative, and is exact for singular covariances, so for fewer cells than features.

    It depends on the embedding, and strongly on the number of cells: two halves of the same cells are the further apart
    the fewer they are. Compare only at equal numbers, beside the value for real cells against real cells
    (``ceiling=True`` in :func:`scc2s.tl.evaluate`). A copy of training cells scores perfectly.

    Examples
    --------
    >>> square = np.array([[0.0, 0], [2, 0], [0, 2], [2, 2]])
    >>> scfid(square, square + [3, 4])
    25.0
    >>> round(scfid(square, 2 * square + [1, 0]), 4)
    7.6667
    """
    return scfid_details(real, generated).value


def scfid_details(real: Any, generated: Any) -> FrechetDistance:
    """:func:`scfid` with its two parts and the way it was computed.

    Examples
    --------
    >>> few = scfid_details(np.eye(3), 2 * np.eye(3))
    >>> few.method, round(few.value, 3)
    ('low rank', 1.333)
    """
    a, b = two(real, generated, ("real", "generated"))
    n, m, d = len(a), len(b), a.shape[1]
    if min(n, m) < 2:
        return FrechetDistance(float("nan"), float("nan"), float("nan"), n, m, d, "too few cells")
    shift = a.mean(axis=0) - b.mean(axis=0)
    means = float(shift @ shift)
    A, B = _factor(a), _factor(b)
    spread = float((A**2).sum() + (B**2).sum())
    covariances = spread - 2 * float(np.linalg.svd(A @ B.T, compute_uv=False).sum())
    covariances = 0.0 if covariances < 1e-12 * spread else covariances  # less is rounding
    method = "full rank" if min(n, m) > d else "low rank"
    return FrechetDistance(means + covariances, means, covariances, n, m, d, method)


def _factor(x: np.ndarray) -> np.ndarray:
    """F with ``F' F`` the covariance of `x` over n - 1, and no more rows than columns."""
    x = (x - x.mean(axis=0)) / np.sqrt(len(x) - 1)
    return np.asarray(np.linalg.qr(x, mode="r")) if len(x) > x.shape[1] else x
