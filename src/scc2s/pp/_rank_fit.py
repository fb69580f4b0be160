from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from scc2s._cells.access import expression
from scc2s._cells.arguments import above, whole
from scc2s._cells.columns import opened
from scc2s._cells.genes import listed
from scc2s._cells.masks import mask_params
from scc2s._cells.results import claim, refuse_record
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
    from scc2s._cells.values import Values

FitRange: TypeAlias = tuple[int, int] | Literal["auto"] | None

_PUBLISHED = (1, 1000)
_WORTH = 0.05
"""R2 that all ranks must add to take them: shallow libraries differ by less than 0.02, deep ones by more than 0.15."""
_POOR = 0.5


def rank_fit(
    adata: AnnData | MuData,
    *,
    fit_range: FitRange = "auto",
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
        Ranks to fit to, the second excluded; ``None``: all. ``"auto"`` takes ``(1, 1000)`` as the published C2S code
        does, and all ranks where the cells are so deep that the line of these has an R2 better by more than 0.05
        (scc2s definition; bulk and full-length libraries). Both R2 are reported.
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
        parameters and versions. A warning names an R2 below 0.5.

    Raises
    ------
    ValueError
        If the values are scaled or not finite, too few ranks are in `fit_range`, a number is out of range, or
        `key_added` cannot be written or belongs to another result.
    TypeError
        If a number is not one.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_rank_fit(adata)
    >>> fit = adata.uns["c2s"]["rank_fit"]
    >>> round(fit["slope"], 2), round(fit["intercept"], 2), round(fit["r2"], 2)
    (-1.55, 4.88, 0.91)
    """
    _check_range(fit_range)
    target_sum, base = above("target_sum", target_sum), above("base", base)
    if base == 1:
        msg = "base=1 has no logarithm; pass base=math.e, as scanpy does, or 10"
        raise ValueError(msg)
    random_state = whole("random_state", random_state, 0)
    out, data = opened(adata, mod=mod, copy=copy, tables=False)
    result = claim(data, key_added)
    refuse_record(data, key_added, usual="rank_fit", holds="r2_all_ranks")
    sums, values, params = summed(
        data, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols, exclude=exclude, var_mask=var_mask,
        on_duplicate=on_duplicate, target_sum=target_sum, base=base, random_state=random_state,
    )  # fmt: skip
    fit = fitted(sums, values, fit_range, target_sum, base)
    result.write({"fit_range": fit_range, **params}, more=fit.to_dict())
    return out if copy else None


def summed(
    data: AnnData,
    *,
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    exclude: Iterable[str] = (),
    var_mask: str | np.ndarray | pd.Series | None = None,
    on_duplicate: OnDuplicate = "error",
    target_sum: float = 1e4,
    base: float = math.e,
    random_state: int = 0,
    halved: int = 0,
) -> tuple[RankSums, Values, dict[str, Any]]:
    """What a fit has to know of some cells, what their values are, and parameters for the record."""
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
    sums = RankSums(seed=random_state, halved=halved)
    for block in log_blocks(expressed, values, target_sum, base):
        sums.add(block)
    params = {
        "source": expressed.source,
        "values": values.kind,
        "layer": layer,
        "use_raw": use_raw,
        "gene_symbols": gene_symbols,
        "exclude": exclude,
        **mask_params(data, var_mask, layer=layer, use_raw=use_raw),
        "on_duplicate": on_duplicate,
        "random_state": random_state,
    }
    return sums, values, params


def _check_range(fit_range: object) -> None:
    if fit_range is None or (isinstance(fit_range, str) and fit_range == "auto"):
        return
    pair = list(fit_range) if isinstance(fit_range, tuple | list | np.ndarray) else []
    whole_ranks = all(isinstance(rank, int | np.integer) and not isinstance(rank, bool) for rank in pair)
    if len(pair) != 2 or not whole_ranks or not 1 <= pair[0] < pair[1]:
        msg = (
            f"fit_range={fit_range!r} is not a range of ranks; pass fit_range=(first, after the last), counted from 1, "
            "None for all ranks, or 'auto'"
        )
        raise ValueError(msg)


def fitted(sums: RankSums, values: Values, fit_range: FitRange, target_sum: float, base: float) -> RankFit:
    """The line, over the ranks that suit the data where that is left to us; says how well it fits."""
    total = values.target_sum if values.kind == "log1p" else target_sum
    wanted = _PUBLISHED if fit_range == "auto" else fit_range
    fit = RankFit.from_sums(sums, fit_range=wanted, target_sum=total, base=base)
    if fit_range == "auto" and fit.r2_all_ranks - fit.r2 > _WORTH:
        logger.info(
            "the cells are deep: the line is fitted to all ranks (R2 %.3f), not to ranks 1 to 999 (R2 %.3f)",
            fit.r2_all_ranks,
            fit.r2,
        )
        fit = RankFit.from_sums(sums, fit_range=None, target_sum=total, base=base)
    logger.info("rank fit: R2 %.3f (%.3f if fitted to all ranks)", fit.r2, fit.r2_all_ranks)
    if fit.r2 < _POOR:
        better = fit.r2_all_ranks - fit.r2 > _WORTH
        logger.warning(
            "the line from rank to expression describes this data badly (R2 %.2f over %d values); %s",
            fit.r2,
            fit.n_pairs,
            f"pass fit_range=None, all ranks (R2 {fit.r2_all_ranks:.2f}), or leave fit_range out"
            if better
            else "pass layer= or use_raw= with counts, and see what sc.pp.c2s_check(adata) says of them",
        )
    return fit
