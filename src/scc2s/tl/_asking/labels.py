"""Values of the slots of tl.annotate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.provenance import file_names
from scc2s.metrics import entropy, mean_by_group
from scc2s.prompts._answers import UNMAPPED

if TYPE_CHECKING:
    from collections.abc import Sequence

UNASSIGNED = "unassigned"


def scored_slots(
    obs_names: pd.Index,
    key: str,
    probs: np.ndarray,
    labels: Sequence[str],
    min_prob: float | None,
    none: np.ndarray | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """For obs: most probable label, its probability, the entropy; for obsm: all probabilities. NaN: missing values.

    `probs` add up to 1 with `none`, the probability that no label is right, where there is one. The table and the
    entropy are of the labels among themselves.
    """
    with np.errstate(invalid="ignore"):
        among = probs if none is None else probs / np.maximum(probs.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    obs = {
        key: _most_probable(probs, labels, min_prob),
        f"{key}_prob": probs.max(axis=1).astype(np.float32),
        f"{key}_entropy": entropy(among).astype(np.float32),
    }
    if none is not None:
        obs[f"{key}_none"] = none.astype(np.float32)
    # The index gets the name of obs.index again, which may be that of a label.
    columns = file_names([str(obs_names.name), *labels])[1:] if obs_names.name is not None else file_names(labels)
    table = pd.DataFrame(among.astype(np.float32), index=obs_names, columns=columns)
    return obs, {f"{key}_probs": table}


def generated_slots(
    n_cells: int, key: str, rows: np.ndarray, raw: Sequence[str], matched: Sequence[str], labels: Sequence[str]
) -> dict[str, Any]:
    """For obs: label that each answer was mapped to, and the answer; cells that were not asked get missing values."""
    texts = np.full(n_cells, "", dtype=object)
    texts[rows] = raw
    values = np.full(n_cells, None, dtype=object)
    values[rows] = matched
    return {key: _categorical(values, [*labels, UNMAPPED]), f"{key}_raw": texts}


def labels_of_groups(
    column: pd.Series, votes: np.ndarray, labels: Sequence[str], min_prob: float | None
) -> pd.Categorical:
    """For each cell the label of its group: the one with the highest mean vote."""
    groups = column.astype("category").cat
    means = mean_by_group(votes, groups.codes.to_numpy(), len(groups.categories))
    by_group = _most_probable(means, labels, min_prob)
    values = np.array([*by_group, None], dtype=object)  # code -1, a cell in no group, picks the last
    return _categorical(values[groups.codes.to_numpy()], [*labels, UNASSIGNED])


def _most_probable(probs: np.ndarray, labels: Sequence[str], min_prob: float | None) -> pd.Categorical:
    asked = ~np.isnan(probs).any(axis=1)
    values = np.full(len(probs), None, dtype=object)
    values[asked] = np.asarray(labels, dtype=object)[probs[asked].argmax(axis=1)]
    if min_prob is not None:
        values[asked & (probs.max(axis=1) < min_prob)] = UNASSIGNED
    return _categorical(values, [*labels, UNASSIGNED])


def _categorical(values: np.ndarray, order: list[str]) -> pd.Categorical:
    """Categories that occur, in the order given: an unused one would clutter every legend."""
    order = list(dict.fromkeys(order))  # a model may write "unmapped", or declare "unassigned"
    return pd.Categorical(values, categories=order).remove_unused_categories()
