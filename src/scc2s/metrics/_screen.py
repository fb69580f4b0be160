from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._bootstrap import MIN_CLUSTERS, draws, interval_ends, say_too_few

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True)
class HitRule:
    """What makes a perturbation a hit (scc2s definition). Nothing of it is a published threshold."""

    max_neutral: float = 0.1
    """Largest effect, up or down, in the neutral context."""
    min_validity: float = 0.9
    """Smallest share of written words that are genes."""
    alpha: float = 0.05
    """Largest false discovery rate against meaningless names."""


def screen_table(
    effects: np.ndarray,
    names: Sequence[str],
    *,
    positive: np.ndarray,
    neutral: np.ndarray | None = None,
    donors: Sequence[Any] | None = None,
    null: np.ndarray | None = None,
    validity: np.ndarray | None = None,
    rule: HitRule | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    random_state: int = 0,
) -> pd.DataFrame:
    """Effects of perturbations on a program, in one context or against another, with intervals, null and hits.

    ``E(d, c)`` is the mean over the cells of context c of score(cell under d) - score(cell), and
    ``split(d) = E(d, positive) - E(d, neutral)`` (scc2s definition: neither formula nor thresholds of the published
    dual-context screen are public).

    Parameters
    ----------
    effects
        Perturbations x cells: change of the score of each cell.
    names
        Of the perturbations.
    positive, neutral
        Boolean, which cells belong to the context. Without `neutral` the effect itself takes the place of the split.
    donors
        Donor of each cell: whole donors are drawn for the intervals, once for both contexts where these have the same
        donors, else for each context. ``None``: cells are drawn. Fewer than three donors (or cells) of a context are
        too few for an interval, and so for a hit.
    null
        Effects of meaningless names: replicates x perturbations x cells.
    validity
        Share of valid words of each perturbation.
    rule
        What makes a hit; ``None``: the defaults.
    n_boot, level, random_state
        Of the bootstrap.

    Returns
    -------
    One row for each perturbation, best first (by ``low``, the lower end of the interval):

    ``effect_positive``, ``effect_neutral`` and their ``_low``, ``_high``
        ``E`` in each context.
    ``split``, ``low``, ``high``
        The split (without contexts the effect) and its interval: percentiles of the draws, moved outwards as few donors
        need it (:func:`bootstrap`).
    ``agreement``
        Share of donors (without donors: of cells) of the positive context whose own effect exceeds that of the neutral
        context.
    ``p``
        Share of null splits at least as large, over all names and replicates, with one added to both counts (Phipson
        and Smyth 2010): one-sided, and valid where names that mean nothing all have the same distribution.
    ``q``
        False discovery rate of Benjamini and Hochberg (1995) over ``p``.
    ``p_max``
        Share of replicates whose largest null split over all names is at least as large, with one added to both counts:
        controls the family-wise error, not the false discovery rate (single-step max-T of Westfall and Young 1993).
    ``validity``, ``n_positive``, ``n_neutral``
        Share of valid words, numbers of cells.
    ``hit``, ``reasons``, ``rank``
        ``reasons`` names the conditions that are not met. A hit has ``low`` over 0, a positive effect in the positive
        context, an effect in the neutral context within `max_neutral`, enough valid words, and, where there is a null,
        ``q`` at most `alpha`.

    Raises
    ------
    ValueError
        A context without cells, or another number of names than of effects.

    Examples
    --------
    >>> effects = np.array([[1.0, 1.1, 1.2, 0.0, 0.0, 0.0], [0.4, 0.5, 0.6, 0.4, 0.5, 0.6]])
    >>> table = screen_table(effects, ["amplifier", "everywhere"], positive=np.arange(6) < 3, neutral=np.arange(6) > 2)
    >>> table[["name", "split", "hit"]].round(2).to_numpy().tolist()
    [['amplifier', 1.1, True], ['everywhere', 0.0, False]]
    """
    import pandas as pd

    rule = rule or HitRule()
    effects = np.asarray(effects, dtype=np.float64)
    _check(effects, names, positive, neutral)
    labels = _clusters(len(effects.T), donors)
    weights = _weights(positive, neutral, labels, n_boot, random_state)
    n_up = len(np.unique(labels[positive]))
    n_split = n_up if neutral is None else min(n_up, len(np.unique(labels[neutral])))
    if donors is not None and n_boot and 1 < n_split < MIN_CLUSTERS:
        say_too_few(n_split, "donors")
    up, up_samples = _means(effects, positive, weights)
    columns: dict[str, Any] = {"name": list(names), "effect_positive": up}
    columns["effect_positive_low"], columns["effect_positive_high"] = interval_ends(up, up_samples, n_up, level)
    if neutral is None:
        split, samples = up, up_samples
        flat = np.zeros(len(effects))
        nothing = np.full(len(effects), np.nan)
        columns |= dict.fromkeys(("effect_neutral", "effect_neutral_low", "effect_neutral_high"), nothing)
    else:
        flat, flat_samples = _means(effects, neutral, weights)
        split, samples = up - flat, up_samples - flat_samples
        n_flat = len(np.unique(labels[neutral]))
        columns["effect_neutral"] = flat
        columns["effect_neutral_low"], columns["effect_neutral_high"] = interval_ends(flat, flat_samples, n_flat, level)
    low, high = interval_ends(split, samples, n_split, level)
    columns |= {"split": split, "low": low, "high": high}
    columns["agreement"] = _agreement(
        effects[:, positive], flat, None if donors is None else np.asarray(donors)[positive]
    )
    columns |= dict.fromkeys(("p", "q", "p_max"), np.full(len(effects), np.nan))
    if null is not None and null.size:
        columns |= _against(split, _splits(null, positive, neutral))
    share = np.full(len(effects), np.nan) if validity is None else np.asarray(validity, dtype=np.float64)
    columns |= {"validity": share, "n_positive": int(positive.sum())}
    columns["n_neutral"] = 0 if neutral is None else int(neutral.sum())
    failed = {
        f"too few {'cells' if donors is None else 'donors'} for an interval": np.isnan(low) & (n_split < MIN_CLUSTERS),
        "no interval": np.isnan(low) & (n_split >= MIN_CLUSTERS),
        "interval reaches 0": low <= 0,
        "no effect in the positive context": ~(up > 0),
        "effect in the neutral context": ~(np.abs(flat) < rule.max_neutral),
        "too few valid words": share < rule.min_validity,
        "as large for meaningless names": columns["q"] > rule.alpha,
    }
    reasons = ["; ".join(why for why, is_so in failed.items() if is_so[i]) for i in range(len(effects))]
    table = pd.DataFrame(columns | {"hit": [not why for why in reasons], "reasons": reasons})
    order = np.lexsort((table["name"], -table["split"], -table["low"].fillna(-np.inf)))
    table = table.iloc[order].reset_index(drop=True)
    return table.assign(rank=np.arange(1, len(table) + 1))


def _check(effects: np.ndarray, names: Sequence[str], positive: np.ndarray, neutral: np.ndarray | None) -> None:
    if effects.ndim != 2 or effects.shape != (len(names), len(positive)):
        msg = f"effects have shape {effects.shape}; pass names x cells: {(len(names), len(positive))}"
        raise ValueError(msg)
    if not positive.any() or (neutral is not None and not neutral.any()):
        msg = "a context has no cells; pass positive= and neutral= with at least two True each, or neutral=None"
        raise ValueError(msg)


def _clusters(n_cells: int, donors: Sequence[Any] | None) -> np.ndarray:
    """Number of the donor of each cell, or of the cell."""
    if donors is None:
        return np.arange(n_cells)
    return np.asarray(np.unique(np.asarray(donors, dtype=str), return_inverse=True)[1])


def _weights(
    positive: np.ndarray, neutral: np.ndarray | None, labels: np.ndarray, n_boot: int, random_state: int
) -> np.ndarray:
    """How often each bootstrap sample draws each cell: samples x cells.

    Donors are drawn once for both contexts where these have the same ones; else each context draws its own.
    """
    n = len(positive)
    contexts = [positive] if neutral is None else [positive, neutral]
    used = [set(labels[context].tolist()) for context in contexts]
    together = len(used) == 2 and used[0] == used[1]
    rng = np.random.default_rng(random_state)
    out = np.zeros((n_boot, n))
    for context in [np.logical_or(*contexts)] if together else contexts:
        own = np.unique(labels[context])
        place = np.searchsorted(own, labels[context])
        drawn = draws(rng, len(own), n_boot)
        counts = np.stack([np.bincount(row, minlength=len(own)) for row in drawn]) if n_boot else drawn
        out[:, context] = counts[:, place] if len(own) > 1 else np.nan
    return out


def _agreement(effects: np.ndarray, flat: np.ndarray, donors: np.ndarray | None) -> np.ndarray:
    """Share of donors, or cells, over the effect in the neutral context."""
    if donors is None:
        return np.asarray((effects > flat[:, None]).mean(axis=1))
    means = [effects[:, donors == donor].mean(axis=1) for donor in np.unique(donors)]
    return np.asarray((np.stack(means, axis=1) > flat[:, None]).mean(axis=1))


def _means(effects: np.ndarray, context: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean effect in a context, and that of each bootstrap sample: perturbations; samples x perturbations."""
    some, w = effects[:, context], weights[:, context]
    with np.errstate(invalid="ignore"):
        return some.mean(axis=1), (w @ some.T) / w.sum(axis=1, keepdims=True)


def _splits(null: np.ndarray, positive: np.ndarray, neutral: np.ndarray | None) -> np.ndarray:
    """Replicates x perturbations."""
    up = np.asarray(null[:, :, positive].mean(axis=2))
    return up if neutral is None else up - np.asarray(null[:, :, neutral].mean(axis=2))


def _against(split: np.ndarray, null: np.ndarray) -> dict[str, np.ndarray]:
    from scipy.stats import false_discovery_control

    every, largest = np.sort(null.ravel()), np.sort(null.max(axis=1))
    at_least = len(every) - np.searchsorted(every, split - 1e-12)
    p = (1 + at_least) / (1 + len(every))
    p_max = (1 + len(largest) - np.searchsorted(largest, split - 1e-12)) / (1 + len(largest))
    return {"p": p, "q": false_discovery_control(p), "p_max": p_max}
