from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from scc2s import programs
from scc2s._cells.access import expression
from scc2s._cells.arguments import above, refuse_empty
from scc2s._cells.columns import opened
from scc2s._cells.results import claim, name_of_result
from scc2s._cells.values import describe, log_blocks
from scc2s._logging import logger

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
    target_sum: float = 1e4,
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Score a gene program, such as the interferon response, in each cell.

    Counts are brought to ``log1p`` of `target_sum` a cell for the score alone; the data itself stays as it is. Values
    that are logarithms already are taken as they are (of another base than e, where that can be told: brought to e).

    Parameters
    ----------
    adata
        Cells, real or written by a model (``layer="c2s_perturbed"``).
    program
        Name of a program of the package (``"ifn"``, ``"mhc1"``, ``"apoptosis"``), a list of genes, or a
        :class:`scc2s.programs.Program`, e.g. of :func:`scc2s.programs.from_gmt`. Capitals make no difference where only
        one gene fits.
    method
        ``"mean"``: mean expression of the genes. ``"rank"``: mean share of all genes that the cell expresses less than
        the genes of the program, which does not depend on the scale; see :func:`scc2s.programs.score`.
    layer
        Layer to take; ``None`` takes ``.raw`` or ``.X``.
    use_raw
        Whether to take ``.raw``; ``None`` does where it is there and no layer is given.
    gene_symbols
        Column of ``.var`` with gene symbols; ``None`` takes the names of the genes.
    target_sum
        Total of a cell that counts and normalised values are brought to.
    key_added
        Name of the column; ``None`` is ``"c2s_score_"`` and the name of the program (``"program"`` for a list).
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.obs['c2s_score_<name>' | key_added]` : :class:`pandas.Series` (dtype `float64`)
        The score.
    `.uns['c2s']['score_<name>']` : :class:`dict`
        ``genes`` that were found, ``missing`` ones, source of the program, parameters, versions.

    Raises
    ------
    KeyError
        If there is no such program or matrix.
    ValueError
        If under 3 genes of the program are in the data, or the values are scaled or not finite.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.tl.c2s_program_score(adata, ["CD3D", "CD3E", "CD2"], key_added="t_cells")
    >>> means = adata.obs.groupby("bulk_labels", observed=True)["t_cells"].mean()
    >>> bool(means["CD4+/CD45RO+ Memory"] > means["CD19+ B"])
    True
    """
    if method not in ("mean", "rank"):
        msg = f"method={method!r} is not known; pass method='mean' or method='rank'"
        raise ValueError(msg)
    above("target_sum", target_sum)
    wanted = programs.as_program(program)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    key = f"c2s_score_{wanted.name}" if key_added is None else key_added
    result = claim(data, name_of_result(key, key), obs=[key])
    expressed = expression(data, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols)
    allowed = expressed.allowed if expressed.allowed is not None else np.ones(len(expressed.names), dtype=bool)
    names = [name for name, kept in zip(expressed.names, allowed, strict=True) if kept]
    found = programs.match(wanted, names)
    values = describe(expressed.blocks(2048))
    scores = [
        programs.score(block, found.columns, method=method)
        for block in log_blocks(expressed, values, target_sum, math.e)
    ]
    if found.missing:
        logger.info("%d of %d genes of %r are missing", len(found.missing), len(wanted.genes), wanted.name)
    params = {
        "program": wanted.name,
        "program_source": wanted.source,
        "genes": found.found,
        "missing": found.missing,
        "method": method,
        "source": expressed.source,
        "values": values.kind,
        "target_sum": target_sum,
        "gene_symbols": gene_symbols,
    }
    result.write(params, obs={key: pd.Series(np.concatenate(scores), index=data.obs_names)})
    return out if copy else None
