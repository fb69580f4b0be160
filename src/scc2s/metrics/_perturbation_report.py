from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._bootstrap import MIN_CLUSTERS, say_too_few
from ._energy import energy_distance
from ._kendall import kendall_tau
from ._report_intervals import correlations, intervals, n_clusters
from ._report_sides import CEILING, ReportSides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


def perturbation_report(
    pred: Any,
    true: Any,
    control: Any,
    *,
    pred_groups: Sequence[Any],
    true_groups: Sequence[Any] | np.ndarray | None,
    control_groups: Sequence[Any],
    others: Mapping[str, tuple[Any, ...]] | None = None,
    program: np.ndarray | None = None,
    n_top: int = 50,
    donors: Mapping[str, Sequence[Any] | np.ndarray | None] | None = None,
    n_boot: int = 0,
    random_state: int = 0,
) -> pd.DataFrame:
    """A prediction of perturbed cells beside the truth, simple predictions, and what real cells reach, group by group.

    No number of a prediction means anything alone: cells under a perturbation are still the same cells, so even the
    unchanged control correlates with them. Each group therefore has several rows, of the same cells: the prediction;
    the control taken as prediction; the control plus the mean true shift of the other groups (a model has to beat it to
    know more than "the same happens everywhere"); whatever is passed in `others`; and half of the real cells taken as
    prediction of the other half.

    Parameters
    ----------
    pred, true, control
        Cells x genes, log-normalised, in the same units; dense or sparse. Without `true` (``None``) there are only the
        numbers that need none.
    pred_groups, true_groups, control_groups
        Group of each cell, e.g. its type. Groups are those of `pred`.
    others
        Further predictions by name: cells, groups of the cells and, where `donors` are given, their donors.
    program
        Columns of the genes of a program, e.g. an interferon response.
    n_top
        Genes with the largest true shift over the groups that ``_top`` numbers are about, chosen on other groups where
        there are any, so that the choice does not look at the answer.
    donors
        Donor of each cell of ``"pred"``, ``"true"`` and ``"control"``: intervals draw whole donors, the same on all
        sides that share some. ``None``: they draw cells of each side, which makes them too narrow for claims about
        donors.
    n_boot
        Bootstrap samples for the intervals; 0: none.
    random_state
        Seed of halves and samples.

    Returns
    -------
    One row for each group and predictor:

    ``n_pred``, ``n_true``, ``n_control``
        Cells.
    ``delta_pearson``, ``delta_pearson_top``
        Pearson correlation of the shifts (mean minus mean of the control), over all genes and over the top genes. NaN
        for a shift of zero, so for the control.
    ``kendall_tau``
        Tau-b of the mean profiles over the genes of the program (without one: over the top genes).
    ``sign_top``
        Share of the top genes that move in the true direction.
    ``rmse``
        Root mean squared difference of the mean profiles.
    ``energy_distance``
        To the true cells (:func:`energy_distance`), over the top genes.
    ``shift_size``
        Root mean squared shift over all genes.
    ``program_shift``, ``true_program_shift``
        Mean shift of the program's genes, predicted and true.
    ``<name>_low``, ``<name>_high``
        95 % intervals of the correlations and of the program shift, where `n_boot` is not 0; missing where a side has
        fewer than three donors, which is logged. 1.96 bootstrap standard deviations to each side, of correlations on
        Fisher's z scale (Davison & Hinkley 1997, section 5.2): drawn samples are noisier than the cells they are drawn
        from, which lowers their correlations, and percentiles would lie too low. Widened for few donors as in
        :func:`bootstrap`.
    ``interval_over``
        ``"donors"`` or ``"cells"``, where `n_boot` is not 0.

    Groups with fewer than 2 cells on a side have missing values; none is left out.

    Raises
    ------
    ValueError
        Sides with other numbers of genes, or groups or donors that are not one for each cell.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> control = rng.normal(1, 0.1, (40, 8))
    >>> true = control + np.array([1, 1, 0, 0, 0, 0, 0, -1])
    >>> groups = ["a"] * 20 + ["b"] * 20
    >>> table = perturbation_report(true[::-1], true, control, pred_groups=groups, true_groups=groups,
    ...                             control_groups=groups, program=np.array([0, 1]), n_top=3)
    >>> table.query("group == 'a'").set_index("predictor")["program_shift"].round(1).to_dict()["prediction"]
    1.0
    """
    import pandas as pd

    sides = ReportSides(pred, true, control, pred_groups, true_groups, control_groups, others or {}, donors)
    shifts = sides.true_shifts()
    rows: list[dict[str, Any]] = []
    fewest: list[int] = []
    for group in sides.groups:
        rng = np.random.default_rng(random_state)
        elsewhere = [shift for name, shift in shifts.items() if name != group]
        own = shifts.get(group)
        basis = np.mean(np.abs(elsewhere), axis=0) if elsewhere else None if own is None else np.abs(own)
        top = None if basis is None else np.argsort(-basis, kind="stable")[:n_top]
        base, real = sides.cells("control", group), sides.cells("true", group)
        for name, predicted in sides.predictors(group, elsewhere):
            reference = real
            if name == CEILING:
                order = rng.permutation(len(real.X))
                predicted, reference = real.take(order[: len(order) // 2]), real.take(order[len(order) // 2 :])
            row = {"group": group, "predictor": name, **_row(predicted.X, reference.X, base.X, top, program)}
            if n_boot:
                row["interval_over"] = "cells" if donors is None else "donors"
                if min(len(predicted.X), len(base.X)) > 1:
                    row |= intervals(row, predicted, reference, base, top, program, rng, n_boot)
                    fewest += [n_clusters(side) for side in (predicted, base, reference) if len(side.X)]
            rows.append(row)
    if donors is not None and fewest and min(fewest) < MIN_CLUSTERS:
        say_too_few(min(fewest), "donors")
    return pd.DataFrame(rows)


def _row(
    cells: np.ndarray, real: np.ndarray, base: np.ndarray, top: np.ndarray | None, program: np.ndarray | None
) -> dict[str, Any]:
    row: dict[str, Any] = {"n_pred": len(cells), "n_true": len(real), "n_control": len(base)}
    names = ("delta_pearson", "delta_pearson_top", "kendall_tau", "sign_top", "rmse", "energy_distance", "shift_size")
    row |= dict.fromkeys((*names, "program_shift", "true_program_shift"), float("nan"))
    if min(len(cells), len(base)) < 2:
        return row
    shift = cells.mean(axis=0) - base.mean(axis=0)
    row["shift_size"] = float(np.sqrt(np.mean(shift**2)))
    if program is not None and len(program):
        row["program_shift"] = float(shift[program].mean())
    if len(real) < 2 or top is None:
        return row
    true = real.mean(axis=0) - base.mean(axis=0)
    row |= correlations(shift, true, top)
    genes = program if program is not None and len(program) else top
    row["kendall_tau"] = kendall_tau(cells.mean(axis=0)[genes], real.mean(axis=0)[genes])
    moved = top[true[top] != 0]
    row["sign_top"] = float(np.mean(np.sign(shift[moved]) == np.sign(true[moved]))) if len(moved) else float("nan")
    row["rmse"] = float(np.sqrt(np.mean((shift - true) ** 2)))
    row["energy_distance"] = energy_distance(cells[:, top], real[:, top])
    if program is not None and len(program):
        row["true_program_shift"] = float(true[program].mean())
    return row
