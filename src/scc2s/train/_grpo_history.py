"""The table of a run: one row a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES = {"reward": "reward", "kl": "kl", "entropy": "entropy", "clip_ratio/region_mean": "clipped"}
_OWN = ("no_spread", "distinct_answers", "distinct_genes", "valid", "length")
_LAST = ("loss", "grad_norm", "learning_rate")


def history_of(log: Sequence[dict[str, Any]], rewards: Sequence[str]) -> pd.DataFrame:
    """History from the log of a trainer.

    Parameters
    ----------
    log
        One dict a step, others among them.
    rewards
        Names of the rewards.

    Returns
    -------
    ``step``; ``reward``, the weighted sum, mean over the answers; ``reward/<name>``, mean, and ``spread/<name>``, mean
    over groups of the standard deviation within; ``no_spread``, ``kl``, ``entropy``, ``clipped``, ``distinct_answers``,
    ``distinct_genes``, ``valid``, ``length``; ``loss``, ``grad_norm``, ``learning_rate``. Columns that nothing was
    logged for are left out. Further steps on the same answers (``iterations``) have no rewards of their own: NaN.
    """
    named = dict(_NAMES)
    for name in rewards:
        named[f"rewards/{name}/mean"] = f"reward/{name}"
        named[f"spread/{name}"] = f"spread/{name}"
    named |= {name: name for name in (*_OWN, *_LAST)}
    rows = [
        {"step": int(entry["step"]), **{new: entry.get(old) for old, new in named.items()}}
        for entry in log
        if "loss" in entry
    ]
    table = pd.DataFrame(rows, columns=["step", *named.values()])
    table = table.drop_duplicates("step", keep="last").astype(dict.fromkeys(named.values(), float))
    order = ["step", "reward", *(f"{kind}/{name}" for name in rewards for kind in ("reward", "spread"))]
    order += ["no_spread", "kl", "entropy", "clipped", "distinct_answers", "distinct_genes", "valid", "length", *_LAST]
    return table[order].dropna(axis=1, how="all").reset_index(drop=True)
