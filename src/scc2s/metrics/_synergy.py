from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import matrix
from ._bootstrap import draws, interval_ends

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


def synergy(
    pair: Any,
    first: Any,
    second: Any,
    control: Any,
    *,
    programs: Mapping[str, Sequence[int]] | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    random_state: int = 0,
) -> pd.DataFrame:
    """How far the effect of two perturbations together goes beyond the sum of their single effects.

    ``shift(pair) - (shift(first) + shift(second))``, shifts of the mean of log-normalised expression against the same
    control (scc2s definition). 0: additive on that scale.

    Parameters
    ----------
    pair, first, second, control
        Cells x genes.
    programs
        Columns of the genes of each program, whose mean is scored; ``None``: each gene for itself.
    n_boot, level, random_state
        Bootstrap over the cells of each of the four sides, widened for few cells (:func:`bootstrap`); 0: no interval.

    Returns
    -------
    One row for each program (or gene): ``pair``, ``first``, ``second`` (shifts), ``synergy``, ``low``, ``high``.

    Examples
    --------
    >>> control = np.zeros((4, 1)); first = control + 1; second = control + 2; pair = control + 4
    >>> synergy(pair, first, second, control, n_boot=0)["synergy"].tolist()
    [1.0]
    """
    import pandas as pd

    names = ("pair", "first", "second", "control")
    sides = [matrix(X, name) for X, name in zip((pair, first, second, control), names, strict=True)]
    if len({X.shape[1] for X in sides}) > 1 or not all(len(X) for X in sides):
        shapes = {name: X.shape for name, X in zip(names, sides, strict=True)}
        msg = f"the sides have shapes {shapes}; pass cells of each, with the same genes: adata[:, genes]"
        raise ValueError(msg)
    if programs is None:
        index: list[Any] = list(range(sides[0].shape[1]))
    else:
        if empty := [name for name, columns in programs.items() if not len(columns)]:
            msg = f"program {empty[0]!r} has no genes; leave it out, or pass columns of genes that are there"
            raise ValueError(msg)
        index = list(programs)
        sides = [np.column_stack([X[:, list(c)].mean(axis=1) for c in programs.values()]) for X in sides]

    def effects(weights: list[np.ndarray]) -> tuple[np.ndarray, ...]:
        p, a, b, c = (w @ X for w, X in zip(weights, sides, strict=True))
        return p - c, a - c, b - c, (p - c) - (a - c) - (b - c)

    whole = effects([np.full(len(X), 1 / len(X)) for X in sides])
    table = pd.DataFrame(dict(zip(("pair", "first", "second", "synergy"), whole, strict=True)), index=index)
    low = high = np.full(len(index), np.nan)
    if n_boot and min(len(X) for X in sides) > 1:
        rng = np.random.default_rng(random_state)
        weights = [
            np.stack([np.bincount(row, minlength=len(X)) for row in draws(rng, len(X), n_boot)]) / len(X) for X in sides
        ]
        low, high = interval_ends(whole[3], effects(weights)[3], min(len(X) for X in sides), level)
    return table.assign(low=low, high=high)
