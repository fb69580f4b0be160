"""Predicted, real and control cells of AnnData, read for a comparison: representation, genes, groups, sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scc2s._cells.access import get_adata, get_sentences
from scc2s.metrics._compare import FLOORS, Beside, Cells, Control
from scc2s.tl._comparing.expression import genes_of, refuse_mixed, say_lengths
from scc2s.tl._comparing.floor_cells import floor_cells
from scc2s.tl._comparing.groups import labels_of, name_of, names, say_groups, say_shared
from scc2s.tl._comparing.representation import components, embeddings
from scc2s.tl._comparing.shared_words import shared_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from anndata import AnnData
    from mudata import MuData


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
        say_shared(given["true"], given["train"])
    if control is not None and not isinstance(control, str):
        given["control"] = get_adata(control, mod)
    # by name, so that the draws do not depend on the order of the rows
    order = {name: np.argsort(adata.obs_names.to_numpy(dtype=str), kind="stable") for name, adata in given.items()}
    labels = {name: labels_of(adata, columns, name) for name, adata in given.items()}
    labels = {name: [found[i] for i in order[name]] for name, found in labels.items()}
    column = _column_of(control, labels["true"], columns) if isinstance(control, str) else None
    asked = set(labels["pred"])
    groups = {
        name_of(row): row
        for row in sorted(asked | set(labels["true"]))
        if column is None or row[column] != control or row in asked
    }
    say_groups(asked, set(labels["true"]) & set(groups.values()))
    cells, beside = _read(given, order, {name: names(found) for name, found in labels.items()}, reading)
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
        genes = {
            name: genes_of(adata, name, given["pred"].var_names, reading.layers[name]) for name, adata in given.items()
        }
        genes = {name: X[order[name]] for name, X in genes.items()}
        refuse_mixed(genes)
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
