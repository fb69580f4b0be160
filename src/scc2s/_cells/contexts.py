"""Contexts: which cells stand together in one prompt, as tables that survive files, by the names of the cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.fields import prompt_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from anndata import AnnData

CONTEXTS = "contexts"
"""Name of the usual entry of ``uns["c2s"]``."""


@dataclass(frozen=True)
class Contexts:
    """Several cells for each prompt.

    Parameters
    ----------
    table
        One row a context, by name, with what is known of it (columns of the groups, number of cells, ...).
    cells
        Names of the cells of each context, in the order of the prompt.
    """

    table: pd.DataFrame
    cells: list[list[str]]

    def __post_init__(self) -> None:
        if len(self.table) != len(self.cells):
            msg = f"{len(self.table)} contexts with cells of {len(self.cells)}"
            raise ValueError(msg)

    def __len__(self) -> int:
        return len(self.cells)

    def entries(self) -> dict[str, pd.DataFrame]:
        """What an entry of ``uns["c2s"]`` holds of them: ``table``, and ``cells`` with one row a context and cell."""
        names = np.repeat(self.table.index.to_numpy(dtype=str), [len(some) for some in self.cells]).astype(object)
        cells = [cell for some in self.cells for cell in some]
        return {"table": self.table, "cells": pd.DataFrame({"context": names, "cell": np.array(cells, dtype=object)})}

    def rows(self, adata: AnnData) -> list[np.ndarray]:
        """Rows of the cells of each context in these data.

        Raises
        ------
        KeyError
            If a cell is not there.
        """
        where = {name: row for row, name in enumerate(adata.obs_names)}
        if absent := [cell for some in self.cells for cell in some if cell not in where]:
            msg = (
                f"{len(absent)} cells of the contexts are not in the data, e.g. {absent[0]!r}; draw them from these "
                "data: scc2s.pp.contexts(adata, ...)"
            )
            raise KeyError(msg)
        return [np.array([where[cell] for cell in some], dtype=np.intp) for some in self.cells]


def get_contexts(adata: AnnData, key: str = CONTEXTS) -> Contexts:
    """Contexts that stand in ``uns["c2s"]``, whichever function wrote them.

    Raises
    ------
    KeyError
        If there are none of this name.
    """
    found = adata.uns.get("c2s", {}).get(key)
    if not (isinstance(found, dict) and {"table", "cells"} <= set(found)):
        msg = f"no contexts {key!r} in uns['c2s']; run scc2s.pp.contexts(adata, ...) first"
        raise KeyError(msg)
    table, cells = found["table"], found["cells"]
    return Contexts(table, grouped(table.index.astype(str), cells["context"].astype(str), cells["cell"].astype(str)))


def genes_of(adata: AnnData, key: str) -> int | None:
    """Genes that each cell is to have in the prompts of these contexts; ``None``: all of its sentence."""
    n = adata.uns["c2s"][key].get("params", {}).get("n_genes")
    return None if n is None or isinstance(n, str) else int(n)


def context_fields(
    adata: AnnData,
    contexts: Contexts,
    rows: list[np.ndarray],
    names: Iterable[str],
    *,
    organism: str | None,
    columns: Mapping[str, str] | None = None,
) -> dict[str, list[str]]:
    """Values of the fields `names` of a prompt, one a context: a column of its table, or of ``.obs``.

    Parameters
    ----------
    adata
        Cells.
    contexts, rows
        Contexts, and the rows of the cells of each.
    names
        Fields other than the cells themselves and their numbers.
    organism
        Organism; ``None`` takes that of the data.
    columns
        Column of a field, where it has another name.

    Raises
    ------
    KeyError
        Neither has a column of that name.
    ValueError
        A value is missing, or the cells of a context differ in it.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        own = (columns or {}).get(name, name)
        if own in contexts.table and not (name == "organism" and organism is not None):
            column = contexts.table[own]
            if n_missing := int(column.isna().sum()):
                msg = (
                    f"{name!r} is missing for {n_missing} contexts, and the prompt names it; set it in "
                    "adata.uns['c2s'][...]['table'], or draw contexts with groupby= a column without gaps"
                )
                raise ValueError(msg)
            found[name] = [str(value) for value in column]
            continue
        used = np.unique(np.concatenate([np.empty(0, dtype=np.intp), *rows]))
        values = np.empty(adata.n_obs, dtype=object)
        values[used] = prompt_fields(adata[used], [name], organism=organism, columns=columns)[name]
        found[name] = [
            _one(values[some], name, str(label)) for label, some in zip(contexts.table.index, rows, strict=True)
        ]
    return found


def _one(values: np.ndarray, name: str, context: str) -> str:
    different = sorted(set(values.tolist()))
    if len(different) != 1:
        msg = (
            f"the cells of context {context!r} differ in {name!r} ({', '.join(map(repr, different[:3]))}), and the "
            f"prompt names it; draw contexts with groupby=[..., {name!r}]"
        )
        raise ValueError(msg)
    return str(different[0])


def grouped(names: Sequence[str], contexts: Sequence[str], cells: Sequence[str]) -> list[list[str]]:
    """Cells of each name, in order."""
    out: dict[str, list[str]] = {name: [] for name in names}
    for name, cell in zip(contexts, cells, strict=True):
        out[name].append(cell)
    return list(out.values())
