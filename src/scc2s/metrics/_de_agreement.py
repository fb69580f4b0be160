from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._de_table import DETable

FDR = 0.05
_PURITY = 0.9
_MIN_GENES = 10


class DEAgreement(NamedTuple):
    """How predicted differential expression of a perturbation agrees with the measured one."""

    direction_fidelity_yield: float
    """Genes called significant that move the right way, over the number of called or of real ones, what is more."""
    direction_reach: float
    """Share of the real significant genes down to which, in the order of the prediction's confidence, at most one in
    ten moves the wrong way."""
    sig_jaccard: float
    """Significant genes in both, over those in either; 1 where neither has any."""
    lfc_nmae: float
    """Mean absolute error of the fold changes of the real significant genes, over their mean absolute size."""


def de_agreement(
    pred: DETable,
    true: DETable,
    *,
    leave_out: Sequence[int] = (),
    names: Sequence[str] | None = None,
    fdr: float = FDR,
    purity: float = _PURITY,
    min_genes: int = _MIN_GENES,
) -> DEAgreement:
    """Whether a prediction calls the genes that respond, in the right direction, in the right order, by how much.

    Definitions of cell-eval2 0.20.0 (profile vcc2026: ``direction_fidelity_yield_raw``, ``direction_reach_raw``,
    ``sig_jaccard``, ``lfc_nmae``). With R the genes significant in truth and S those that the prediction calls and
    truth gives a direction, k of them the same: fidelity is ``k / max(|S|, |R|)``; reach is ``d / |R|``, d the depth of
    the longest beginning of R in which at least `purity` of the directions agree, R in the order: called, adjusted
    p-value, p-value, size of the fold change, name. A random direction gives half.

    Parameters
    ----------
    pred, true
        Tables of :func:`de_table` over the same genes, against the same real control cells.
    leave_out
        Columns that no score looks at: the perturbed gene itself.
    names
        Names of the genes, for the last tie of the order; ``None``: their places.
    fdr
        Adjusted p-value under which a gene is significant.
    purity
        Share of right directions that a beginning of the ranking has to have.
    min_genes
        Fewest real significant genes that an error of fold changes is given for.

    Returns
    -------
    The four scores. Missing: fidelity where neither side has a significant gene, reach where truth has none, the error
    where truth has fewer than `min_genes`. A gene that the prediction did not test counts as a fold change of 0.

    Raises
    ------
    ValueError
        Tables of other numbers of genes.

    Examples
    --------
    >>> from scc2s.metrics import DETable
    >>> p = np.array([0.001, 0.001, 0.9])
    >>> true = DETable(np.array([2.0, -1.0, 0.1]), p, p)
    >>> de_agreement(DETable(np.array([2.0, 1.0, 0.1]), p, p), true, min_genes=1)[:3]
    (0.5, 0.5, 1.0)
    """
    n = len(true.lfc)
    if len(pred.lfc) != n:
        msg = f"pred has {len(pred.lfc)} genes and true {n}; make both tables over the same genes"
        raise ValueError(msg)
    own = np.zeros(n, dtype=bool)
    own[np.asarray(leave_out, dtype=np.int64)] = True
    called, real = (~own & (side.p_adjusted < fdr) for side in (pred, true))
    adjudicable = ~np.isnan(true.lfc) & (true.lfc != 0)
    right = np.sign(pred.lfc) == np.sign(true.lfc)

    counted = called & adjudicable
    most = max(int(counted.sum()), int(real.sum()))
    fidelity = float((counted & right).sum() / most) if most else float("nan")
    union = int((called | real).sum())
    return DEAgreement(
        fidelity,
        _reach(pred, np.flatnonzero(real), called, adjudicable, right, names, purity),
        float((called & real).sum() / union) if union else 1.0,
        fold_change_error(pred.lfc, true.lfc, true, leave_out=leave_out, fdr=fdr, min_genes=min_genes),
    )


def fold_change_error(
    pred: np.ndarray,
    true: np.ndarray,
    table: DETable,
    *,
    leave_out: Sequence[int] = (),
    fdr: float = FDR,
    min_genes: int = _MIN_GENES,
) -> float:
    """Error of fold changes over the genes that are significant in `table`, on its scale.

    `true` may be measured on some of the cells of the table: then replicates are compared over the same genes as
    predictions.
    """
    gate = (table.p_adjusted < fdr) & np.isfinite(table.lfc)
    gate[np.asarray(leave_out, dtype=np.int64)] = False
    size = np.abs(table.lfc[gate]).sum()
    if gate.sum() < min_genes or not size > 0:
        return float("nan")
    a, b = (np.where(np.isfinite(side[gate]), side[gate], 0.0) for side in (pred, true))
    return float(np.abs(a - b).sum() / size)


def _reach(
    pred: DETable,
    pool: np.ndarray,
    called: np.ndarray,
    adjudicable: np.ndarray,
    right: np.ndarray,
    names: Sequence[str] | None,
    purity: float,
) -> float:
    if not len(pool):
        return float("nan")
    last = pool if names is None else np.asarray(names, dtype=str)[pool]
    size = np.nan_to_num(np.abs(pred.lfc[pool]), nan=0.0)
    keys = last, -size, pred.p_value[pool], pred.p_adjusted[pool], ~called[pool]
    order = pool[np.lexsort(keys)]  # the last key counts first; NaN, not tested, comes last
    agreed = right[order[adjudicable[order]]]
    # agreed / depth >= purity, without dividing: 9 of 10 is 0.9
    depths = np.arange(1, len(agreed) + 1)
    clears = np.flatnonzero(np.cumsum(agreed) >= purity * depths - 1e-9)
    return float((clears[-1] + 1 if len(clears) else 0) / len(pool))
