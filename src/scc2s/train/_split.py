from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable


def split(names: Iterable[str], *, val: float = 0.1, test: float = 0.2, seed: int = 0) -> np.ndarray:
    """Assign each cell to a split by a hash of its name.

    A cell keeps its split whatever else the data set holds, in whatever order, today or in another program.

    Parameters
    ----------
    names
        Cell names, e.g. ``adata.obs_names``.
    val, test
        Share of cells for validation and test; the rest is for training.
    seed
        Another seed gives another split.

    Returns
    -------
    Object array of ``"train"``, ``"val"`` or ``"test"``, one a cell.

    Raises
    ------
    ValueError
        If the shares leave nothing to train on.

    Examples
    --------
    >>> split(["AAAC-1", "AAAG-1", "AAAT-1"]).tolist()
    ['train', 'test', 'train']
    """
    if val < 0 or test < 0 or val + test >= 1:
        msg = f"val={val} and test={test} leave no cells to train on; pass shares that add up to less than 1"
        raise ValueError(msg)
    places = np.array([place(f"{seed}:{n}") for n in names])
    out = np.full(len(places), "train", dtype=object)
    out[places < test + val] = "val"
    out[places < test] = "test"
    return out


def place(text: str) -> float:
    """A number from 0 to under 1 that a text always has."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
