"""The numbers of a perturbation report, of a group or of one donor of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._energy import energy_distance
from ._kendall import kendall_tau
from ._report_halves import mean_correlation, shifts
from ._report_sides import CEILING

if TYPE_CHECKING:
    from ._report_halves import Halves
    from ._report_sides import Predictor, Stratum

NUMBERS = (
    *("delta_pearson", "delta_pearson_top", "kendall_tau", "sign_top", "rmse", "energy_distance", "shift_size"),
    *("program_shift", "true_program_shift"),
)

_N_PAIRS = 3
"""Ways of halving the real cells for numbers that compare cells with cells."""


def numbers(
    stratum: Stratum, predictor: Predictor, halves: Halves, top: np.ndarray | None, program: np.ndarray | None
) -> dict[str, float]:
    """Numbers of a predictor by name; NaN for those that lack cells."""
    row = dict.fromkeys(NUMBERS, float("nan"))
    cells, base, real = predictor.cells.X, stratum.base.X, stratum.real.X
    genes = None if program is None or not len(program) else program
    if min(len(cells), len(base)) < 2:
        return row
    shift = cells.mean(axis=0) - base.mean(axis=0)
    row["shift_size"] = float(np.sqrt(np.mean(shift**2)))
    if genes is not None:
        row["program_shift"] = float(shift[genes].mean())
    if len(real) < 2 or top is None:
        return row
    if genes is not None:
        row["true_program_shift"] = float((real.mean(axis=0) - base.mean(axis=0))[genes].mean())
    said, true = shifts(stratum, predictor, halves)
    row["delta_pearson"] = mean_correlation(said, true)
    row["delta_pearson_top"] = mean_correlation(said[:, top], true[:, top])
    row["sign_top"] = _same_sign(said[:, top], true[:, top])
    pairs = (
        [(real[way], real[~way]) for way in halves.real[: 2 * _N_PAIRS : 2]]
        if predictor.name == CEILING
        else [(cells, real)]
    )
    row |= _of_profiles(pairs, top, top if genes is None else genes)
    return row


def n_cells(stratum: Stratum, predictor: Predictor) -> dict[str, int]:
    """Cells on each side; of the ceiling those of its two halves."""
    n, n_real = len(predictor.cells.X), len(stratum.real.X)
    if predictor.name == CEILING:
        n, n_real = n_real // 2, n_real - n_real // 2
    return {"n_pred": n, "n_true": n_real, "n_control": len(stratum.base.X)}


def _same_sign(said: np.ndarray, true: np.ndarray) -> float:
    """Share of genes that move in the true direction, among those that move; mean over the ways of halving."""
    shares = [
        float(np.mean(np.sign(a[b != 0]) == np.sign(b[b != 0]))) for a, b in zip(said, true, strict=True) if b.any()
    ]
    return float(np.mean(shares)) if shares else float("nan")


def _of_profiles(pairs: list[tuple[np.ndarray, np.ndarray]], top: np.ndarray, genes: np.ndarray) -> dict[str, float]:
    """Numbers that compare cells with cells and need no control, mean over the pairs."""
    found = [
        (
            kendall_tau(cells.mean(axis=0)[genes], real.mean(axis=0)[genes]),
            float(np.sqrt(np.mean((cells.mean(axis=0) - real.mean(axis=0)) ** 2))),
            energy_distance(cells[:, top], real[:, top]),
        )
        for cells, real in pairs
    ]
    return dict(zip(("kendall_tau", "rmse", "energy_distance"), np.mean(found, axis=0).tolist(), strict=True))
