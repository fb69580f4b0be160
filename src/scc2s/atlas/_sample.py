"""Cells that are asked about again, chosen by their names from all of an atlas."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.access import sentence_slots
from scc2s._cells.stored_rows import column_rows, n_rows, table_rows
from scc2s.atlas._store import opened
from scc2s.prompts._task import N_GENES, SENTENCES
from scc2s.sentences import name_hashes
from scc2s.tl._asking.nulls import sample_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scc2s.atlas._steps import Step

_STEP = 100_000


def shown(out: str, mark: str, step: Step) -> Iterator[tuple[int, np.ndarray]]:
    """Which cells can be asked about: first row, and whether they have a sentence (and a perturbation), some at a time.

    Raises
    ------
    KeyError
        If there are no sentences.
    """
    root = opened(out, mark)
    key = str(step.params.get("sentence_key", "c2s_sentence"))
    slots = sentence_slots(key)
    named = "" if key == "c2s_sentence" else f"key_added={key!r}, "
    if slots.n_genes not in root["obs"]:
        msg = f"there are no sentences {key!r} in {out}; call scc2s.atlas.sentences(store, {named}out={out!r}) first"
        raise KeyError(msg)
    column = root["obs"][slots.n_genes]
    for start in range(0, n_rows(column), _STEP):
        stop = min(start + _STEP, n_rows(column))
        there = np.asarray(column_rows(column, start, stop)) > 0
        told = step.params.get("perturbation_key")
        if told is not None and told in root["obs"]:
            there &= np.asarray(pd.notna(column_rows(root["obs"][told], start, stop)))
        yield start, there


def first_shown(out: str, mark: str, step: Step) -> int:
    """The first cell with a sentence; with `step.kind.all_cells` all must have one.

    Raises
    ------
    ValueError
        If a cell has none, or all have none.
    """
    first, n_empty = None, 0
    for start, there in shown(out, mark, step):
        n_empty += int((~there).sum())
        if first is None and there.any():
            first = start + int(there.argmax())
    if first is None:
        msg = f"no cell has a sentence to ask about; see what scc2s.atlas.sentences was given, and what {out} is of"
        raise ValueError(msg)
    if n_empty and step.kind.all_cells:
        msg = (
            f"{n_empty} cells have an empty sentence and so no embedding; leave them out of the store before: "
            "adata[adata.obs['c2s_n_genes'] > 0]"
        )
        raise ValueError(msg)
    return first


def drawn(out: str, mark: str, step: Step, record: Mapping[str, Any]) -> list[int]:
    """Rows of the cells for the control questions, and one more, whose genes the last of them is asked with.

    Parameters
    ----------
    out, mark, step
        Which cells.
    record
        Of the step on a few of them: its prompt says what else of a cell is asked about.
    """
    names = _fields(str(record["params"].get("prompt", "")))
    obs = opened(out, mark)["obs"]
    index = obs[str(obs.attrs["_index"])]
    seed = int(step.params.get("random_state", 0))
    columns = [name for name in names if name in obs]
    kept = np.empty((0,), dtype=[("hash", np.uint64), ("row", np.int64)])
    n, keys = 0, set()
    for start, there in shown(out, mark, step):
        rows = np.flatnonzero(there)
        n += len(rows)
        some = np.empty(len(rows), dtype=kept.dtype)
        every = column_rows(index, start, start + len(there))
        some["hash"] = name_hashes([str(every[row]) for row in rows.tolist()], seed=seed)
        some["row"] = start + rows
        kept = np.sort(np.concatenate([kept, some]), order=["hash", "row"])[:_MOST]
        if columns:
            table = table_rows(obs, start, start + len(there), columns).iloc[rows].drop_duplicates()
            keys |= set(map(tuple, table.astype(str).to_numpy().tolist()))
    wanted = (
        int(step.params.get("n_control_cells", 100)) if step.name == "perturb" else sample_size(n, max(1, len(keys)))
    )
    return [int(row) for row in kept["row"][: wanted + 1]]


_MOST = 10_001


def _fields(template: str) -> list[str]:
    found = [name for _, name, _, _ in Formatter().parse(template) if name]
    return [name for name in found if name not in (*SENTENCES, N_GENES)]
