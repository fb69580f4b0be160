from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def match_pairs(
    obs: pd.DataFrame, *, key: str, control: str, match: Sequence[str] = (), random_state: int = 0
) -> np.ndarray:
    """Pair each perturbed cell with a random control cell of the same group.

    :func:`scc2s.pp.pairs` is its face for AnnData.

    Parameters
    ----------
    obs
        One row a cell.
    key
        Column that holds the perturbation; cells without one are left out.
    control
        Its value for control cells.
    match
        Columns in which both cells of a pair agree, e.g. ``["cell_type", "donor"]``; a cell with a missing value in one
        of them is in no pair.
    random_state
        Seed of the draw.

    Returns
    -------
    Integers, pairs x 2: row of the control cell, row of the perturbed cell. Perturbed cells whose group has no control
    are absent.

    Raises
    ------
    KeyError
        If a column is not there.
    ValueError
        If no cell is a control.

    Examples
    --------
    >>> import pandas as pd
    >>> obs = pd.DataFrame({"drug": ["none", "IFN", "none"], "type": ["B", "B", "T"]})
    >>> match_pairs(obs, key="drug", control="none", match=["type"]).tolist()
    [[0, 1]]
    """
    if missing := [name for name in (key, *match) if name not in obs]:
        msg = f"obs has no column {missing[0]!r}; pass key= and match= from {', '.join(map(repr, obs.columns))}"
        raise KeyError(msg)
    values = obs[key].astype(object)
    is_control = (values == control).to_numpy()
    if not is_control.any():
        msg = (
            f"no cell has {control!r} in obs[{key!r}]; pass control= one of "
            f"{sorted(map(str, values.dropna().unique()))[:8]}"
        )
        raise ValueError(msg)
    rng = np.random.default_rng(random_state)
    groups = np.array(["\t".join(map(str, values)) for values in obs[list(match)].to_numpy(dtype=object)])
    known = obs[[key, *match]].notna().all(axis=1).to_numpy()
    pairs = []
    for group in np.unique(groups):
        here = (groups == group) & known
        controls = np.flatnonzero(here & is_control)
        perturbed = np.flatnonzero(here & ~is_control)
        if len(controls):
            pairs.append(np.column_stack([rng.choice(controls, len(perturbed)), perturbed]))
    out = np.concatenate(pairs) if pairs else np.empty((0, 2), dtype=np.int64)
    return out[np.argsort(out[:, 1], kind="stable")]
