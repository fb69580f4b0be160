from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def kendall_tau(pred: ArrayLike, true: ArrayLike, *, missing: Literal["worst", "drop"] = "worst") -> float:
    """Kendall's tau-b between two orders of the same genes.

    ``(C - D) / sqrt((n0 - n1) (n0 - n2))`` with C concordant and D discordant pairs, n0 all pairs, n1 and n2 the pairs
    tied in each (Kendall 1945, Biometrika 33:239). C2S-Scale reports a Kendall tau that accounts for ties, since genes
    that a sentence does not name share the last place (bioRxiv 10.1101/2025.04.14.648850); it does not say which
    variant, and tau-b is the fitting one.

    Parameters
    ----------
    pred, true
        A value for each gene, higher for genes that stand further in front: expression, or :func:`rank_values` of a
        sentence. NaN: the gene is absent.
    missing
        Absent genes share the place after all others (``"worst"``), or are left out (``"drop"``).

    Returns
    -------
    -1 to 1; 0 where all genes of one side are tied, so that there is no order to agree with.

    Raises
    ------
    ValueError
        The two have other lengths.

    Notes
    -----
    A high tau is cheap: over all genes the control already has most of the order of the treated cells. Give the value
    for control taken as prediction beside it.

    Examples
    --------
    >>> round(kendall_tau([5, 4, 3, 2, 1], [5, 3, 4, 1, 1]), 6)
    0.737865
    >>> round(kendall_tau([-3, -2, np.nan, -5, np.nan], [-1, -2, -3, np.nan, np.nan]), 4)  # 4 / 9
    0.4444
    """
    from scipy.stats import kendalltau

    a, b = np.asarray(pred, dtype=np.float64), np.asarray(true, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        msg = f"pred and true have shapes {a.shape} and {b.shape}; pass one value for each gene, of the same genes"
        raise ValueError(msg)
    if missing not in ("worst", "drop"):
        msg = f"missing={missing!r} is not known; pass 'worst' or 'drop'"
        raise ValueError(msg)
    if missing == "drop":
        kept = ~(np.isnan(a) | np.isnan(b))
        a, b = a[kept], b[kept]
    else:
        a, b = _worst(a), _worst(b)
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(kendalltau(a, b, variant="b").statistic)


def _worst(values: np.ndarray) -> np.ndarray:
    absent = np.isnan(values)
    if not absent.any():
        return values
    least = values[~absent].min() if not absent.all() else 0.0
    return np.where(absent, least - 1, values)


def rank_values(ranks: np.ndarray, n_genes: int) -> np.ndarray:
    """Values of genes for :func:`kendall_tau` from ranked sentences: minus the place, NaN for genes that are absent.

    Parameters
    ----------
    ranks
        Cells x places: index of the gene at each place, -1 where none stands (``scc2s.sentences.Parsed.ranks``).
    n_genes
        Genes in all.

    Returns
    -------
    float64, cells x genes.

    Examples
    --------
    >>> rank_values(np.array([[2, 0, -1]]), 4).tolist()
    [[-2.0, nan, -1.0, nan]]
    """
    out = np.full((len(ranks), n_genes), np.nan)
    rows, places = np.nonzero(ranks >= 0)
    out[rows, ranks[rows, places]] = -(places + 1.0)
    return out
