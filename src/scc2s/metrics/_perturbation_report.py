from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ._bootstrap import draws
from ._energy import energy_distance
from ._kendall import kendall_tau
from ._pearson import correlation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

PREDICTION, CONTROL = "prediction", "control"
OTHER_GROUPS, CEILING = "mean shift of other groups", "real cells, split half"
_INTERVALS = ("delta_pearson", "delta_pearson_top", "program_shift")


def perturbation_report(
    pred: Any,
    true: Any,
    control: Any,
    *,
    pred_groups: Sequence[Any],
    true_groups: Sequence[Any] | None,
    control_groups: Sequence[Any],
    others: Mapping[str, tuple[Any, Sequence[Any]]] | None = None,
    program: np.ndarray | None = None,
    n_top: int = 50,
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
        Further predictions by name, each with the groups of its cells.
    program
        Columns of the genes of a program, e.g. an interferon response.
    n_top
        Genes with the largest true shift over the groups that ``_top`` numbers are about, chosen on other groups where
        there are any, so that the choice does not look at the answer.
    n_boot
        Bootstrap samples of cells (of all three sides) for the intervals; 0: none.
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
        95 % percentile intervals of the correlations and of the program shift, where `n_boot` is not 0.

    Groups with fewer than 2 cells on a side have missing values; none is left out.

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

    sides = _Sides(pred, true, control, pred_groups, true_groups, control_groups, others or {})
    shifts = sides.true_shifts()
    rows: list[dict[str, Any]] = []
    for group in sides.groups:
        rng = np.random.default_rng(random_state)
        elsewhere = [shift for name, shift in shifts.items() if name != group]
        own = shifts.get(group)
        basis = np.mean(np.abs(elsewhere), axis=0) if elsewhere else None if own is None else np.abs(own)
        top = None if basis is None else np.argsort(-basis, kind="stable")[:n_top]
        base, real = sides.cells("control", group), sides.cells("true", group)
        for name, cells in sides.predictors(group, elsewhere, rng):
            reference = real
            if name == CEILING:
                cells, reference = _halves(real, rng)
            row = {"group": group, "predictor": name, **_row(cells, reference, base, top, program)}
            if n_boot and len(cells) > 1 and len(base) > 1:
                row |= _intervals(cells, reference, base, top, program, rng, n_boot)
            rows.append(row)
    return pd.DataFrame(rows)


class _Sides:
    """The cells of each side, by group."""

    def __init__(
        self,
        pred: Any,
        true: Any,
        control: Any,
        pred_groups: Sequence[Any],
        true_groups: Sequence[Any] | None,
        control_groups: Sequence[Any],
        others: Mapping[str, tuple[Any, Sequence[Any]]],
    ) -> None:
        given = {"pred": (pred, pred_groups), "control": (control, control_groups)}
        if true is not None:
            given["true"] = (true, [] if true_groups is None else true_groups)
        self._others = list(others)
        given |= {f"others: {name}": pair for name, pair in others.items()}
        widths = {name: X.shape[1] for name, (X, _) in given.items()}
        if len(set(widths.values())) > 1:
            msg = f"the sides have other numbers of genes ({widths}); take the same from all: adata[:, genes]"
            raise ValueError(msg)
        self._data: dict[str, tuple[Any, np.ndarray]] = {}
        for name, (X, groups) in given.items():
            labels = np.asarray(list(groups), dtype=object)
            if len(labels) != X.shape[0]:
                msg = f"{name} has {X.shape[0]} cells and {len(labels)} groups; pass one group for each cell"
                raise ValueError(msg)
            self._data[name] = (sparse.csr_matrix(X) if sparse.issparse(X) else np.asarray(X), labels)
        self._n_genes = next(iter(widths.values()))
        self.groups = sorted(set(self._data["pred"][1].tolist()), key=str)

    def cells(self, side: str, group: Any) -> np.ndarray:
        """Cells of a group, dense; none where the side has none."""
        if side not in self._data:
            return np.empty((0, self._n_genes))
        X, labels = self._data[side]
        some = X[np.flatnonzero(labels == group)]
        return np.asarray(some.toarray() if sparse.issparse(some) else some, dtype=np.float64)

    def true_shifts(self) -> dict[Any, np.ndarray]:
        """Mean true shift of each group that has real and control cells."""
        found = {}
        for group in self.groups:
            real, base = self.cells("true", group), self.cells("control", group)
            if len(real) and len(base):
                found[group] = real.mean(axis=0) - base.mean(axis=0)
        return found

    def predictors(
        self, group: Any, elsewhere: list[np.ndarray], rng: np.random.Generator
    ) -> list[tuple[str, np.ndarray]]:
        del rng
        base = self.cells("control", group)
        found = [(PREDICTION, self.cells("pred", group)), (CONTROL, base)]
        if elsewhere:
            found.append((OTHER_GROUPS, base + np.mean(elsewhere, axis=0)))
        found += [(name, self.cells(f"others: {name}", group)) for name in self._others]
        if "true" in self._data:
            found.append((CEILING, self.cells("true", group)))
        return found


def _halves(cells: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    order = rng.permutation(len(cells))
    middle = len(cells) // 2
    return cells[order[:middle]], cells[order[middle:]]


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
    row |= _correlations(shift, true, top)
    genes = program if program is not None and len(program) else top
    row["kendall_tau"] = kendall_tau(cells.mean(axis=0)[genes], real.mean(axis=0)[genes])
    moved = top[true[top] != 0]
    row["sign_top"] = float(np.mean(np.sign(shift[moved]) == np.sign(true[moved]))) if len(moved) else float("nan")
    row["rmse"] = float(np.sqrt(np.mean((shift - true) ** 2)))
    row["energy_distance"] = energy_distance(cells[:, top], real[:, top])
    if program is not None and len(program):
        row["true_program_shift"] = float(true[program].mean())
    return row


def _correlations(shift: np.ndarray, true: np.ndarray, top: np.ndarray) -> dict[str, float]:
    return {"delta_pearson": correlation(shift, true), "delta_pearson_top": correlation(shift[top], true[top])}


def _intervals(
    cells: np.ndarray,
    real: np.ndarray,
    base: np.ndarray,
    top: np.ndarray | None,
    program: np.ndarray | None,
    rng: np.random.Generator,
    n_boot: int,
) -> dict[str, float]:
    """Percentile intervals; cells of each side are drawn on their own. Means of drawn cells are weighted means."""

    def means(X: np.ndarray) -> np.ndarray:
        if not len(X):
            return np.full((n_boot, X.shape[1]), np.nan)
        drawn = draws(rng, len(X), n_boot)
        weights = np.stack([np.bincount(row, minlength=len(X)) for row in drawn]) / len(X)
        return weights @ X

    bases = means(base)
    shifts = means(cells) - bases
    trues = means(real) - bases
    samples: dict[str, list[float]] = {name: [] for name in _INTERVALS}
    for shift, true in zip(shifts, trues, strict=True):
        if program is not None and len(program):
            samples["program_shift"].append(float(shift[program].mean()))
        if top is not None and len(real) > 1:
            for name, value in _correlations(shift, true, top).items():
                samples[name].append(value)
    out = {}
    for name, values in samples.items():
        low, high = np.nanquantile(values, [0.025, 0.975]) if np.isfinite(values).any() else (np.nan, np.nan)
        out[f"{name}_low"], out[f"{name}_high"] = float(low), float(high)
    return out
