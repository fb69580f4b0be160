from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.access import expression, get_adata, refuse_unwritable
from scc2s._cells.genes import listed
from scc2s._cells.provenance import record
from scc2s._cells.values import describe, log_blocks
from scc2s._logging import logger
from scc2s.sentences import RankFit
from scc2s.sentences._rank_sums import RankSums

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s._cells.access import OnDuplicate


def rank_fit(
    adata: AnnData | MuData,
    *,
    fit_range: tuple[int, int] | None = (1, 1000),
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    exclude: Iterable[str] = (),
    var_mask: str | np.ndarray | pd.Series | None = None,
    on_duplicate: OnDuplicate = "error",
    target_sum: float = 1e4,
    base: float = math.e,
    random_state: int = 0,
    key_added: str = "rank_fit",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Fit the line from the rank of a gene in its cell to its expression, so that sentences can be turned back.

    ``expression = slope * log10(rank) + intercept``: ordinary least squares over all pairs of a cell and a gene it
    expresses (Levine et al., ICML 2024). Counts, and normalised values, are first brought to log(1 + x) of `target_sum`
    a cell; values that are logarithms already are taken as they are. The data itself stays as it is.

    Parameters
    ----------
    adata
        Cells.
    fit_range
        Ranks to fit to, the second excluded. The default is that of the published C2S code; for deep libraries
        ``None``, all ranks, often describes the data much better: both R2 are reported.
    layer, use_raw, gene_symbols, exclude, var_mask, on_duplicate
        As in :func:`scc2s.pp.sentences`: give the same, so that ranks mean the same.
    target_sum
        Total of a cell that counts and normalised values are brought to.
    base
        Base of the logarithm of the expression that is predicted: e as in ``scanpy.pp.log1p``, or 10 as in the C2S
        papers. R2 does not depend on it.
    random_state
        Seed of the choice of cells for the rank correlation.
    key_added
        Name of the fit.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['rank_fit' | key_added]` : :class:`dict`
        All values of :class:`scc2s.sentences.RankFit` (read it with ``RankFit.from_dict``): slope, intercept, ``r2``
        over single pairs, ``r2_all_ranks``, ``r2_rank_means``, ``pearson``, ``spearman``, number of pairs, ...;
        parameters and versions.

    Raises
    ------
    ValueError
        If the values are scaled or not finite, or too few ranks are in `fit_range`.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_rank_fit(adata)
    >>> fit = adata.uns["c2s"]["rank_fit"]
    >>> round(fit["slope"], 2), round(fit["intercept"], 2), round(fit["r2"], 2)
    (-1.55, 4.88, 0.91)
    """
    out = adata.copy() if copy else adata
    data = get_adata(out, mod)
    refuse_unwritable(data)
    exclude = listed(exclude)
    expressed = expression(
        data,
        layer=layer,
        use_raw=use_raw,
        gene_symbols=gene_symbols,
        exclude=exclude,
        var_mask=var_mask,
        on_duplicate=on_duplicate,
    )
    values = describe(expressed.blocks(2048))
    sums = RankSums(seed=random_state)
    for block in log_blocks(expressed, values, target_sum, base):
        sums.add(block)
    total = values.target_sum if values.kind == "log1p" else target_sum
    fit = RankFit.from_sums(sums, fit_range=fit_range, target_sum=total, base=base)
    logger.info("rank fit: R2 %.3f (%.3f if fitted to all ranks)", fit.r2, fit.r2_all_ranks)
    params = {
        "source": expressed.source,
        "values": values.kind,
        "layer": layer,
        "use_raw": use_raw,
        "gene_symbols": gene_symbols,
        "exclude": exclude,
        "var_mask": var_mask if isinstance(var_mask, str | None) else np.asarray(var_mask),
        "on_duplicate": on_duplicate,
        "random_state": random_state,
    }
    record(data, key_added, params)
    data.uns["c2s"][key_added].update(fit.to_dict())
    return out if copy else None
