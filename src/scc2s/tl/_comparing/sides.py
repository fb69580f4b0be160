"""Predicted, real and control cells of AnnData, read for a comparison: representation, genes, groups, sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from scc2s._cells.access import get_adata, get_sentences, matrix
from scc2s._cells.rows import row_blocks
from scc2s._cells.values import describe
from scc2s._logging import logger
from scc2s.metrics._compare import FLOORS, Beside, Cells, Control
from scc2s.tl._comparing.floor_cells import floor_cells
from scc2s.tl._comparing.representation import components, embeddings
from scc2s.tl._comparing.shared_words import shared_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

ALL = "all cells"
_BETWEEN = " | "


class Reading(NamedTuple):
    """What is read of each side, and from where."""

    rep: str | None
    """``None``: no score needs one."""
    layers: Mapping[str, str | None]
    """Layer with expression of each side."""
    genes: bool
    """Whether a score needs expression itself."""
    sentence_key: str | None
    """``None``: no score needs sentences."""
    n_comps: int
    random_state: int
    floors: bool = True
    """Whether real cells with something taken away are made."""


class Comparison(NamedTuple):
    """All cells of a comparison."""

    pred: Cells
    true: Cells
    control: Control | None
    groups: dict[str, tuple[str, ...]]
    """Groups to compare, with their values of the columns."""
    beside: Beside


def read_sides(
    pred: AnnData | MuData,
    true: AnnData | MuData,
    control: AnnData | MuData | str | None,
    columns: Sequence[str],
    mod: str,
    reading: Reading,
    train: AnnData | MuData | None = None,
) -> Comparison:
    """Read both sides, the control, and training cells.

    Parameters
    ----------
    pred, true
        Cells.
    control
        Cells, or a value of one of `columns` that names those of `true`.
    columns
        Of ``.obs``, whose combinations are the groups.
    mod
        Modality of a MuData.
    reading
        What to read.
    train
        Cells that the model has read, with `columns`.
    """
    given = {"pred": get_adata(pred, mod), "true": get_adata(true, mod)}
    if train is not None:
        given["train"] = get_adata(train, mod)
        _say_shared(given["true"], given["train"])
    if control is not None and not isinstance(control, str):
        given["control"] = get_adata(control, mod)
    # by name, so that the draws do not depend on the order of the rows
    order = {name: np.argsort(adata.obs_names.to_numpy(dtype=str), kind="stable") for name, adata in given.items()}
    labels = {name: _labels(adata, columns, name) for name, adata in given.items()}
    labels = {name: [found[i] for i in order[name]] for name, found in labels.items()}
    column = _column_of(control, labels["true"], columns) if isinstance(control, str) else None
    asked = set(labels["pred"])
    groups = {
        _name(row): row
        for row in sorted(asked | set(labels["true"]))
        if column is None or row[column] != control or row in asked
    }
    _say_groups(asked, set(labels["true"]) & set(groups.values()))
    cells, beside = _read(given, order, {name: _names(found) for name, found in labels.items()}, reading)
    before = None
    if column is not None:
        rows = [i for i, row in enumerate(labels["true"]) if row[column] == control]
        matched = [i for i in range(len(columns)) if i != column]
        before = Control(cells["true"], _of_groups(labels["true"], rows, groups, matched))
    elif control is not None:
        own = labels["control"]
        matched = [i for i in range(len(columns)) if {row[i] for row in own} & {row[i] for row in groups.values()}]
        before = Control(cells["control"], _of_groups(own, range(len(own)), groups, matched))
    return Comparison(cells["pred"], cells["true"], before, groups, beside)


def _say_shared(true: AnnData, train: AnnData) -> None:
    """Warn of cells that are in both, by name."""
    if n := int(true.obs_names.isin(train.obs_names).sum()):
        logger.warning(
            "%d of %d cells of true have names that train has too: where these are the same cells, the comparison with "
            "cells that the model has not read says nothing; pass true= cells that train does not have",
            n, true.n_obs,
        )  # fmt: skip


def _say_groups(pred: set[tuple[str, ...]], true: set[tuple[str, ...]]) -> None:
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
    names = sorted(map(_name, groups))
    return ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")


def _labels(adata: AnnData, columns: Sequence[str], name: str) -> list[tuple[str, ...]]:
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


def _names(rows: list[tuple[str, ...]]) -> np.ndarray:
    return np.array([_name(row) for row in rows], dtype=object)


def _name(row: tuple[str, ...]) -> str:
    return _BETWEEN.join(row) if row else ALL


def _column_of(value: str, labels: list[tuple[str, ...]], columns: Sequence[str]) -> int:
    """The column that has the value."""
    found = [i for i in range(len(columns)) if any(row[i] == value for row in labels)]
    if len(found) != 1:
        where = "more than one" if found else "none"
        msg = (
            f"control={value!r} is a value of {where} of the columns {list(columns)} of true.obs; pass groupby= with "
            "one column that has it, or an AnnData of control cells"
        )
        raise ValueError(msg)
    return found[0]


def _of_groups(
    labels: list[tuple[str, ...]], rows: Iterable[int], groups: dict[str, tuple[str, ...]], matched: list[int]
) -> dict[str, np.ndarray]:
    """Those of the rows that agree with each group in the matched columns."""
    found: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        found.setdefault(tuple(labels[row][i] for i in matched), []).append(row)
    return {
        name: np.array(found.get(tuple(values[i] for i in matched), []), dtype=int) for name, values in groups.items()
    }


def _read(
    given: dict[str, AnnData], order: dict[str, np.ndarray], groups: dict[str, np.ndarray], reading: Reading
) -> tuple[dict[str, Cells], Beside]:
    genes: dict[str, Any] = dict.fromkeys(given)
    texts: dict[str, Any] = dict.fromkeys(given)
    if reading.sentence_key is not None:
        key = reading.sentence_key
        texts = shared_words(given, {name: get_sentences(adata, key) for name, adata in given.items()}, key)
        texts = {name: found[order[name]] for name, found in texts.items()}
    if reading.genes or reading.rep in ("pca", "X"):
        genes = {name: _genes(adata, name, given["pred"].var_names, reading) for name, adata in given.items()}
        genes = {name: X[order[name]] for name, X in genes.items()}
        _refuse_mixed(genes)
    reps: dict[str, Any] = {}
    if reading.rep not in (None, "pca", "X"):
        reps = {name: X[order[name]] for name, X in embeddings(given, str(reading.rep)).items()}
    return side_by_side(genes, texts, reps, groups, reading)


def side_by_side(
    genes: dict[str, Any],
    texts: dict[str, Any],
    reps: dict[str, Any],
    groups: dict[str, np.ndarray],
    reading: Reading,
) -> tuple[dict[str, Cells], Beside]:
    """Cells of each side in one representation, and floors made of the real ones.

    Parameters
    ----------
    genes, texts
        Expression and sentences of each side, ``None`` where they are not read. In an order that draws may depend on.
    reps
        Representations of each side, where they do not come from `genes`.
    groups
        Group of each cell of each side.
    reading
        What is read.
    """
    if texts["true"] is not None:
        say_lengths({name: np.array([len(text.split()) for text in found]) for name, found in texts.items()})
    if genes["true"] is not None:
        say_lengths({name: np.asarray((X > 0).sum(axis=1)).ravel() for name, X in genes.items()})
    made = floor_cells(genes, texts, groups, reading.random_state) if reading.floors else None
    if made is not None:
        genes, texts, groups = ({**ours, **more} for ours, more in zip((genes, texts, groups), made[:3], strict=True))
    if reading.rep == "pca":
        nearly_real = {name: X for name, X in genes.items() if name == "floor_thinned"}
        fitted = {name: X for name, X in genes.items() if name not in nearly_real}
        reps = components(fitted, reading.n_comps, reading.random_state, beside=nearly_real)
    elif reading.rep == "X":
        reps = genes
    cells = {name: Cells(labels, reps.get(name), genes.get(name), texts.get(name)) for name, labels in groups.items()}
    floors = {name: cells[name] for name in FLOORS if name in cells}
    return cells, Beside(floors, None if made is None else made.held, cells.get("train"))


def say_lengths(n_genes: dict[str, np.ndarray]) -> None:
    """Warn where cells of one side have half the genes of another, so that length is what the scores would see."""
    typical = {name: int(np.median(found)) for name, found in n_genes.items() if len(found)}
    if not typical or 2 * min(typical.values()) > max(typical.values()) or not min(typical.values()):
        return
    short, long = min(typical, key=typical.__getitem__), max(typical, key=typical.__getitem__)
    logger.warning(
        "cells of %s have %d genes and those of %s %d: the scores see the length first. Put all through sentences of "
        "the same length: sc.pp.c2s_sentences(%s, n_genes=%d); sc.pp.c2s_rank_fit(%s); sc.pp.c2s_reconstruct(%s); and "
        "pass %s='c2s_reconstructed'",
        short, typical[short], long, typical[long], long, typical[short], long, long,
        "layer" if long == "pred" else "true_layer",
    )  # fmt: skip


def _genes(adata: AnnData, name: str, names: pd.Index, reading: Reading) -> np.ndarray | sparse.csr_matrix:
    """Expression of the genes of pred, float64, dense or CSR."""
    if len(missing := names.difference(adata.var_names)):
        msg = (
            f"{len(missing)} genes of pred are not in {name}, e.g. {missing[0]!r}; take the same from both: "
            "pred[:, pred.var_names.isin(true.var_names)]"
        )
        raise KeyError(msg)
    if not adata.var_names.is_unique:
        msg = f"{name}.var_names repeat; call {name}.var_names_make_unique(), or keep one column for each gene"
        raise ValueError(msg)
    X, _, _ = matrix(adata, layer=reading.layers[name], use_raw=False)
    columns = adata.var_names.get_indexer(names)
    parts = [block[:, columns].astype(np.float64) for _, block in row_blocks(X)]
    if not parts:
        return np.empty((0, len(names)))
    out = sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.concatenate(parts)
    if not np.isfinite(out.data if sparse.issparse(out) else out).all():
        msg = f"expression of {name} has values that are not finite; pass layer= one with log-normalised values"
        raise ValueError(msg)
    return out


def _refuse_mixed(genes: dict[str, Any]) -> None:
    """Raise where one side has counts and another has not; say so where all have."""
    kinds = {name: describe([(0, X)]).kind for name, X in genes.items()}
    counts = [name for name, kind in kinds.items() if kind == "counts"]
    others = [name for name, kind in kinds.items() if kind in ("log1p", "normalised", "scaled")]
    if counts and others:
        msg = (
            f"{counts[0]} holds counts and {others[0]} does not; pass layer= and true_layer= with values of one kind, "
            "e.g. after sc.pp.normalize_total and sc.pp.log1p"
        )
        raise ValueError(msg)
    if counts:
        logger.warning("cells are compared by counts; sc.pp.normalize_total and sc.pp.log1p take the depth out")
