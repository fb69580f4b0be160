"""Parts of a table of samples, each within the next larger one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ._split import place

if TYPE_CHECKING:
    import pandas as pd


def nested(samples: pd.DataFrame, fraction: float, *, groupby: str | None = None, seed: int = 0) -> np.ndarray:
    """Rows of a share of the samples; those of a smaller share are among those of a larger one.

    Which rows they are follows from their texts and the seed, whatever their order in the table.

    Parameters
    ----------
    samples
        Columns ``prompt``, ``completion``, ``task``.
    fraction
        Share of the samples of each task, or of the groups: at least one.
    groupby
        Column of groups that stay whole, e.g. donors or cells.
    seed
        Another seed draws others.

    Returns
    -------
    Numbers of rows, in rising order.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"prompt": list("abcdefgh"), "completion": " x", "task": "t"})
    >>> small, large = nested(table, 0.25), nested(table, 0.5)
    >>> len(small), len(large), set(small) <= set(large)
    (2, 4, True)
    """
    if groupby is not None:
        names = samples[groupby].astype(str).to_numpy()
        unique = sorted(set(names), key=lambda name: place(f"{seed}:{name}"))
        return np.flatnonzero(np.isin(names, unique[: _n_of(fraction, len(unique))]))
    texts = (samples["prompt"] + "\t" + samples["completion"]).tolist()
    drawn = np.array([place(f"{seed}:{text}") for text in texts])
    rows = [
        of_task[np.argsort(drawn[of_task], kind="stable")[: _n_of(fraction, len(of_task))]]
        for of_task in samples.groupby("task", sort=True, observed=True).indices.values()
    ]
    return np.sort(np.concatenate(rows))


def _n_of(fraction: float, n: int) -> int:
    return max(1, math.ceil(round(fraction * n, 6)))
