"""Writing labels to an AnnData: the slots of tl.annotate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s.metrics import entropy, mean_by_group
from scc2s.prompts._answers import UNMAPPED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

UNASSIGNED = "unassigned"


def write_scored(adata: AnnData, key: str, probs: np.ndarray, labels: Sequence[str], min_prob: float | None) -> None:
    """Most probable label, its probability, the entropy and all probabilities; rows of NaN give missing values."""
    _forget(adata, key)
    adata.obs[key] = _most_probable(probs, labels, min_prob)
    adata.obs[f"{key}_prob"] = probs.max(axis=1).astype(np.float32)
    adata.obs[f"{key}_entropy"] = entropy(probs).astype(np.float32)
    columns = [label.replace("/", "|") for label in labels]  # h5ad and zarr take "/" for a path
    adata.obsm[f"{key}_probs"] = pd.DataFrame(probs.astype(np.float32), index=adata.obs_names, columns=columns)


def write_generated(
    adata: AnnData, key: str, rows: np.ndarray, raw: Sequence[str], matched: Sequence[str], labels: Sequence[str]
) -> None:
    """Label that each answer was mapped to, and the answer itself; cells that were not asked get missing values."""
    _forget(adata, key)
    texts = np.full(adata.n_obs, "", dtype=object)
    texts[rows] = raw
    values = np.full(adata.n_obs, None, dtype=object)
    values[rows] = matched
    adata.obs[key] = _categorical(values, [*labels, UNMAPPED])
    adata.obs[f"{key}_raw"] = texts


def write_groups(
    adata: AnnData, key: str, groupby: str, votes: np.ndarray, labels: Sequence[str], min_prob: float | None
) -> None:
    """Label of each group of cells: the one with the highest mean vote."""
    groups = adata.obs[groupby].astype("category").cat
    means = mean_by_group(votes, groups.codes.to_numpy(), len(groups.categories))
    by_group = _most_probable(means, labels, min_prob)
    values = np.array([*by_group, None], dtype=object)  # code -1, a cell in no group, picks the last
    adata.obs[f"{key}_{groupby}"] = _categorical(values[groups.codes.to_numpy()], [*labels, UNASSIGNED])


def _most_probable(probs: np.ndarray, labels: Sequence[str], min_prob: float | None) -> pd.Categorical:
    asked = ~np.isnan(probs).any(axis=1)
    values = np.full(len(probs), None, dtype=object)
    values[asked] = np.asarray(labels, dtype=object)[probs[asked].argmax(axis=1)]
    if min_prob is not None:
        values[asked & (probs.max(axis=1) < min_prob)] = UNASSIGNED
    return _categorical(values, [*labels, UNASSIGNED])


def _categorical(values: np.ndarray, order: list[str]) -> pd.Categorical:
    """Categories that occur, in the order given: an unused one would clutter every legend."""
    return pd.Categorical(values, categories=order).remove_unused_categories()


def _forget(adata: AnnData, key: str) -> None:
    """Drop what an earlier call in another mode wrote, so that old and new results never stand side by side."""
    for name in (f"{key}_prob", f"{key}_entropy", f"{key}_raw"):
        if name in adata.obs:
            del adata.obs[name]
    if f"{key}_probs" in adata.obsm:
        del adata.obsm[f"{key}_probs"]
