from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from scc2s._logging import logger

if TYPE_CHECKING:
    import pandas as pd

WINDOW = 50
"""Batches among which samples are sorted by length: enough to save padding, few enough to stay random."""


def batches_by_task(
    samples: pd.DataFrame, batch_size: int, *, seed: int = 0, rest: Literal["drop", "last"] = "drop"
) -> pd.DataFrame:
    """Order samples so that each batch holds one task, batches of all tasks mixed.

    The loss is a mean over the tokens of a batch. In mixed batches a 200-gene answer would outweigh a cell type of
    three tokens by seventy to one; in batches of one task each task has the weight of its number of samples. Samples of
    like length share a batch, which saves padding.

    Parameters
    ----------
    samples
        With a column ``task``.
    batch_size
        Samples a batch.
    seed
        Seed of the shuffle.
    rest
        Samples of each task that do not fill a batch: ``"drop"`` leaves them out, and the log says how many of which
        task; ``"last"`` puts them at the end, by task, where the last batches may hold several tasks.

    Returns
    -------
    The samples in their new order.

    Raises
    ------
    ValueError
        If `batch_size` is under 1, or a sample has no task.
    """
    if batch_size < 1:
        msg = f"batch_size={batch_size} holds no sample; pass batch_size= a whole number from 1"
        raise ValueError(msg)
    if rest not in ("drop", "last"):
        msg = f"rest={rest!r} is not known; pass 'drop' or 'last'"
        raise ValueError(msg)
    if n_without := int(samples["task"].isna().sum()):
        msg = f"{n_without} samples have no task; name it: samples.assign(task=samples['task'].fillna('...'))"
        raise ValueError(msg)
    rng = np.random.default_rng(seed)
    length = (samples["prompt"].str.count(" ") + samples["completion"].str.count(" ")).to_numpy()
    batches: list[np.ndarray] = []
    left: dict[str, np.ndarray] = {}
    for task, rows in samples.groupby("task", sort=True, observed=True).indices.items():
        drawn = rng.permutation(rows)
        shuffled, over = np.split(drawn, [len(rows) // batch_size * batch_size])
        if len(over):
            left[str(task)] = over
        for start in range(0, len(shuffled), WINDOW * batch_size):
            window = shuffled[start : start + WINDOW * batch_size]
            window = window[np.argsort(length[window], kind="stable")]
            batches += np.split(window, len(window) // batch_size)
    order = [batches[i] for i in rng.permutation(len(batches))]
    if rest == "last":
        order += left.values()
    elif left:
        logger.warning(
            "samples left out, as they do not fill a batch of %d: %s; pass rest='last' to keep them, or a smaller "
            "batch_size=",
            batch_size, ", ".join(f"{len(rows)} of task {task!r}" for task, rows in left.items()),
        )  # fmt: skip
    return samples.iloc[np.concatenate([np.empty(0, dtype=int), *order])].reset_index(drop=True)
