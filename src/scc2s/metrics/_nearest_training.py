from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import two
from ._distances import square_blocks


def nearest_training(generated: Any, train: Any, held_out: Any) -> float:
    """Whether generated cells lie nearer to training cells than real cells do that the model has not read.

    The probability that a generated cell is nearer to its nearest training cell than a held-out real one is to its own,
    ties counted half: the Mann-Whitney statistic of the test for copying of Meehan, Chaudhuri & Dasgupta (AISTATS 2020,
    arXiv:2004.05675) over all of space. A model that repeats training cells has 1, however good its other scores are.

    Parameters
    ----------
    generated, train, held_out
        Cells x features, of one representation; Euclidean distances. `train` and `held_out` without a cell in common.

    Returns
    -------
    0 to 1. About 0.5: as far away as fresh real cells; above: nearer, up to copies at 1; below: further away, which is
    not copying, and says that the cells are unlike real ones. NaN where a side has no cells.

    Raises
    ------
    ValueError
        Other numbers of columns, or values that are not finite.

    Examples
    --------
    >>> train, held_out = [[0.0], [1.0], [2.0]], [[0.4], [1.3]]
    >>> nearest_training([[0.0], [2.0]], train, held_out), nearest_training([[9.0]], train, held_out)
    (1.0, 0.0)
    """
    from scipy.stats import mannwhitneyu

    made, known = two(generated, train, ("generated", "train"))
    fresh, _ = two(held_out, train, ("held_out", "train"))
    if not (len(made) and len(known) and len(fresh)):
        return float("nan")
    far, near = _nearest(fresh, known), _nearest(made, known)
    return float(mannwhitneyu(far, near).statistic / (len(far) * len(near)))


def _nearest(cells: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Squared distance of each cell to the nearest known one."""
    return np.concatenate([block.min(axis=1) for block, _ in square_blocks(cells, known)])
