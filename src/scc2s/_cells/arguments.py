"""Arguments looked at before any work is done."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from anndata import AnnData


def whole(name: str, value: Any, least: int | None = 1) -> int:
    """A whole number of at least `least` (``None``: of any size); numpy's are taken, ``True`` and 2.0 are not.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If it is too small.

    Examples
    --------
    >>> whole("n_genes", np.int64(200))
    200
    """
    if isinstance(value, np.random.Generator | np.random.RandomState | np.random.BitGenerator | np.random.SeedSequence):
        msg = (
            f"{name} is a {type(value).__name__}, whose state no record of a result can hold; draw a number from it: "
            f"{name}=int(np.random.default_rng(seed).integers(2**31))"
        )
        raise TypeError(msg)
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        msg = f"{name}={value!r} is not a whole number; pass {name}= {_from(least)}, e.g. {name}={max(least or 0, 1)}"
        raise TypeError(msg)
    if least is not None and value < least:
        msg = f"{name}={value!r} is too small; pass {name}= {_from(least)}"
        raise ValueError(msg)
    return int(value)


def above(name: str, value: Any, limit: float = 0.0) -> float:
    """A finite number above `limit`.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is not above `limit`, or not finite.

    Examples
    --------
    >>> above("target_sum", 10_000)
    10000.0
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        msg = f"{name}={value!r} is not a number; pass {name}= a number above {limit:g}"
        raise TypeError(msg)
    if not math.isfinite(value) or value <= limit:
        msg = f"{name}={value!r} is out of range; pass {name}= a number above {limit:g}"
        raise ValueError(msg)
    return float(value)


def threads(n_jobs: Any) -> int | None:
    """Number of threads; ``None`` takes that of the settings, and -1 all cores, as in scikit-learn."""
    from scc2s._settings import settings

    if n_jobs is None:
        return settings.n_jobs
    return None if isinstance(n_jobs, int) and n_jobs == -1 else whole("n_jobs", n_jobs)


def refuse_empty(adata: AnnData, *, cells: bool = True) -> None:
    """Raise where there is nothing to work on.

    Parameters
    ----------
    adata
        What was given.
    cells
        Cells are needed, not genes alone.

    Raises
    ------
    ValueError
        If there are no cells, or no genes.
    """
    for what, n in (("cells", adata.n_obs if cells else 1), ("genes", adata.n_vars)):
        if not n:
            msg = (
                f"adata has no {what} (shape {adata.n_obs} x {adata.n_vars}); pass adata= one that has, e.g. before "
                f"sc.pp.filter_{what}(adata, ...) left none"
            )
            raise ValueError(msg)


def _from(least: int | None) -> str:
    return "a whole number" if least is None else f"a number from {least}"
