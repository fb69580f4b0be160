from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._bootstrap import MIN_CLUSTERS, say_too_few
from ._report_gains import gains
from ._report_halves import Halves
from ._report_intervals import OfCells, OfDonors
from ._report_rows import NUMBERS, n_cells, numbers
from ._report_samples import Resampled
from ._report_sides import ReportSides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from ._report_sides import Stratum


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
    know more than "the same happens everywhere"), and plus that of the same group in the other donors, where these are
    known (what anyone with data of other donors would say); whatever is passed in `others`; and half of the real cells
    taken as prediction of the other half.

    A prediction and its truth are shifts against control cells. Were these the same cells, their noise would be on both
    sides, and cells that were only written anew would seem to move the right way (a correlation of 0.3 to 0.5 in real
    data). So the control cells are halved: one half is taken off the prediction about these cells, the other half off
    the truth. Correlations are means over ten ways of halving and both parts of each.

    Parameters
    ----------
    pred, true, control
        Cells x genes, log-normalised, in the same units; dense or sparse. Without `true` (``None``) there are only the
        numbers that need none. Where `pred`, or one of `others`, has the groups (and donors) of `control` in the same
        order, its rows are taken as the same cells, before and after: they are halved and drawn together.
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
        Donor of each cell of ``"pred"``, ``"true"`` and ``"control"``. Where donors of a group have cells on all sides,
        at least two each, every number is that of each such donor alone, and the table has their mean; intervals draw
        them. Donors of `control` without a prediction serve the mean shift of the other donors. Where prediction and
        truth have no donor in common, numbers are of the group as a whole, and intervals draw the donors of each side.
        ``None``: intervals draw cells, which makes them too narrow for claims about donors.
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
        Pearson correlation of the shifts (mean minus mean of half of the control), over all genes and over the top
        genes. NaN for a shift of zero, so for the control.
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
    ``delta_pearson_gain``, ``energy_distance_gain``
        In the row of a simple prediction: how much better the prediction is than this one, of the same cells; more is
        better for both. In the row of the prediction: than the best of them (each number its own). A shift of zero
        counts as a correlation of 0 here. The best is chosen on the same cells, which is to its advantage.
    ``best_floor``
        In the row of the prediction: which simple prediction has the highest ``delta_pearson``.
    ``<name>_low``, ``<name>_high``
        95 % intervals of the correlations, the program shift and the gains, where `n_boot` is not 0; missing where a
        side has fewer than three donors, which is logged. Of donors: those of :func:`bootstrap`. Of cells: 1.96
        bootstrap standard deviations to each side, of correlations on Fisher's z scale (Davison & Hinkley 1997, section
        5.2), since drawn samples are noisier than the cells they are drawn from, which lowers their correlations, and
        percentiles would lie too low; of at most 1000 cells a side. Gains draw the same cells, or donors, for both. The
        top genes stay as they were chosen.
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
    over = "cells" if donors is None else "donors"
    rows: list[dict[str, Any]] = []
    fewest: list[int] = []
    for group in sides.groups:
        elsewhere, own = sides.elsewhere(group), sides.own(group)
        basis = np.mean(np.abs(elsewhere), axis=0) if elsewhere else None if own is None else np.abs(own)
        top = None if basis is None else np.argsort(-basis, kind="stable")[:n_top]
        strata, by_donor = sides.strata(group)
        found, n = _group(strata, by_donor, top, program, np.random.default_rng(random_state), n_boot)
        fewest += [n] if n_boot else []
        rows += [{"group": group, **row, **({"interval_over": over} if n_boot else {})} for row in found]
    if donors is not None and fewest and min(fewest) < MIN_CLUSTERS:
        say_too_few(min(fewest), "donors")
    return pd.DataFrame(rows)


def _group(
    strata: list[Stratum],
    by_donor: bool,
    top: np.ndarray | None,
    program: np.ndarray | None,
    rng: np.random.Generator,
    n_boot: int,
) -> tuple[list[dict[str, Any]], int]:
    """Rows of a group, and how many donors (or cells) the side has that has the fewest of them."""
    halves = [Halves.of(stratum, rng) for stratum in strata]
    predictors = {p.name: p for p in strata[0].predictors}
    for stratum in strata[1:]:
        predictors |= {p.name: p for p in stratum.predictors if p.name not in predictors}
    values: dict[str, dict[str, np.ndarray]] = {}
    cells: dict[str, dict[str, int]] = {}
    for name in predictors:
        own = [next((p for p in stratum.predictors if p.name == name), None) for stratum in strata]
        there = [(s, h, p) for s, h, p in zip(strata, halves, own, strict=True) if p is not None]
        cells[name] = {key: sum(n_cells(s, p)[key] for s, _, p in there) for key in ("n_pred", "n_true", "n_control")}
        each = [
            dict.fromkeys(NUMBERS, float("nan")) if p is None else numbers(s, p, h, top, program)
            for s, h, p in zip(strata, halves, own, strict=True)
        ]
        values[name] = {key: np.array([one[key] for one in each]) for key in NUMBERS}
    rows = {
        name: {"predictor": name, **cells[name]} | {k: _mean(v) for k, v in values[name].items()} for name in values
    }
    drawn: OfCells | OfDonors | None = None
    if n_boot and by_donor:
        drawn = OfDonors(values, rng, n_boot)
    elif n_boot:
        drawn = OfCells(Resampled(strata[0], halves[0], top, program, rng, n_boot), predictors, values)
    ends = {} if drawn is None else {name: drawn.ends(name) for name in values}
    compared = gains(values, None if drawn is None else drawn.gain_ends)
    fewest = 0 if drawn is None else drawn.fewest
    return [rows[name] | ends.get(name, {}) | compared[name] for name in values], fewest


def _mean(values: np.ndarray) -> float:
    """Mean over the donors that have a value."""
    found = values[np.isfinite(values)]
    return float(found.mean()) if len(found) else float("nan")
