from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from scc2s._anndata import expression, get_adata, refuse_unwritable
from scc2s._provenance import record
from scc2s.programs import as_program, match, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from mudata import MuData

    from scc2s.programs import Program


def program_score(
    adata: AnnData | MuData,
    program: str | Program | Sequence[str],
    *,
    method: Literal["mean", "rank"] = "mean",
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Score a gene program in each cell, real or predicted.

    Parameters
    ----------
    adata
        Cells, log-normalised.
    program
        ``"ifn"``, ``"mhc1"``, ``"apoptosis"``, a list of genes, or a program of
        :func:`scc2s.programs.from_gmt`.
    method
        ``"mean"`` expression of its genes, or their mean ``"rank"`` among all genes of the cell (0.5 for a program like
        any other); see :func:`scc2s.programs.score`.
    layer, use_raw, gene_symbols
        Where expression and gene names come from, as in :func:`scc2s.pp.sentences`; e.g. ``layer="c2s_perturbed"``.
    key_added
        Name of the column; ``None`` is ``c2s_score_<name of the program>``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.obs['c2s_score_<program>' | key_added]` : :class:`pandas.Series` (dtype `float64`)
        The score.
    `.uns['c2s']['score_<program>']` : :class:`dict`
        Genes found and missing, source of the program, parameters.

    Raises
    ------
    ValueError
        Under 3 genes of the program are there, or the program has none.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.tl.c2s_program_score(adata, ["CD3D", "CD3E", "CD2"], key_added="t_cells")
    >>> means = adata.obs.groupby("bulk_labels", observed=True)["t_cells"].mean()
    >>> bool(means["CD4+/CD45RO+ Memory"] > means["CD19+ B"])
    True
    """
    chosen = as_program(program)
    out = adata.copy() if copy else adata
    data = get_adata(out, mod)
    refuse_unwritable(data)
    found = expression(data, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols, on_duplicate="max")
    where = match(chosen, found.names)
    values = np.concatenate([score(sparse.csr_matrix(X), where.columns, method=method) for _, X in found.blocks()])
    key = f"c2s_score_{chosen.name}" if key_added is None else key_added
    data.obs[key] = values
    params = {
        "program": chosen.name,
        "source": chosen.source,
        "found": where.found,
        "missing": where.missing,
        "method": method,
        "layer": layer,
        "use_raw": use_raw,
        "key_added": key,
    }
    record(data, key.removeprefix("c2s_"), params)
    return out if copy else None
