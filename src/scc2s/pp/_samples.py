from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s._cells.access import expression, get_adata
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.context_rows import ForSamples
from scc2s._cells.fields import prompt_fields
from scc2s._cells.sample_arguments import check_augment, task_of
from scc2s.prompts._task import CELLS
from scc2s.train._context_samples import context_samples
from scc2s.train._samples import task_samples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData
    from mudata import MuData

    from scc2s._cells.access import OnDuplicate
    from scc2s.prompts import Task
    from scc2s.train import Augment


def samples(
    adata: AnnData | MuData,
    task: str | Task,
    *,
    columns: Mapping[str, str] | None = None,
    pairs: pd.DataFrame | np.ndarray | None = None,
    contexts: str | None = None,
    n_genes: int = 200,
    copies: int = 1,
    augment: Augment | None = None,
    organism: str | None = None,
    random_state: int = 0,
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    upper: bool = False,
    on_duplicate: OnDuplicate = "error",
    mod: str = "rna",
) -> pd.DataFrame:
    """Prompts and completions for training a language model on these cells.

    Cells whose sentence would be empty are left out. Nothing is written to `adata`.

    Parameters
    ----------
    adata
        Cells; counts are best, since `augment` can thin them.
    task
        Name of a task of the family ``"scc2s"`` (``"cell_type"``, ``"generate"``, ``"generate_unconditional"``,
        ``"perturb"``, ``"caption"``), or a :class:`scc2s.prompts.Task`.
    columns
        Column of ``.obs`` of a field of the prompt or the response, where it has another name, e.g.
        ``{"cell_type": "leiden_label"}``.
    pairs
        For tasks that show one cell and ask for another: the table of :func:`scc2s.pp.pairs`, or integers, pairs x 2:
        row of the control cell, row of the perturbed cell.
    contexts
        For tasks about several cells in a prompt (``"sample_tissue"``, ``"generate_sample"``, ``"same_niche"``, ...):
        name of the contexts in ``.uns["c2s"]`` (:func:`scc2s.pp.contexts`). A field is a column of their table, or of
        ``.obs`` where the cells of each agree; ``{cell_types}`` is the list of the cells' own ``cell_type`` (or the
        column that `columns` names). ``"generate_neighbor"`` asks for the last cell of each, and does not show it.
    n_genes
        Longest sentence; at most that of the contexts.
    copies
        Samples of each cell or pair.
    augment
        How prompts vary from copy to copy; completions never do. ``None``: not at all.
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]``, ``.uns["organism"]``, or a guess from the gene
        names.
    random_state
        Seed of the variation.
    layer, use_raw, gene_symbols, upper, on_duplicate
        Where expression and gene names come from, as in :func:`scc2s.pp.sentences`.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    Columns ``prompt``, ``completion`` (starts with white space), ``task``, ``cell`` (name of the cell in the
    completion) or, with `contexts`, ``context``; as :func:`scc2s.train.sft` and TRL take them.

    Raises
    ------
    KeyError
        If a field of the task has no column.
    ValueError
        If a column has missing values, the task needs `pairs` or `contexts`, those given are of other cells, a number
        is out of range, or there are no cells with genes.
    TypeError
        If a number is not whole, or `task` or `augment` of another type.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()[:2].copy()
    >>> table = sc.pp.c2s_samples(adata, "cell_type", columns={"cell_type": "bulk_labels"}, n_genes=3)
    >>> table["completion"].tolist()
    [' CD14+ Monocyte', ' Dendritic']
    """
    n_genes, copies = whole("n_genes", n_genes), whole("copies", copies)
    random_state = whole("random_state", random_state, 0)
    data = get_adata(adata, mod)
    refuse_empty(data)
    chosen = task_of(task)
    check_augment(augment)
    several = CELLS in (*chosen.fields, *chosen.response_fields)
    if several != (contexts is not None):
        what, mend = (
            ("is about several cells", "pass contexts= a name, after sc.pp.c2s_contexts(adata, ...)")
            if several
            else (f"is not about several cells ({{{CELLS}}})", "leave contexts= out")
        )
        msg = f"task {chosen.name!r} {what}; {mend}, or another task="
        raise ValueError(msg)
    if "perturbed_sentence" in chosen.response_fields and pairs is None:
        msg = f"task {chosen.name!r} needs two cells a sample; pass pairs=sc.pp.c2s_pairs(adata, key=..., control=...)"
        raise ValueError(msg)
    rows = None if pairs is None else _rows(data, pairs)
    wanted = (*chosen.fields, *chosen.response_fields)
    values = {} if several else prompt_fields(data, wanted, organism=organism, columns=columns)
    drawn = None if contexts is None else ForSamples.of(data, contexts, wanted, organism=organism, columns=columns)
    found = expression(
        data, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols, upper=upper, on_duplicate=on_duplicate
    )
    X = sparse.vstack([sparse.csr_matrix(block) for _, block in found.blocks()], format="csr")
    names = found.names
    if found.allowed is not None:
        X, names = X[:, found.allowed], [names[i] for i in np.flatnonzero(found.allowed)]
    if drawn is not None:
        kept = drawn.expressed((X > 0).getnnz(axis=1) > 0)
        table = context_samples(
            chosen, X, names, kept.rows, kept.fields, n_genes=min(n_genes, kept.n_genes or n_genes), copies=copies,
            augment=augment, seed=random_state,
        )  # fmt: skip
        return table.assign(context=np.array(kept.names, dtype=object)[table.pop("row")])
    if rows is None:
        rows = np.repeat(np.flatnonzero((X > 0).getnnz(axis=1))[:, None], 2, axis=1)
        if not len(rows):
            msg = f"no cell expresses a gene in {found.source}, so all sentences are empty; pass layer= with expression"
            raise ValueError(msg)
    fields = {name: column.tolist() for name, column in values.items()}
    table = task_samples(
        chosen, X, names, fields, pairs=rows, n_genes=n_genes, copies=copies, augment=augment, seed=random_state
    )
    return table.assign(cell=data.obs_names[table.pop("row")])


def _rows(adata: AnnData, pairs: pd.DataFrame | np.ndarray) -> np.ndarray:
    """Rows of the cells of each pair."""
    mend = "call sc.pp.c2s_pairs(adata, ...) on this data"
    if not isinstance(pairs, pd.DataFrame):
        rows = np.asarray(pairs)
        if rows.ndim != 2 or rows.shape[1] != 2 or rows.dtype.kind not in "iu" or not len(rows):
            msg = f"pairs has shape {rows.shape} and dtype {rows.dtype}, not whole numbers, pairs x 2; {mend}"
            raise ValueError(msg)
        if rows.min() < 0 or rows.max() >= adata.n_obs:
            msg = f"pairs name rows {rows.min()} to {rows.max()} of {adata.n_obs} cells; {mend}"
            raise ValueError(msg)
        return rows
    if absent := [name for name in ("control", "perturbed", "control_row", "perturbed_row") if name not in pairs]:
        msg = f"the table of pairs has no column {absent[0]!r}; {mend}"
        raise KeyError(msg)
    if not len(pairs):
        msg = f"the table of pairs is empty; {mend}"
        raise ValueError(msg)
    rows = pairs[["control_row", "perturbed_row"]].to_numpy()
    names = adata.obs_names.to_numpy()
    if rows.max(initial=-1) >= len(names) or (names[rows] != pairs[["control", "perturbed"]].to_numpy()).any():
        msg = f"the pairs are of other cells, or in another order; {mend}"
        raise ValueError(msg)
    return rows
