"""Groups of cells on the sides of a comparison, and what is said of those that only one has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

ALL = "all cells"
_BETWEEN = " | "


def say_shared(true: AnnData, train: AnnData) -> None:
    """Warn of cells that are in both, by name."""
    if n := int(true.obs_names.isin(train.obs_names).sum()):
        logger.warning(
            "%d of %d cells of true have names that train has too: where these are the same cells, the comparison with "
            "cells that the model has not read says nothing; pass true= cells that train does not have",
            n, true.n_obs,
        )  # fmt: skip


def say_groups(pred: set[tuple[str, ...]], true: set[tuple[str, ...]]) -> None:
    """Raise where the sides have no group in common, warn of groups that only one has."""
    if pred and true and not pred & true:
        msg = (
            f"pred and true have no group in common (pred: {_some(pred)}; true: {_some(true)}); name the groups alike, "
            "e.g. pred.obs[...] = pred.obs[...].map({...}), or pass another groupby="
        )
        raise ValueError(msg)
    if pred and (lacking := true - pred):
        logger.warning("pred has no cells of %d of %d groups of true: %s", len(lacking), len(true), _some(lacking))
    if true and (lacking := pred - true):
        logger.warning("true has no cells of %d of %d groups of pred: %s", len(lacking), len(pred), _some(lacking))


def _some(groups: set[tuple[str, ...]]) -> str:
    names = sorted(map(name_of, groups))
    return ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")


def labels_of(adata: AnnData, columns: Sequence[str], name: str) -> list[tuple[str, ...]]:
    """Values of the columns, as text, of each cell; a control need not have all columns."""
    values = []
    for column in columns:
        if column in adata.obs:
            known = adata.obs[column].astype(object)
            values.append(known.where(known.notna(), "missing").astype(str).tolist())
        elif name == "control":
            values.append([""] * adata.n_obs)
        else:
            msg = f"{name} has no column {column!r} in obs; set {name}.obs[{column!r}] = ..., or pass another groupby="
            raise KeyError(msg)
    return list(zip(*values, strict=True)) if values else [()] * adata.n_obs


def names(rows: list[tuple[str, ...]]) -> np.ndarray:
    """Names of groups."""
    return np.array([name_of(row) for row in rows], dtype=object)


def name_of(row: tuple[str, ...]) -> str:
    """Name of a group: its values of the columns."""
    return _BETWEEN.join(row) if row else ALL
