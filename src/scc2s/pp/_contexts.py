from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scc2s._cells.access import sentence_slots
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import column, opened
from scc2s._cells.contexts import CONTEXTS, Contexts
from scc2s._cells.drawing import Draws
from scc2s._cells.results import claim, refuse_record
from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from mudata import MuData


def contexts(
    adata: AnnData | MuData,
    *,
    groupby: str | Sequence[str],
    n_cells: int | tuple[int, int] = (5, 20),
    n_contexts: int | None = None,
    n_genes: int | None = None,
    on_small: Literal["skip", "keep", "error"] = "skip",
    random_state: int = 0,
    sentence_key: str = "c2s_sentence",
    key_added: str = "contexts",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Draw the cells that stand together in one prompt: several of one donor, tissue, ...

    Models of C2S-Scale were taught on 5 to 20 cells of one donor and tissue in a prompt, with 100 to 400 genes each
    (bioRxiv 10.1101/2025.04.14.648850, and cards of the models). Which cells are drawn depends on their names, the
    seed, and what else is in their group; not on the order of the rows, nor on other groups.

    Parameters
    ----------
    adata
        Cells. Where they have sentences, a cell with an empty one is in no context.
    groupby
        Columns of ``.obs``, e.g. ``["donor", "tissue"]``: no context holds cells that differ in one of them. A cell
        with a missing value belongs to no group.
    n_cells
        Cells of a context: a number, or the least and the most, between which each context gets a number of its own.
    n_contexts
        Contexts of each group; ``None``: as many as its cells make without being used twice. Contexts share no cell
        until all cells of a group have been used (but for a rest of less than the least); then another round begins,
        in another order. No context holds a cell twice.
    n_genes
        Genes of each cell's sentence in the prompt, its strongest; ``None``: the whole sentence.
    on_small
        What to do with a group of fewer cells than the least: ``"skip"`` it, and say so; ``"keep"`` it as one context
        of all its cells; or raise an ``"error"``.
    random_state
        Seed of the draw.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the result.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['contexts' | key_added]` : :class:`dict`
        ``table``, a row for each context by its name: the columns of `groupby` as text, and ``n_cells``. ``cells``, a
        row for each cell of each: ``context``, ``cell`` (its name), in the order of the prompt. Parameters, with
        ``n_no_group`` and ``n_empty`` (cells left out for a missing value, or an empty sentence), ``n_unused`` (cells
        of groups that no context holds) and ``small_groups`` (names of those with too few cells); versions.

    Raises
    ------
    KeyError
        If a column is not there.
    TypeError
        If a number is not whole.
    ValueError
        If there are no cells, names of cells repeat, a number is out of range, no group has enough cells, or one has
        too few and `on_small` is ``"error"``.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_contexts(adata, groupby="bulk_labels", n_cells=8, n_contexts=2)
    >>> adata.uns["c2s"]["contexts"]["table"].index[:2].tolist()
    ['CD14+ Monocyte 1', 'CD14+ Monocyte 2']
    """
    least, most = _sizes(n_cells)
    for argument, number in {"n_contexts": n_contexts, "n_genes": n_genes}.items():
        if number is not None:
            whole(argument, number)
    whole("random_state", random_state, 0)
    if on_small not in ("skip", "keep", "error"):
        msg = f"on_small={on_small!r} is not known; pass on_small='skip', 'keep' or 'error'"
        raise ValueError(msg)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    refuse_record(data, key_added, usual=CONTEXTS, holds="cells")
    result = claim(data, key_added)
    columns = _columns(data, groupby)
    if not data.obs_names.is_unique:
        twice = data.obs_names[data.obs_names.duplicated()][0]
        msg = f"contexts name their cells, and {twice!r} is the name of several; call adata.obs_names_make_unique()"
        raise ValueError(msg)
    written = _written(data, sentence_key)
    groups, n_no_group = _groups(data, columns, written)
    if not groups:
        msg = (
            f"no cell has a sentence and a value in {', '.join(map(repr, columns))} ({n_no_group} miss a value); fill "
            "them, or pass groupby= other columns"
        )
        raise ValueError(msg)
    small = [name for name, _, rows in groups if len(rows) < least]
    if small and on_small == "error":
        msg = (
            f"{len(small)} of {len(groups)} groups have fewer than {least} cells, e.g. {small[0]!r}; pass n_cells= "
            "fewer, groupby= fewer columns, or on_small='skip'"
        )
        raise ValueError(msg)
    draws = Draws(data.obs_names, least, most, random_state)
    names, values, cells = [], [], []
    for name, value, rows in groups:
        kept = on_small == "keep" and 0 < len(rows) < least
        sets = Draws(data.obs_names, len(rows), len(rows), random_state).of(name, rows, 1) if kept else []
        sets = sets or draws.of(name, rows, n_contexts if len(rows) >= least else None)
        for place, some in enumerate(sets, 1):
            names.append(f"{name} {place}")
            values.append(value)
            cells.append(data.obs_names[some].tolist())
    if not names:
        msg = (
            f"no group has {least} cells ({len(groups)} groups of {', '.join(map(repr, columns))}); pass n_cells= "
            "fewer, groupby= fewer columns, or on_small='keep'"
        )
        raise ValueError(msg)
    table = pd.DataFrame(values, columns=columns, index=pd.Index(_told_apart(names), dtype=object), dtype=object)
    found = Contexts(table.assign(n_cells=[len(some) for some in cells]), cells)
    n_grouped = sum(len(rows) for _, _, rows in groups)
    counts = {
        "n_no_group": n_no_group,
        "n_empty": int((~written).sum()),
        "n_unused": n_grouped - len({cell for some in cells for cell in some}),
        "small_groups": small,
    }
    _say(counts, len(found), len(groups), least, kept=on_small == "keep")
    params = {
        "groupby": columns,
        "n_cells": [least, most],
        "n_contexts": n_contexts,
        "n_genes": n_genes,
        "on_small": on_small,
        "random_state": random_state,
        "sentence_key": sentence_key,
        "key_added": key_added,
    }
    result.write({**params, **counts}, more=found.entries())
    return out if copy else None


def _sizes(n_cells: Any) -> tuple[int, int]:
    given = n_cells if isinstance(n_cells, tuple | list) else (n_cells, n_cells)
    if len(given) != 2:
        msg = f"n_cells={n_cells!r} is not a number or a range; pass n_cells=10, or n_cells=(5, 20)"
        raise ValueError(msg)
    least, most = (whole("n_cells", value) for value in given)
    if most < least:
        msg = f"n_cells={n_cells!r} ends before it begins; pass n_cells=({most}, {least})"
        raise ValueError(msg)
    return least, most


def _columns(data: AnnData, groupby: str | Sequence[str]) -> list[str]:
    if groupby is None or not isinstance(groupby, str | Iterable):
        msg = f"groupby={groupby!r} names no column; pass groupby= columns of adata.obs, e.g. ['donor', 'tissue']"
        raise TypeError(msg)
    columns = [groupby] if isinstance(groupby, str) else list(groupby)
    for name in columns:
        column(data, name, "groupby")
    if not columns or len(set(columns)) < len(columns) or "n_cells" in columns:
        msg = (
            f"groupby={groupby!r} has no column, one twice, or one called 'n_cells'; pass groupby= columns of adata.obs"
        )
        raise ValueError(msg)
    return columns


def _written(data: AnnData, sentence_key: str) -> np.ndarray:
    """Cells whose sentence is not empty; all where there are no sentences yet."""
    name = sentence_slots(sentence_key).n_genes
    if name not in data.obs:
        return np.ones(data.n_obs, dtype=bool)
    found: np.ndarray = pd.to_numeric(data.obs[name], errors="coerce").to_numpy(dtype=float) > 0
    return found


def _groups(
    data: AnnData, columns: list[str], written: np.ndarray
) -> tuple[list[tuple[str, list[str], np.ndarray]], int]:
    """Name, values and rows of each group in the order of the values, and the number of cells in no group."""
    there = data.obs[columns].notna().all(axis=1).to_numpy()
    kept = np.flatnonzero(there & written)
    texts = {name: data.obs[name].astype(object).iloc[kept].map(str).to_numpy() for name in columns}
    rows_of = pd.DataFrame(texts).groupby(columns, sort=True).indices if len(kept) else {}
    groups = []
    for key, rows in rows_of.items():
        values = [str(value) for value in (key if isinstance(key, tuple) else (key,))]
        groups.append((", ".join(values), values, kept[rows]))
    groups.sort(key=lambda one: one[1])
    return groups, int((~there).sum())


def _told_apart(names: list[str]) -> list[str]:
    """None twice: values with a comma in them can make two names one."""
    if len(set(names)) == len(names):
        return names
    taken: set[str] = set()
    for i, name in enumerate(names):
        new, n = name, 2
        while new in taken:
            new, n = f"{name} ({n})", n + 1
        taken.add(new)
        names[i] = new
    return names


def _say(counts: dict[str, Any], n_contexts: int, n_groups: int, least: int, *, kept: bool) -> None:
    if small := counts["small_groups"]:
        what = "each is one context" if kept else "they are in no context"
        logger.warning(
            "%d of %d groups have fewer than %d cells (e.g. %r); %s", len(small), n_groups, least, small[0], what
        )
    if n := counts["n_no_group"]:
        logger.warning("%d cells have no group, as a value is missing; they are in no context", n)
    if n := counts["n_empty"]:
        logger.warning("%d cells have an empty sentence; they are in no context", n)
    logger.info("%d contexts; %d cells of the groups are in none", n_contexts, counts["n_unused"])
