from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._logging import logger

from ._de_agreement import fold_change_error
from ._natural_units import Units, natural, shares
from ._panel import Measured, Origin, Target, halves, in_order_of_content, mean_response, panel_scores
from ._panel_rows import Panel, panel_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from scipy import sparse

LEAST = 4
"""Cells of which halves still have a spread."""
_FAR = 2
"""Times as many or as few predicted as real cells of a perturbation, from where on the log says so."""


def perturbation_yardsticks(
    pred: Any,
    true: Any,
    control: Any,
    *,
    pred_groups: Sequence[Any],
    true_groups: Sequence[Any],
    units: Units,
    true_units: Units | None = None,
    targets: Mapping[Any, Sequence[int]] | None = None,
    names: Sequence[str] | None = None,
    n_repeats: int = 5,
    n_boot: int = 1000,
    random_state: int = 0,
) -> pd.DataFrame:
    """The scores that the field compares perturbation models by, each between the mean response and a replicate.

    Six scores with the definitions of profile vcc2026 of cell-eval2 0.20.0 (Arc Institute), the Virtual Cell Challenge
    of 2026. Each stands beside the same score of three other predictions: the mean response of the panel given for
    every perturbation, the unchanged control, and one half of the real cells for the other half. Effects are measured
    from the real control cells on both sides; a prediction has no control cells of its own, since with these it could
    choose where its effects begin.

    Parameters
    ----------
    pred, true, control
        Predicted, real, and real control cells x genes, dense or sparse, over the same genes. Give as many predicted
        cells of each perturbation as there are real ones: what is significant depends on their number.
    pred_groups, true_groups
        Perturbation of each cell; `pred` has all that `true` has.
    units
        What the values are, on all sides: ``"counts"``; ``"log1p_cp10k"``, ln(1 + counts per 10,000); or
        ``"log10_cp10k"``, with the logarithm to base 10. Never guessed; values that cannot be in these units are
        refused. The challenge scores counts. Where a side has logarithms the depth of cells is lost, and each cell of
        every side weighs the same in its profile.
    true_units
        Of `true` and `control`, where they are others.
    targets
        Columns of the genes that a perturbation acts on directly, which no score looks at: knocking a gene down and
        reporting that it went down is not a prediction. ``None``: none, as for drugs.
    names
        Names of the genes, for the last tie of a ranking.
    n_repeats
        Draws that floors and ceiling are means of; 0: one for the floor, and no ceiling, so that nothing is scaled.
    n_boot
        Bootstrap samples for the intervals; 0: none.
    random_state
        Seed of the draws, 0 or more.

    Returns
    -------
    One row for each score and perturbation, and one for the panel (``"mean over perturbations"``):

    ``perturbation``, ``metric``, ``better``
        Which, and whether ``"higher"`` or ``"lower"`` is better. ``"mean of scaled scores"`` is what models are ranked
        by; it needs all six.
    ``value``
        Of the prediction.
    ``floor``
        Of the mean response: control cells, drawn, each gene multiplied so that they have the panel's mean.
    ``floor_control``
        Of the control cells themselves: nothing happens.
    ``ceiling``
        Of halves of the real cells, each with half of the control. They are half as deep as `true`, so more than 1 can
        be reached.
    ``scaled``
        ``(value - floor) / (ceiling - floor)`` of the panel: 0 is the mean response, 1 a replicate. The expression
        error is held to 0 to 1 and the error of fold changes to -6, as in the challenge. For one perturbation: its
        difference to its floor over the span of the panel, not held. Missing where a replicate is not better than
        the mean response: then these cells cannot tell models apart by this score.
    ``scaled_low``, ``scaled_high``
        95 % interval of the mean of these over perturbations (:func:`bootstrap`); missing for fewer than three.
    ``n_pred``, ``n_true``, ``n_control``
        Cells.
    ``note``
        Why a value is missing.

    Of the scores, ``pds_cosine`` is :func:`discrimination` of effects, ``expr_mse_unbiased_capped_norm``
    :func:`expression_error`, the others :func:`de_agreement` of :func:`de_table`.

    Raises
    ------
    ValueError
        Units that the values cannot have, other genes, perturbations of `true` that `pred` lacks, or fewer than 4
        cells of a perturbation in `true`, or of the control.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rates = rng.gamma(2, 4, (4, 60))  # the first is the control
    >>> control, true, pred = (rng.poisson(np.repeat(r, 30, 0)) for r in (rates[:1], rates[1:], rates[1:]))
    >>> groups = np.repeat(["a", "b", "c"], 30)
    >>> table = perturbation_yardsticks(pred, true, control, pred_groups=groups, true_groups=groups, units="counts")
    >>> panel = table[table["perturbation"] == "mean over perturbations"].set_index("metric")
    >>> panel.loc["pds_cosine", ["value", "ceiling", "scaled"]].astype(float).tolist()
    [1.0, 1.0, 1.0]
    >>> bool(0.3 < panel.loc["pds_cosine", "floor"] < 0.7)
    True
    """
    import pandas as pd

    made, real, base = _sides(pred, true, control, pred_groups, true_groups, units, true_units or units)
    groups = list(real)
    target = _target(targets or {}, groups, base.shape[1])
    if names is not None and len(names) != base.shape[1]:
        msg = f"names has {len(names)} entries for {base.shape[1]} genes; pass one for each"
        raise ValueError(msg)
    origin = Origin(base)
    truth = Measured(real, origin, keep=True)
    unchanged = Measured(dict.fromkeys(groups, base), origin, keep=True)
    panels = {
        "value": Panel.of(panel_scores(Measured(made, origin), truth, target, names)),
        "floor_control": Panel.of(panel_scores(unchanged, truth, target, names)),
    }
    if len(groups) > 1:
        means = (mean_response(real, base, target, random_state, draw) for draw in range(max(1, n_repeats)))
        panels["floor"] = Panel.mean(
            [Panel.of(panel_scores(Measured(mean, origin), truth, target, names)) for mean in means]
        )
    if n_repeats:
        draws = (_replicate(truth, target, names, random_state, split) for split in range(n_repeats))
        panels["ceiling"] = Panel.mean([Panel.of(scores) for scores in draws])
    sizes = {group: (made[group].shape[0], real[group].shape[0], base.shape[0]) for group in groups}
    return pd.DataFrame(panel_rows(panels, sizes, n_boot, random_state))


def _replicate(
    truth: Measured, target: Target, names: Sequence[str] | None, seed: int, split: int
) -> dict[str, np.ndarray]:
    """Half of the real cells as prediction of the other half, each seen from its own half of the control.

    One control for both would lend its noise to both, and agreement of noise is not a replicate's.
    """
    first, second = (Origin(half) for half in halves(truth.origin.cells, seed, split, "control"))
    parts = {group: halves(cells, seed, split, "group", group) for group, cells in truth.cells.items()}
    a = Measured({group: pair[0] for group, pair in parts.items()}, first, keep=True)
    b = Measured({group: pair[1] for group, pair in parts.items()}, second, keep=True)
    found = panel_scores(a, b, target, names)
    found["lfc_nmae"] = np.array(
        [
            fold_change_error(a.table(group).lfc, b.table(group).lfc, truth.table(group), leave_out=own)
            for group, own in zip(parts, target.own, strict=True)
        ]
    )
    return found


def _sides(
    pred: Any,
    true: Any,
    control: Any,
    pred_groups: Sequence[Any],
    true_groups: Sequence[Any],
    units: Units,
    true_units: Units,
) -> tuple[dict[Any, sparse.csr_matrix], dict[Any, sparse.csr_matrix], sparse.csr_matrix]:
    """Cells by perturbation in natural units, or an error."""
    given = {"pred": natural(pred, units, "pred")}
    given |= {"true": natural(true, true_units, "true"), "control": natural(control, true_units, "control")}
    if len({Y.shape[1] for Y in given.values()}) > 1:
        widths = {name: Y.shape[1] for name, Y in given.items()}
        msg = f"the sides have other numbers of genes ({widths}); take the same from all: adata[:, genes]"
        raise ValueError(msg)
    if {units, true_units} != {"counts"}:
        given = {name: shares(Y) for name, Y in given.items()}
    made, real = (
        _by_group(given[name], groups, name) for name, groups in (("pred", pred_groups), ("true", true_groups))
    )
    base = in_order_of_content(given["control"])
    if not real:
        msg = "true has no cells; pass the real cells of each perturbation"
        raise ValueError(msg)
    few = [group for group, cells in real.items() if cells.shape[0] < LEAST]
    if few or base.shape[0] < LEAST:
        what = f"perturbation {few[0]!r} of true" if few else "control"
        msg = (
            f"{what} has fewer than {LEAST} cells, too few to halve; leave such perturbations out of true, e.g. "
            "true[true.obs[key].map(true.obs[key].value_counts()) >= 4]"
        )
        raise ValueError(msg)
    if lacking := [group for group in real if group not in made]:
        msg = (
            f"pred has no cells of {len(lacking)} of {len(real)} perturbations of true, e.g. {lacking[0]!r}; predict "
            "them, or take the same perturbations from true: a panel without the hard ones is another panel"
        )
        raise ValueError(msg)
    if more := [group for group in made if group not in real]:
        logger.warning("true has no cells of %d perturbations of pred, e.g. %r: not scored", len(more), more[0])
    sizes = [(made[group].shape[0], real[group].shape[0]) for group in real]
    if far := [pair for pair in sizes if not 1 / _FAR <= pair[0] / pair[1] <= _FAR]:
        logger.warning(
            "%d of %d perturbations have more than twice or less than half as many predicted cells as real ones (%d "
            "and %d): what is significant depends on their number; predict as many as there are real ones",
            len(far), len(sizes), *far[0],
        )  # fmt: skip
    return {group: made[group] for group in real}, real, base


def _by_group(Y: sparse.csr_matrix, groups: Sequence[Any], name: str) -> dict[Any, sparse.csr_matrix]:
    labels = np.array(list(groups), dtype=object)
    if len(labels) != Y.shape[0]:
        msg = f"{name} has {Y.shape[0]} cells and {len(labels)} groups; pass one perturbation for each cell"
        raise ValueError(msg)
    if any(label is None or label != label for label in labels):
        msg = f"{name} has cells without a perturbation; leave them out"
        raise ValueError(msg)
    return {
        group: in_order_of_content(Y[np.flatnonzero(labels == group)])
        for group in sorted(set(labels.tolist()), key=str)
    }


def _target(targets: Mapping[Any, Sequence[int]], groups: list[Any], n_genes: int) -> Target:
    own = [[int(column) for column in targets.get(group, ())] for group in groups]
    panel = sorted({column for columns in own for column in columns})
    if panel and not 0 <= panel[0] <= panel[-1] < n_genes:
        msg = f"targets has column {panel[-1] if panel[0] >= 0 else panel[0]} of {n_genes} genes; pass places of genes"
        raise ValueError(msg)
    return Target(own, panel)
