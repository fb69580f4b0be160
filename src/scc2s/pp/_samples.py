from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s import prompts
from scc2s._cells.access import expression, get_adata
from scc2s._cells.fields import prompt_fields
from scc2s.train import task_samples

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
    n_genes
        Longest sentence.
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
    Columns ``prompt``, ``completion`` (starts with a space), ``task``, ``cell`` (name of the cell in the completion);
    as :func:`scc2s.train.sft` and TRL take them.

    Raises
    ------
    KeyError
        If a field of the task has no column.
    ValueError
        If a column has missing values, the task needs `pairs`, or those given are of other cells.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()[:2].copy()
    >>> table = sc.pp.c2s_samples(adata, "cell_type", columns={"cell_type": "bulk_labels"}, n_genes=3)
    >>> table["completion"].tolist()
    [' CD14+ Monocyte', ' Dendritic']
    """
    data = get_adata(adata, mod)
    chosen = prompts.get(task) if isinstance(task, str) else task
    if "perturbed_sentence" in chosen.response_fields and pairs is None:
        msg = f"task {chosen.name!r} needs two cells a sample; pass pairs=sc.pp.c2s_pairs(adata, key=..., control=...)"
        raise ValueError(msg)
    found = expression(
        data, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols, upper=upper, on_duplicate=on_duplicate
    )
    X = sparse.vstack([sparse.csr_matrix(block) for _, block in found.blocks()], format="csr")
    names = found.names
    if found.allowed is not None:
        X, names = X[:, found.allowed], [names[i] for i in np.flatnonzero(found.allowed)]
    wanted = (*chosen.fields, *chosen.response_fields)
    values = prompt_fields(data, wanted, organism=organism, columns=columns)
    fields = {name: column.tolist() for name, column in values.items()}
    if pairs is None:
        rows = np.repeat(np.flatnonzero((X > 0).getnnz(axis=1))[:, None], 2, axis=1)
    else:
        rows = _rows(data, pairs) if isinstance(pairs, pd.DataFrame) else pairs
    table = task_samples(
        chosen, X, names, fields, pairs=rows, n_genes=n_genes, copies=copies, augment=augment, seed=random_state
    )
    return table.assign(cell=data.obs_names[table.pop("row")])


def _rows(adata: AnnData, pairs: pd.DataFrame) -> np.ndarray:
    """Rows of the cells that a table of pairs names."""
    rows = pairs[["control_row", "perturbed_row"]].to_numpy()
    names = adata.obs_names.to_numpy()
    if rows.max(initial=-1) >= len(names) or (names[rows] != pairs[["control", "perturbed"]].to_numpy()).any():
        msg = "the pairs are of other cells, or in another order; call sc.pp.c2s_pairs(adata, ...) on this data"
        raise ValueError(msg)
    return rows
